"""A request that the service refuses for a reading's point is sent once more in the other form; after all else never.

What works is kept for the tenant. Knows refusals and readings; how a request is sent it is given.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from greenlake_backup_mcp.errors import ServiceError
from greenlake_backup_mcp.observability import call_log

from . import error_mapping, request_forms
from .messages import Request, Response
from .readings import Readings

CURES: tuple[tuple[str, str], ...] = (
    # what a refusal names, and the next step: a form that the arguments alone do not make is never tried
    (
        "scheduleIds",
        "This service wants schedules named: call again with scheduleIds; get_protection_job shows them.",
    ),
    ("diskIds", "This service wants disks named: call again with restoreDiskDetails, a row for each disk of the VM."),
    ("expiresAt", "This service takes no such expiry: preview another moment, or the delete if it is to go now."),
)


async def send_adapted(
    readings: Readings, request: Request, send: Callable[[Mapping[str, str]], Awaitable[Response]]
) -> Response:
    """The response to a request in the form of the readings taken, or else in another form of the same meaning.

    `send` sends it in the form of these readings (none: as it is); each is tried once, and only after a refusal
    (400, 415 or 422) of the service itself that names its point and shows nothing that was executed. ServiceError is
    the first refusal; whatever else `send` raises goes through at once.
    """
    points = request_forms.points(request)
    if not points and request.reads:
        return await send({})
    scopes = {point: request_forms.scope_of(point, request) for point in points}
    taken = {point: readings.value(point, scopes[point]) for point in points}
    refusals: list[ServiceError] = []
    untried = list(points)
    attempt = taken
    while True:
        try:
            response = await send(attempt)
        except ServiceError as refusal:
            if refusal.status not in request_forms.REFUSED:
                raise
            changed = next((point for point in points if attempt[point] != taken[point]), "")
            if changed and not request_forms.is_named(changed, request, refusal.status, refusal.words):
                taken, refusals = attempt, [refusal]  # it went through in this point, and is refused for another
            refusals.append(refusal)
            other = _other_form(readings, request, taken, untried, refusals[0]) if refusal.definite else None
            if other is None:
                raise _with_cure(refusals[0]) from None
            attempt = other
            call_log.count_retry()
            continue
        if not error_mapping.parse_error_body({}, response.body).vendor:  # a success that holds an error proves nothing
            for point in points:
                readings.learn(point, attempt[point], f"{request.name}, HTTP {response.status}", scopes[point])
        return response


def _other_form(
    readings: Readings, request: Request, taken: Mapping[str, str], untried: list[str], refusal: ServiceError
) -> dict[str, str] | None:
    """The readings of the next form to try after a refusal; None where it names none that was not tried."""
    form = request_forms.form_of
    for point in untried:
        if not request_forms.is_named(point, request, refusal.status, refusal.words):
            continue
        for value in readings.others(point, request_forms.scope_of(point, request)):
            other = {**taken, point: value}
            if form(request, other) != form(request, taken):
                untried.remove(point)
                return other
    return None


def _with_cure(refusal: ServiceError) -> ServiceError:
    """The refusal with the next step where this service must be told more, or other, than was asked."""
    cure = next((cure for name, cure in CURES if request_forms.has_word(refusal.words, name)), "")
    return refusal.with_hint(f"{cure} Nothing was changed.") if cure and refusal.definite else refusal
