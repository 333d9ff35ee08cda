"""What is recorded of a proposal, and the results that say it was not carried out.

Must know nothing of codes or of the person.
"""

from __future__ import annotations

from typing import Any

from mcp.types import CallToolResult, TextContent

from greenlake_backup_mcp.previews.reads import Target
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.text import sanitize

from . import audit_log
from .proposals import Caller, Consent, Evaluation, Proposal


def target_fields(target: Target) -> dict[str, Any]:
    """A target as the audit log keeps it."""
    names = ("id", "name", "displayName", "generation", "state", "expiresAt", "lockedUntil")
    return {"path": target.path, **{n: target.resource[n] for n in names if target.resource.get(n) is not None}}


def record(  # noqa: PLR0913, PLR0917
    consent: Consent,
    event: audit_log.Event,
    evaluation: Evaluation,
    caller: Caller,
    reason: str = "",
    text: str = "",
) -> None:
    """Record what happened to a proposal; `text` is what was given out for the person."""
    consent.record(
        event,
        caller,
        evaluation.call.tool,
        target=evaluation.proposal.target(evaluation.subject),
        arguments=evaluation.proposal.arguments,
        reason=reason,
        text=text,
    )


def refuse(  # noqa: PLR0913, PLR0917
    consent: Consent, proposal: Proposal, caller: Caller, why: str, cure: str, subject: Any = None
) -> CallToolResult:
    """The result that says why nothing was done; recorded."""
    target = proposal.target(subject) if subject is not None else None
    consent.record("refusal", caller, proposal.tool, target=target, arguments=proposal.arguments, reason=why)
    return text([f"NOT DONE, nothing was sent: {why}.", cure], consent.settings, is_error=True)


def text(lines: list[str], settings: Settings, *, is_error: bool) -> CallToolResult:
    """A result of these lines, whole: a preview is never shortened to fit a budget."""
    if settings.demo:
        lines = [*lines, "Simulated tenant: nothing here is real."]
    return CallToolResult(content=[TextContent(text=sanitize.clean("\n".join(lines)))], is_error=is_error)


def text_of(result: CallToolResult) -> str:
    """The text that a result gives out."""
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))
