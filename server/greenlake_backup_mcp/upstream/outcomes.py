"""What an answer comes to: a response, an error that says what is known, or one after which it is tried again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from greenlake_backup_mcp.errors import BackupError, ServiceError, Unreachable
from greenlake_backup_mcp.observability import call_log

from . import body_limits, connection_errors, error_mapping
from .messages import Answer, Request, Response
from .readings import Readings
from .retry import NOT_SENT, TransientError, may_repeat
from .retry_after import retry_after_seconds


def no_answer(request: Request, broken: BaseException | None) -> Exception:
    """What to raise where not even a status arrived."""
    assert broken is not None  # noqa: S101  a missing status has a cause
    failure = connection_errors.explain(broken)
    if not request.reads and not isinstance(broken, NOT_SENT):
        return error_mapping.unknown_outcome(f"the service {failure.words}", request.name)
    error = Unreachable(f"{request.name}: the service {failure.words}.", hint=f"Nothing was changed. {failure.hint}")
    return error if failure.lasting else TransientError(error)


def error_of(request: Request, answer: Answer, readings: Readings, clock_note: str) -> Exception:
    """What to raise for an answer that is not 2xx; a refused token also says where our clock is off."""
    text = ""
    try:
        body = body_limits.parse_body(answer.content[: body_limits.LARGE])
    except (body_limits.UnusableBodyError, BackupError):
        body, text = None, answer.content[:65_536].decode("utf-8", "replace")
    page = body_limits.is_page(answer.content, answer.headers.get("content-type", ""))
    problem = error_mapping.parse_error_body(answer.headers, body, text, page=page)
    call_log.record_debug_id(problem.debug_id)
    if isinstance(body, dict) and problem.vendor:
        readings.learn("old_errors", "no" if "httpStatusCode" in body or "debugId" in body else "yes", "an error")
    error = error_mapping.error_for_status(request.name, answer.status, problem, reads=request.reads)
    if answer.status == 401 and clock_note:
        error = error.with_hint(f"{error.hint} {clock_note}")
    if isinstance(error, ServiceError):
        error.words = "" if problem.page else problem.message
        error.definite = request.reads or error_mapping.is_definite(answer.status, problem, answer.headers, body)
    if may_repeat(answer.status, reads=request.reads):
        return TransientError(error, retry_after_seconds(answer.headers, answer.status, datetime.now(UTC)))
    return error


async def response_of(request: Request, answer: Answer) -> Response:
    """The response of a 2xx answer. What a write did is done, so an unusable body does not turn it into a failure."""
    body = None
    try:
        body = await _body_of(request, answer)
    except (TransientError, BackupError):
        if request.reads:
            raise
        if answer.status not in (202, 204):  # whose bodies say nothing
            what = f"the service accepted it (HTTP {answer.status}), but its answer could not be read"
            raise error_mapping.unknown_outcome(what, request.name, answer.status, answer.debug_id) from None
    return Response(answer.status, answer.headers, body, answer.debug_id, len(answer.content))


async def _body_of(request: Request, answer: Answer) -> Any:
    """The JSON value of an answer; a TransientError or BackupError where it is not whole or none."""
    if isinstance(answer.broken, BackupError):
        raise answer.broken
    if answer.broken is not None:
        raise TransientError(_incomplete(request, connection_errors.explain(answer.broken).words))
    try:
        body = await body_limits.parse(answer.content, answer.headers.get("content-type", ""))
    except body_limits.UnusableBodyError as unusable:
        error = _incomplete(request, f"answered with {unusable.reason}")
        raise (TransientError(error) if unusable.passing else error) from None
    if body is None and request.method == "GET":  # every documented one answers something
        raise TransientError(_incomplete(request, "answered with nothing"))
    return body


def _incomplete(request: Request, how_it_failed: str) -> BackupError:
    return Unreachable(
        f"{request.name}: the service {how_it_failed}.",
        hint="Nothing was changed. Try again in a minute. A page in HTML usually comes from a proxy in between.",
    )
