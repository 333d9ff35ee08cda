"""Clients that give up after five seconds ask for no progress: a write is handed back to them before."""

from __future__ import annotations

from typing import Any

import pytest

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.consent.proposals import NOBODY, UNWATCHED_SECONDS, Caller, follow_seconds
from greenlake_backup_mcp.upstream.progress import Progress


async def _send(_done: float, _total: float | None, _words: str) -> None:
    """Progress that nobody follows."""


@pytest.mark.parametrize(
    ("given", "watched", "seconds"),
    [
        ({}, True, 25),
        ({}, False, UNWATCHED_SECONDS),
        ({"wait": 25}, False, 25),
        ({"wait": 2}, False, 2),
        ({"wait": 2}, True, 2),
    ],
)
def test_without_a_progress_token_a_write_is_followed_four_seconds_unless_a_person_said_otherwise(
    given: dict[str, Any], watched: bool, seconds: float
) -> None:
    caller = Caller(NOBODY, None, Progress(_send), watched=watched)
    assert follow_seconds(settings.load(demo=True, **given), caller) == seconds <= 25
    assert UNWATCHED_SECONDS < 5
