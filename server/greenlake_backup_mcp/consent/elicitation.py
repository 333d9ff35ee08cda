"""How a person is asked through their client, in either protocol era, and what their answer means.

Knows MCP's questions; must know nothing of tools, codes or HTTP.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
)
from mcp.types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

VIEWS = "io.modelcontextprotocol/ui"  # the extension by which a client says that it shows views
VIEW_TYPE = "text/html;profile=mcp-app"
QUESTION = "confirm"  # the key of the one question a call asks
ANSWER_SECONDS = 300  # how long a person of a session before 2026-07-28 is waited for
FORM: dict[str, Any] = {
    "type": "object",
    "required": ["confirm"],
    "properties": {
        "confirm": {
            "type": "boolean",
            "title": "Yes, do exactly this",
            "description": "Without this, nothing is sent.",
            "default": False,
        }
    },
}
NO_WORDS = {
    "accept": "the person accepted the form without the yes",
    "decline": "the person declined",
    "cancel": "the person cancelled",
}


READING_SECONDS = 1.0  # in which no person reads a question and answers it
AGAIN = "Do not try again unless the person asks for it."
BY_ITSELF = (
    "No person can have decided that. Where nobody sits before the client, a person can start this server with "
    "--ask never: then codes alone confirm. Do not try again before that."
)


@dataclass(frozen=True)
class Person:
    """The way to the person behind a client that can ask: `push` on sessions before 2026-07-28, else by return."""

    push: Callable[[str], Awaitable[ElicitResult]] | None = None
    answer: ElicitResult | None = None  # that came back with this call
    state: str | None = None  # of the question it answers


def can_ask(ctx: ServerRequestContext[Any]) -> bool:
    """Whether the client of a request says that it can ask its person, and can be reached for it."""
    declared = ctx.session.client_capabilities
    asks = declared.elicitation if declared else None
    if asks is None or (asks.form is None and asks.url is not None):  # {} means forms (specification, elicitation)
        return False
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS or ctx.session.can_send_request


def person(ctx: ServerRequestContext[Any], params: CallToolRequestParams) -> Person | None:
    """The way to the person of a call; None where the client did not say that it can ask."""
    if not can_ask(ctx):
        return None
    if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
        answer = (params.input_responses or {}).get(QUESTION)
        return Person(answer=answer if isinstance(answer, ElicitResult) else None, state=params.request_state)

    async def push(question: str) -> ElicitResult:
        return await ctx.session.elicit_form(question, FORM, related_request_id=ctx.request_id)

    return Person(push=push)


def shows_views(ctx: ServerRequestContext[Any]) -> bool:
    """Whether the client of a request says that it shows views (MCP Apps), and of the one kind there is."""
    declared = ctx.session.client_capabilities
    views = (declared.extensions or {}).get(VIEWS) if declared else None
    kinds = views.get("mimeTypes") if isinstance(views, Mapping) else None
    return isinstance(kinds, list) and VIEW_TYPE in kinds


def client_name(ctx: ServerRequestContext[Any]) -> str:
    """The client of a request as it calls itself, with its version."""
    declared = ctx.session.client_params
    return f"{declared.client_info.name} {declared.client_info.version}"[:200] if declared else "unnamed"


def returned_answer(question: str, state: str) -> InputRequiredResult:
    """The question as a result: the client puts it to its person and calls again with the answer and the state."""
    form = ElicitRequestFormParams(message=question, requested_schema=FORM)
    return InputRequiredResult(input_requests={QUESTION: ElicitRequest(params=form)}, request_state=state)


async def push_question(push: Callable[[str], Awaitable[ElicitResult]], question: str) -> ElicitResult | str:
    """The person's answer, or in words why there is none."""
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            return await push(question)
    except TimeoutError:
        return f"nobody answered within {ANSWER_SECONDS // 60} minutes"
    except (MCPError, ValidationError, anyio.ClosedResourceError, anyio.BrokenResourceError):
        return "the client could not put the question to the person"


@dataclass(frozen=True)
class AnswerVerdict:
    """What an answer is worth: whether it is consent, who gave it in words, and what to tell or do about it."""

    consented: bool
    words: str
    cure: str = ""
    notes: tuple[str, ...] = ()


def judge(answer: ElicitResult | str, seconds: float) -> AnswerVerdict:
    """What an answer that came after so many seconds is worth.

    Nobody reads a question in less than a second, and no form lacks its field: such an answer is the client's own
    (`claude -p` cancels, `codex exec` declines, some accept an empty form), and is called so.
    """
    if isinstance(answer, str):
        return AnswerVerdict(False, answer, AGAIN)
    if answer.action == "accept" and (answer.content or {}).get("confirm") is True:
        if seconds >= READING_SECONDS:
            return AnswerVerdict(True, "the person said yes")
        words = f"the client said yes by itself, {max(seconds, 0):.1f} s after it was asked"
        return AnswerVerdict(True, words, notes=(f"Of the consent: {words}; no person can have read the question.",))
    if answer.action == "accept" and "confirm" not in (answer.content or {}):
        return AnswerVerdict(False, "the client accepted the form by itself, without the yes in it", BY_ITSELF)
    if seconds < READING_SECONDS:
        words = NO_WORDS[answer.action].replace("the person", "the client")
        return AnswerVerdict(False, f"{words} by itself, {max(seconds, 0):.1f} s after it was asked", BY_ITSELF)
    return AnswerVerdict(False, NO_WORDS[answer.action], AGAIN)
