"""Controls against the twin's own resources, asset by asset: nothing is shared with what judges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from greenlake_backup_mcp.fleet import check_protection
from greenlake_backup_mcp.fleet.controls import CONTROLS
from greenlake_backup_mcp.fleet.verdicts import State
from tests.conftest import NOW
from tests.jobs.truth import Item, Truth, moment, when
from tests.support.estates import estate_of, opened, question_of, small_estate

HOLDERS = {"vm": "virtual-machines", "mssql_database": "mssql-databases", "volume_group": "volume-protection-groups"}
LISTS = ("snapshots", "backups")


@cache
def usable_copies() -> dict[str, list[tuple[str, Item]]]:
    """Of each asset that somebody works with: its copies that can be used now, with their places.

    An asset without any snapshots, or backups, of its own has those of its groups and its datastore.
    """
    truth = Truth(small_estate()[0].state.tenant)
    owners: dict[str, list[tuple[str, str]]] = {}
    for group in truth.all("virtual-machine-protection-groups"):
        for member in group["assets"]:
            owners.setdefault(member["id"], []).append(("virtual-machine-protection-groups", group["id"]))
    collected = {}
    for holder in HOLDERS.values():
        for asset in truth.all(holder):
            if asset.get("vmClassification") not in (None, "", "NONE") or asset["state"] == "DELETED":
                continue
            above = list(owners.get(asset["id"], ()))
            applied = asset.get("protectionPolicyAppliedAtInfo") or {}
            if str(applied.get("type", "")).endswith("DATASTORE"):
                above.append(("datastores", applied["id"]))
            copies = []
            for kind in LISTS:
                own = truth.copies(holder, asset["id"], kind)
                copies += own or [copy for owner in above for copy in truth.copies(*owner, kind)]
            collected[asset["id"]] = [(place_of(copy), copy) for copy in truth.usable(copies)]
    return collected


def place_of(copy: Item) -> str:
    store = copy.get("protectionStoreInfo") or {}
    if copy.get("backupType") == "CLOUD_BACKUP" or store.get("protectionStoreType") == "CLOUD":
        return "off_site"
    return "on_premises" if store else "array"


def newest(copies: list[Item]) -> Any:
    return max((when(copy["pointInTime"]) for copy in copies), default=None)


def young(hours: int) -> Callable[[list[Item]], bool]:
    return lambda copies: bool(copies) and newest(copies) <= NOW and NOW - newest(copies) <= timedelta(hours=hours)


def locked(days: int) -> Callable[[list[Item]], bool]:
    until = NOW + timedelta(days=days)
    return lambda copies: any((end := moment(copy.get("lockedUntil"))) and end >= until for copy in copies)


def stays(days: int) -> Callable[[list[Item]], bool]:
    until = NOW + timedelta(days=days)
    return lambda copies: any(not (end := moment(copy.get("expiresAt"))) or end > until for copy in copies)


CASES: list[tuple[str, dict[str, Any], str | None, Callable[[list[Item]], bool]]] = [
    ("usable", {}, None, bool), *(("usable", {"place": p}, p, bool) for p in ("array", "on_premises", "off_site")),
    ("off_site", {}, "off_site", bool), ("off_site", {"hours": 30}, "off_site", young(30)),
    *(("fresh", {"hours": h}, None, young(h)) for h in (6, 24, 48)),
    ("fresh", {"hours": 24, "place": "on_premises"}, "on_premises", young(24)),
    *(("immutable", {"until": (NOW + timedelta(days=d)).isoformat()}, None, locked(d)) for d in (1, 30, 200)),
    *(("expiring", {"days": d}, None, stays(d)) for d in (7, 30)),
]  # fmt: skip


@pytest.mark.parametrize(("control", "values", "place", "met"), CASES, ids=lambda value: str(value)[:30])
def test_each_asset_meets_a_control_where_the_twin_has_such_a_copy(
    control: str, values: dict[str, Any], place: str | None, met: Callable[[list[Item]], bool]
) -> None:
    connection = opened(small_estate()[1])
    asked = question_of(control=control, **values)
    checked = check_protection.check(connection, estate_of(connection), asked, CONTROLS[control])
    connection.close()
    judged = {f.asset.id for f in checked.tally.findings if f.asset.nobodys is None and f.asset.listed}
    assert judged == usable_copies().keys()
    meets = {f.asset.id for f in checked.tally.findings if f.verdict.state is State.MET}
    assert meets == {ident for ident, copies in usable_copies().items()
                     if met([copy for where, copy in copies if place in (None, where)])}  # fmt: skip
