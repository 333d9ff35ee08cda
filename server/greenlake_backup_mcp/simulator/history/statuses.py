"""Whether an asset is protected, by what its jobs last did; as the descriptions of protectionStatus word it."""

# ruff: noqa: A001

from __future__ import annotations

from collections.abc import Callable, Sequence

from greenlake_backup_mcp.simulator.names import Item

from . import runs
from .jobs import Record
from .outages import Outages
from .schedules import Member

Cover = tuple[Record, Item, Member]
"""A job that protects an asset now, as stored, and the asset in it."""


def protection(
    covers: Sequence[Cover], copies: Callable[[], bool], touched: bool, now: int, lost: Outages
) -> tuple[str, bool]:
    """The protectionStatus and recoveryPointsExist of an asset.

    `copies` looks whether it has any; only asked where the last runs do not tell, or where copies were `touched`.
    """
    ended = [record.last(id, member, now, lost) for record, raw, member in covers for id in schedule_ids(raw)]
    exist = (not touched and any(has_copy for _, has_copy in ended)) or copies()
    if not covers:
        return ("LAPSED" if exist else "UNPROTECTED"), exist
    if any(raw["operational"] != "ACTIVE" for _, raw, _ in covers):
        return "PAUSED", exist
    if not exist:
        return "PENDING", False
    bad = any(status and status not in runs.GOOD for status, _ in ended)
    return ("PARTIAL" if bad else "PROTECTED"), True


def schedule_ids(job: Item) -> list[int]:
    """The schedules of a job."""
    return [s["scheduleId"] for p in job["protections"] for s in p["schedules"]]
