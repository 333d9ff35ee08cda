"""The only maker of results: budget, hygiene, error text.

Knows MCP result types; must know nothing of HTTP or of single operations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from mcp.types import CallToolResult, TextContent

from greenlake_backup_mcp.errors import BackupError, LimitExceeded, OutcomeUnknown
from greenlake_backup_mcp.lists.render import json_cut
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.text import masking, sanitize

T = TypeVar("T")
BYTES_PER_TOKEN = 2.4  # measured on JSON full of ids and times; prose has four
SIMULATED = "Simulated tenant: nothing here is real."


def text_result(lines: Iterable[str], settings: Settings, *, is_error: bool = False) -> CallToolResult:
    """A result of lines. Whole lines beyond the budget are dropped and counted."""
    out, dropped, left = list(lines), 0, int(settings.budget * BYTES_PER_TOKEN) - 200
    whole = "\n".join(out)
    if len(whole) >= left or not (whole.isascii() and whole.replace("\n", "").isprintable()):  # seldom
        waiting, out = out, []
        for line in map(sanitize.clean, waiting):
            left -= len(line.encode()) + 1
            if left >= 0 and not dropped:
                out.append(line)
            else:
                dropped += 1
    if dropped:
        out.append(f"({dropped} more lines left out: the answer's budget is {settings.budget} tokens.)")
    if settings.demo:
        out.append(SIMULATED)
    return CallToolResult(content=[TextContent(type="text", text="\n".join(out))], is_error=is_error)


def json_result(value: Any, settings: Settings) -> CallToolResult:
    """The API's own JSON, cleaned, secrets hidden: as structured content, and the same as text for clients without it.

    The two are one answer, and count once in the budget; what is beyond it is cut, and told in the JSON itself.
    """
    cleaned = masking.redact(value, settings.reveal_secrets)
    if not isinstance(cleaned, dict):
        cleaned = {"items": cleaned}
    if settings.demo:
        cleaned = {**cleaned, "simulated": True}
    text = json.dumps(cleaned, ensure_ascii=False)
    if len(text.encode()) > settings.budget * BYTES_PER_TOKEN:
        cleaned = fit_json(cleaned, settings)
        text = json.dumps(cleaned, ensure_ascii=False)
    if not sanitize.is_clean_json(text):
        cleaned = clean_result(cleaned)
        text = json.dumps(cleaned, ensure_ascii=False)
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=cleaned)


def fit_json(value: Any, settings: Settings) -> Any:
    """The value within the budget of an answer: what is too large is cut inside, and told there."""
    most = int(settings.budget * BYTES_PER_TOKEN)
    if json_cut.json_size(value, most) <= most:
        return value
    return json_cut.cut_json(value if isinstance(value, dict) else {"items": value}, most - 40)  # "simulated"


def error_result(problem: BackupError, settings: Settings) -> CallToolResult:
    """A problem as text that the model can act on: what, why, what is known to have happened, what to do next."""
    lines = [problem.message]
    facts = []
    if problem.status:
        facts.append(f"HTTP {problem.status}")
    if problem.debug_id:
        facts.append(f"debug id {problem.debug_id}")
    if facts:
        lines[0] += f" ({', '.join(facts)})"
    if problem.nothing_sent:
        lines.append("Nothing was sent.")
    if isinstance(problem, OutcomeUnknown):
        lines.append(
            "The outcome is UNKNOWN: it may have been carried out. Do not repeat it before reading the resource."
        )
    if problem.hint:
        lines.append(problem.hint)
    return text_result(lines, settings, is_error=True)


def fault_result(name: str, error_: Exception, settings: Settings, *, began: bool = False) -> CallToolResult:
    """A fault of this server; of a write that it `began` to send nobody knows how far it came."""
    what = f"This server failed within {name[:80]} ({type(error_).__name__}); that is a mistake of ours, not yours."
    untouched = "" if began else " Nothing was changed: no request that changes anything had been sent."
    hint = "Please report it with the log of --log-level debug."
    return error_result((OutcomeUnknown if began else LimitExceeded)(what + untouched, hint=hint), settings)


def add_notes(result: T, notes: Iterable[str]) -> T:
    """The result with lines that must be told beside it, whatever it is; a question to the person stays as it is."""
    lines = [sanitize.clean(note) for note in notes]
    if not lines or not isinstance(result, CallToolResult):
        return result
    held = result.structured_content
    if held is not None:
        held = {**held, "notes": lines}
        text = TextContent(type="text", text=json.dumps(held, ensure_ascii=False))
        return result.model_copy(update={"content": [text], "structured_content": held})
    text = TextContent(type="text", text="\n".join(lines))
    return result.model_copy(update={"content": [*result.content, text]})


def mask_result(result: CallToolResult, mask: Callable[[str], str]) -> CallToolResult:
    """The result with what `mask` hides hidden wherever it stands."""
    held = result.structured_content
    if held is not None:
        whole = json.dumps(held, ensure_ascii=False)  # secrets are looked for in their spelling within JSON, too
        held = held if mask(whole) == whole else _map_text(held, mask)
    parts = [
        part.model_copy(update={"text": mask(part.text)}) if isinstance(part, TextContent) else part
        for part in result.content
    ]
    return result.model_copy(update={"content": parts, "structured_content": held})


def clean_result(value: Any) -> Any:
    """The JSON value with every string made visible."""
    return _map_text(value, sanitize.clean)


def _map_text(value: Any, tell: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return tell(value)
    if isinstance(value, dict):
        return {tell(str(name)): _map_text(item, tell) for name, item in value.items()}
    if isinstance(value, list):
        return [_map_text(item, tell) for item in value]
    return value
