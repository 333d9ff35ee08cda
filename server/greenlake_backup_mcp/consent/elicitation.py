"""How a person is asked through their client, in either protocol era, and what their answer means.

Knows MCP's questions; must know nothing of tools, codes or HTTP.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
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


@dataclass(frozen=True)
class Person:
    """The way to the person behind a client that can ask: `push` on sessions before 2026-07-28, else by return."""

    push: Callable[[str], Awaitable[ElicitResult]] | None = None
    answer: ElicitResult | None = None  # that came back with this call
    state: str | None = None  # of the question it answers


def person(ctx: ServerRequestContext[Any], params: CallToolRequestParams) -> Person | None:
    """The way to the person of a call; None where the client did not say that it can ask."""
    declared = ctx.session.client_capabilities
    asks = declared.elicitation if declared else None
    if asks is None or (asks.form is None and asks.url is not None):  # {} means forms (specification, elicitation)
        return None
    if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
        answer = (params.input_responses or {}).get(QUESTION)
        return Person(answer=answer if isinstance(answer, ElicitResult) else None, state=params.request_state)
    if not ctx.session.can_send_request:
        return None

    async def push(question: str) -> ElicitResult:
        return await ctx.session.elicit_form(question, FORM, related_request_id=ctx.request_id)

    return Person(push=push)


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


def objection(answer: ElicitResult | str) -> str:
    """Why an answer is not a yes; "" if it is one."""
    if isinstance(answer, str):
        return answer
    if answer.action == "accept" and (answer.content or {}).get("confirm") is True:
        return ""
    return NO_WORDS[answer.action]
