"""A service that contradicts itself: nothing is called done, failed or harmless that is not known to be so."""

from __future__ import annotations

from typing import Any

import pytest

from .answering import THE_COPY, Answering, copies, talking, to_writes


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, {"message": "upstream connect error or disconnect/reset before headers"}),
        (503, {"error": "Service Temporarily Unavailable"}),
        (503, {"title": "Service Unavailable", "status": 503}),
        (503, {"message": "busy", "errorCode": "SERVICE_UNAVAILABLE", "httpStatusCode": 503, "debugId": "d-1"}),
        (303, {"message": "see the result there"}),
        (300, b""),
        (499, b""),
        (460, {"message": "client closed the connection"}),
        (520, b"<html><title>520: unknown error</title></html>"),
    ],
    ids=str,
)
async def test_a_write_whose_answer_does_not_say_that_nothing_was_done_is_of_unknown_outcome(
    status: int, body: Any
) -> None:
    app = Answering(copies(), to_writes(status, body, location="/elsewhere"))
    async with talking(app) as talk:
        said, is_error = await talk.consented("delete_vm_backup", THE_COPY)
    assert "Outcome unknown" in said
    assert "Nothing was changed" not in said
    assert (is_error, len(app.writes)) == (True, 1)


async def test_a_maintenance_told_by_the_service_itself_changed_nothing() -> None:
    body = {"message": "The gateway is in maintenance mode", "errorCode": "SERVICE_UNAVAILABLE", "httpStatusCode": 503}
    async with talking(Answering(copies(), to_writes(503, body))) as talk:
        said, _ = await talk.consented("delete_vm_backup", THE_COPY)
    assert "Nothing was changed." in said
