"""Errors within an answer that calls itself a success: HTTP 200 with an error body, 207 with parts that failed.

Knows the shapes of an answer and nothing of what was asked; no HTTP is done here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from greenlake_backup_mcp.lists.views import extractors
from greenlake_backup_mcp.text import sanitize

from . import task_model

MULTI_STATUS = 207
_NUMBERS = ("httpStatusCode", "statusCode", "status", "code")  # where answers keep a status of HTTP
MESSAGES = ("message", "errorMessage", "error/error", "error/message", "body/message")
_WORDS = ("FAILED", "ERROR", "FAILURE")
MOST_REASONS = 5


@dataclass(frozen=True)
class EmbeddedError:
    """What an answer says against itself: how many of its parts failed (of 0: the whole), and why."""

    reasons: tuple[str, ...]
    failed: int = 0
    parts: int = 0

    @property
    def partly(self) -> bool:
        """Whether other parts did not fail."""
        return self.failed < self.parts


def find_embedded_error(status: int, body: Any) -> EmbeddedError | None:
    """The error in a 2xx answer; None where it has none.

    `status` is the answer's own: of 207 (RFC 4918) each part says how it fared, also in a word (`state`, `status`). Of
    any other a resource's state is no error of the request. `body` is parsed JSON of any shape.
    """
    if isinstance(body, Mapping) and (reason := _reason(body)):
        return EmbeddedError((reason,))
    for parts in _lists(body):
        failed = [reason for part in parts if (reason := _reason(part, words=status == MULTI_STATUS))]
        if failed:
            return EmbeddedError(tuple(dict.fromkeys(failed))[:MOST_REASONS], len(failed), len(parts))
    return None


def _lists(body: Any) -> Iterator[list[Mapping[str, Any]]]:
    """The lists of objects of an answer, be it one itself."""
    held = [body] if isinstance(body, list) else list(body.values()) if isinstance(body, Mapping) else []
    for value in held:
        if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
            yield value


def _reason(part: Mapping[str, Any], *, words: bool = False) -> str:
    """Why this object is an error; "" where it is none."""
    error = part.get("error")
    number = next((part[n] for n in _NUMBERS if isinstance(part.get(n), int) and 400 <= part[n] < 600), None)
    word = words and str(part.get("state") or part.get("status")).upper() in _WORDS
    if not (number or word or part.get("errorCode") or (error and isinstance(error, (str, Mapping)))):
        return ""
    inner = error if isinstance(error, Mapping) else {"error": error}
    message = extractors.first({**part, "error": inner}, MESSAGES)
    code = part.get("errorCode") or inner.get("errorCode") or number
    who = part.get("name") or part.get("resourceName") or part.get("resourceUri") or part.get("id")
    about = f"{sanitize.cell(str(who))}: " if who and (words or number) else ""
    trace = part.get("debugId") or part.get("traceId") or inner.get("traceId")
    return about + task_model.write_reason(message, code, trace)
