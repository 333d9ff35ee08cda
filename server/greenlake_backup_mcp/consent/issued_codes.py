"""What previews showed, in digests: enough to tell why a code does not hold. Consent never rests on it.

Knows nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from greenlake_backup_mcp.text import masking, sanitize

from . import codes
from .codes import SHAPE, SLOT, Call, CodeMatch, CodeStatus

MOST = 1000  # previews remembered


def digested(key: bytes, call: Call) -> Call:
    """A call as it is remembered: its arguments, which may hold passwords, as digests."""
    digests = {name: codes.keyed_digest(key, "argument", name, value) for name, value in call.arguments.items()}
    return replace(call, arguments=digests)


def remember(issued: dict[str, Call], code: str, this: Call) -> None:
    """Keep what a code was shown for; the oldest go when there are too many."""
    issued.pop(code, None)
    issued[code] = this
    while len(issued) > MOST:
        del issued[next(iter(issued))]


def knows(issued: Mapping[str, Call], text: Any) -> bool:
    """Whether a text is no code by its shape, or one that this process showed."""
    return not isinstance(text, str) or len(codes.normalize(text)) != SHAPE or codes.normalize(text) in issued


def explain_mismatch(issued: Mapping[str, Call], now: Call, text: Any, match: CodeMatch) -> str:
    """Why the text that was given for a code does not hold for a call, as far as can be told."""
    if match.status is CodeStatus.USED:
        return "This code was used already; a code holds once."
    if match.status is CodeStatus.EXPIRED:
        return f"This code has expired: one holds for {SLOT // 60} to {2 * SLOT // 60} minutes."
    if not isinstance(text, str) or len(codes.normalize(text)) != SHAPE:
        return 'confirm is neither "preview" nor a code; a code looks like ABCD-EFGH.'
    if match.status is CodeStatus.OTHER_VERSION:
        return "This is no code of this version of the server: during an update, codes of the other one do not hold."
    before = issued.get(codes.normalize(text))
    if before is None or before.principal != now.principal:
        return "This is not a code for this call."
    if before.tool != now.tool:
        return f"This code is for another tool, {before.tool}."
    names = sorted({*now.arguments, *before.arguments})
    if differ := [n for n in names if now.arguments.get(n) != before.arguments.get(n)]:
        return f"This code is for other arguments than these; not as previewed: {', '.join(differ)}."
    return differs(before, now) or "This code does not hold any more."


def differs(before: Call, now: Call, when: str = "since the preview") -> str:
    """What about the target or the effect of a call is not as it was; "" where nothing is known of a difference."""
    if moved := list(changed(before.state, now.state)):
        return f"The target changed {when}: {'; '.join(moved[:5])}."
    if moved := list(facts_differ(before.binding_facts, now.binding_facts)):
        return f"What it would do changed {when}: {'; '.join(moved[:5])}."
    return ""


def facts_differ(before: tuple[str, ...], now: tuple[str, ...]) -> Iterator[str]:
    """What an effect now is that it was not, and was that it is no longer."""
    yield from (f"now {sanitize.cell(kind, 120)}" for kind in now if kind not in before)
    yield from (f"no longer {sanitize.cell(kind, 120)}" for kind in before if kind not in now)


def changed(before: Any, now: Any, name: str = "it") -> Iterator[str]:
    """Which fields of two states differ, with their values."""
    if before == now:
        return
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for field in sorted({*before, *now}):
            yield from changed(before.get(field), now.get(field), str(field))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for one, other in zip(before, now, strict=True):
            yield from changed(one, other, name)
    elif isinstance(before, Mapping) != isinstance(now, Mapping):
        yield f"{sanitize.cell(name)} is no longer {'there' if isinstance(before, Mapping) else 'missing'}"
    elif masking.is_secret(name):
        yield name
    else:
        yield f"{sanitize.cell(name)} was {sanitize.cell(str(before), 60)}, is {sanitize.cell(str(now), 60)}"
