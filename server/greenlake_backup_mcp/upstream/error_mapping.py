"""An answer that is not 2xx becomes a sentence: what was refused, why, what to do next, with the vendor's debug id.

Knows both shapes of the vendor's error bodies and that proxies answer HTML; nothing of retries or tools.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

from greenlake_backup_mcp.errors import BackupError, OutcomeUnknown, ServiceError
from greenlake_backup_mcp.text import sanitize

from . import connection_errors
from .messages import read_debug_id

_PERMISSION = re.compile(r"\b[a-z][a-z-]*(?:\.[a-z][a-z-]*){2,}\b")
_REASONS = ("errorDetails", "invalidReasons", "details", "errors")  # lists in an error body
_EXECUTED = re.compile(r"partial|in part\b|\bsome\b|succeeded|rolled back|already (?:applied|done)", re.IGNORECASE)
LONGEST_MESSAGE = 400  # characters of the service's own words that are passed on


@dataclass(frozen=True)
class ErrorBody:
    """What an error body says, in whichever shape: its words, its code, and the id HPE support asks for."""

    message: str = ""
    code: str = ""
    debug_id: str | None = None
    page: bool = False  # HTML: whoever spoke, it was not the service
    vendor: bool = False  # in the service's own shape: it spoke itself, not a proxy before it

    @property
    def maintenance(self) -> bool:
        """Whether it says that a maintenance keeps the service from it."""
        return "maintenance" in self.message.lower()


def parse_error_body(headers: Mapping[str, str], body: Any, text: str = "", *, page: bool = False) -> ErrorBody:
    """What an error answer says; `text` is the body where it is no JSON, `page` whether that is HTML."""
    identity = read_debug_id(headers, body)
    if isinstance(body, dict):
        words = body.get("message") or body.get("error") or body.get("detail") or body.get("title") or ""
        if isinstance(words, dict):
            words = words.get("message") or words.get("error") or ""
        reasons = [
            str(r.get("message") or r.get("reason") or r) if isinstance(r, dict) else str(r)
            for name in _REASONS
            if isinstance(body.get(name), list)
            for r in body[name]
        ]
        message = "; ".join(p for p in [_line(str(words)), *map(_line, reasons[:5])] if p)
        vendor = any(body.get(name) for name in ("errorCode", "httpStatusCode", "debugId"))
        return ErrorBody(_short(message), _line(str(body.get("errorCode") or ""))[:60], identity, vendor=vendor)
    if "<" in text:  # a proxy's page: its title says most
        title = re.search(r"<(title|h1)[^>]*>(.*?)</\1", text[:20_000], re.IGNORECASE | re.DOTALL)
        text = unescape(re.sub(r"<[^>]*>", " ", title[2])) if title else ""
    return ErrorBody(_short(_line(text[:2000])), "", identity, page=page)


def error_for_status(operation: str, status: int, error: ErrorBody, *, reads: bool) -> BackupError:
    """The error of an answer with this status. For a write it also says whether anything may have been done."""
    if not reads and _ambiguous(status, error):
        how = "the service failed" if status == 408 or status >= 500 else "its answer does not say what became of it"
        return unknown_outcome(f"{how}{_quoted(error)}", operation, status, error.debug_id)
    if error.page:
        words = f"{operation}: {connection_errors.page_of_a_proxy(status)}{_quoted(error)}."
        hint = connection_errors.PROXY_HINT if reads else f"{connection_errors.PROXY_HINT} Nothing was changed."
        return ServiceError(words, hint=hint, status=status, debug_id=error.debug_id)
    why, hint = _meaning(status, error, reads=reads)
    return ServiceError(
        f"{operation} was refused, {why}{_quoted(error)}.", hint=hint, status=status, debug_id=error.debug_id
    )


def is_definite(status: int, error: ErrorBody, headers: Mapping[str, str], body: Any) -> bool:
    """Whether a refusal of a write is the service's own and shows nothing that was executed.

    Not so a page or another body of a proxy, one that names a task or parts, or that says that something was done.
    """
    if error.page or "location" in headers or _EXECUTED.search(error.message):
        return False
    if not isinstance(body, dict):
        return status == 415  # by itself it says which point was refused
    parts = any(isinstance(value, list) and value for name, value in body.items() if name not in _REASONS)
    return error.vendor and not parts and not body.get("taskUri")


def unknown_outcome(what: str, operation: str, status: int | None = None, debug_id: str | None = None) -> BackupError:
    """The error of a write of which nobody knows whether it was carried out."""
    return OutcomeUnknown(
        f"Outcome unknown: {operation} was sent, and {what}. It was not repeated.",
        hint="Read the resource and list_tasks to see whether the change happened; only then decide anew.",
        status=status,
        debug_id=debug_id,
    )


def _ambiguous(status: int, error: ErrorBody) -> bool:
    """Whether a write answered like this may have been carried out."""
    # A 503 with which the service itself tells of maintenance is a refusal; any other may be a proxy's and follow a
    # connection lost half-way, as 500, 502 and 504 may. A 303 even says that the request was processed.
    if status == 503:
        return not (error.vendor and error.maintenance)
    return status not in REFUSED


_MEANINGS = {  # status -> why it was refused, what to do next
    400: ("the request is not valid", "Correct the arguments as the message says."),
    401: (
        "the access token was not accepted",
        "The API client may be deleted, or its token replaced by another server that uses it (one client per server).",
    ),
    403: ("not permitted", "The role of the API client's user lacks {permission}. Ask an administrator."),
    404: (
        "not found",
        "Check the id: it may be deleted or expired meanwhile, or lie in another region.",
    ),
    405: ("not offered for this resource", "It cannot be done through the API."),
    409: (
        "it conflicts with the present state",
        "The object is busy, exists already or is in the wrong state: read it, wait for its task, then decide again.",
    ),
    412: (
        "the object changed meanwhile",
        "Read it again and look at what changed before deciding anew; do not simply repeat the call.",
    ),
    415: ("the media type is not accepted", "That is a mistake of this server or its description: report it."),
    422: ("the request is not valid", "Correct the arguments as the message says."),
    424: (
        "something it depends on is not ready",
        "A StoreOnce that never registered correctly must be registered again.",
    ),
    429: ("too many requests", "The rate is shared by all who use this API client. Try again in a minute."),
    501: ("not offered for this resource", "It cannot be done through the API."),
}
REFUSED = frozenset(  # a write answered so was not carried out
    (*_MEANINGS, 301, 302, 305, 307, 308, 402, 407, 410, 411, 413, 414, 417, 421, 423, 425, 426, 428, 431, 451)
)
_ELSEWHERE = (
    "it points elsewhere, and redirects are not followed",
    "Check the region or GREENLAKE_API_BASE_URL.",
)
_MAINTENANCE = ("maintenance", "Try again when the maintenance is over.")
_FAILED = ("the service failed", "Try again in a minute; if it stays, ask HPE support with the debug id.")
_OTHER = ("the service does not accept it", "See the message.")


def _meaning(status: int, error: ErrorBody, *, reads: bool) -> tuple[str, str]:
    """Why, and what to do next."""
    if status == 503 and error.maintenance:
        why, hint = _MAINTENANCE
    elif status in _MEANINGS:
        why, hint = _MEANINGS[status]
    else:
        why, hint = _ELSEWHERE if status < 400 else _OTHER if status < 500 else _FAILED
    permission = _PERMISSION.search(error.message)
    hint = hint.replace("{permission}", f"the permission {permission[0]}" if permission else "the permission for this")
    return why, hint if reads else f"{hint} Nothing was changed."


def _quoted(error: ErrorBody) -> str:
    """The service's words as a quotation, so that they read as data."""
    code = f" [{error.code}]" if error.code and error.code.strip("0123456789") else ""
    return f': "{error.message}"{code}' if error.message else code


def _line(text: str) -> str:
    # it may quote names: neutralised like any cell
    return sanitize.cell(text, 4 * LONGEST_MESSAGE).replace('"', "'")


def _short(text: str) -> str:
    text = text.rstrip(".")
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"
