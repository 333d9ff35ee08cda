"""The loss drill: of each store, gateway, StoreOnce, array and of all unlocked copies, against the twin's own state."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from greenlake_backup_mcp.fleet import estate, loss
from greenlake_backup_mcp.fleet.loss import Fate, Loss
from tests.conftest import NOW
from tests.jobs.truth import Item, Truth, moment
from tests.support.estates import estate_of, opened, small_estate

HOLDERS = ("virtual-machines", "mssql-databases", "volume-protection-groups")
Estate = tuple[sqlite3.Connection, estate.Estate, Truth, list[tuple[Item, list[Item]]]]


@pytest.fixture(scope="module")
def held() -> Iterator[Estate]:
    app, database = small_estate()
    connection = opened(database)
    truth = Truth(app.state.tenant)
    yield connection, estate_of(connection), truth, usable_copies(truth)
    connection.close()


def usable_copies(truth: Truth) -> list[tuple[Item, list[Item]]]:
    """Every asset that somebody works with, and its copies that can be used now."""
    return [
        (asset, truth.usable([c for kind in ("snapshots", "backups") for c in truth.copies(holder, asset["id"], kind)]))
        for holder in HOLDERS for asset in truth.all(holder)
        if asset.get("vmClassification") in (None, "", "NONE") and asset["state"] != "DELETED"
    ]  # fmt: skip


def truth_of(held: Estate, spared: Callable[[Item, Item], bool]) -> dict[str, tuple[str, int | None]]:
    """What becomes of each asset, from the tenant's resources alone: its fate, and the newest point that is left."""
    collected = {}
    for asset, usable in held[3]:
        before, after = newest(usable), newest([c for c in usable if spared(asset, c)])
        fate = "BARE" if before is None else "LOST" if after is None else "FALLS_BACK" if after < before else "FINE"
        collected[asset["id"]] = (fate, None if after is None else int(after.timestamp()))
    return collected


def newest(copies: list[Item]) -> datetime | None:
    return max((when for c in copies if (when := moment(c["pointInTime"]))), default=None)


def judged(held: Estate, gone: Loss) -> dict[str, tuple[str, int | None]]:
    connection, estate, _, _ = held
    result = loss.outcomes(connection, estate, gone)
    numbers = loss.counts(result)
    assert sum(numbers.values()) == len(result) == len(loss.population(estate))
    return {o.asset.id: (o.fate.name, o.after) for o in result if o.asset.listed}


def store_of(copy: Item) -> str:
    return str(copy.get("protectionStoreInfo", {}).get("id", ""))


def test_each_store_lost_leaves_what_the_twin_has_left(held: Estate) -> None:
    _, estate, truth, _ = held
    fates: Counter[str] = Counter()
    for store in truth.all("protection-stores"):
        expected = truth_of(held, lambda _, c, s=store: store_of(c) != s["id"])  # type: ignore[misc]
        assert judged(held, loss.of_store(estate.stores[store["id"]])) == expected, store["name"]
        fates.update(fate for fate, _ in expected.values())
    assert {"LOST", "FALLS_BACK", "FINE", "BARE"} <= fates.keys()


def test_each_gateway_and_storeonce_lost_takes_what_lies_on_its_disks_and_not_what_is_in_the_cloud(
    held: Estate,
) -> None:
    _, estate, truth, _ = held
    for system in (*truth.all("protection-store-gateways"), *truth.all("storeonces")):
        behind = [s for s in truth.all("protection-stores") if s["storageSystemInfo"]["id"] == system["id"]]
        lost = {s["id"] for s in behind if s["protectionStoreType"] != "CLOUD"}
        gone = loss.of_system(estate, system["id"], system["name"])
        expected = truth_of(held, lambda _, c, n=lost: store_of(c) not in n)  # type: ignore[misc]
        assert judged(held, gone) == expected, system["name"]
        assert set(gone.detached) == {s["name"] for s in behind if s["protectionStoreType"] == "CLOUD"}


def arrays(item: Item) -> set[str]:
    return {v["storageSystemInfo"]["name"] for v in item.get("volumesInfo", ())}


def test_each_array_lost_takes_its_snapshots_and_the_stores_whose_gateway_lies_on_it(held: Estate) -> None:
    _, estate, truth, _ = held
    machines = truth.all("virtual-machines")
    names = {n for m in machines for n in arrays(m)}
    assert len(names) > 1
    under: dict[str, set[str]] = {}  # gateway → arrays that its VM and its disks lie on
    for gateway in truth.all("protection-store-gateways"):
        disks = {d["id"] for d in gateway["datastoresInfo"]}
        parts = [
            *(d for d in truth.all("datastores") if d["id"] in disks),
            *(m for m in machines if m["id"] == gateway["vmId"]),
        ]
        under[gateway["id"]] = {n for part in parts for n in arrays(part)}
    for name in sorted(names):
        lost = {s["id"] for s in truth.all("protection-stores") if s["protectionStoreType"] != "CLOUD"
                and name in under.get(s["storageSystemInfo"]["id"], ())}  # fmt: skip

        def spared(asset: Item, copy: Item, name: str = name, lost: set[str] = lost) -> bool:
            if store_of(copy):
                return store_of(copy) not in lost
            where = {v.get("storageSystemInfo", v).get("name") for v in copy.get("storageSystemsInfo", ())}
            where |= {
                v["storageSystemInfo"]["name"] for v in copy.get("volumesSnapshotInfo", ()) if "storageSystemInfo" in v
            }
            where |= {copy["storageSystemInfo"]["name"]} if "storageSystemInfo" in copy else set()
            machine = asset.get("virtualizationInfo", {}).get("virtualMachineInfo", {}).get("name")
            own = arrays(asset) | {n for m in machines if m["displayName"] == machine for n in arrays(m)}
            return name not in (where - {None} or own or {name})

        assert judged(held, loss.of_array(estate, name)) == truth_of(held, spared), name


def test_without_unlocked_copies_only_locked_ones_that_can_be_used_are_left(held: Estate) -> None:
    expected = truth_of(held, lambda _, c: bool((until := moment(c.get("lockedUntil"))) and until > NOW))
    assert judged(held, loss.UNLOCKED) == expected
    assert {"LOST", "FALLS_BACK"} <= {fate for fate, _ in expected.values()}


def test_an_asset_whose_copies_were_not_read_is_neither_lost_nor_fine(held: Estate) -> None:
    connection, estate, _, _ = held
    asset = next(o.asset for o in loss.outcomes(connection, estate, loss.UNLOCKED) if o.fate is Fate.LOST)
    other = opened(connection.serialize())
    other.execute("UPDATE readings SET read = NULL, failed = 1, status = 403 WHERE asset = ?", (asset.no,))
    fates = {o.asset.id: o.fate for o in loss.outcomes(other, estate_of(other), loss.UNLOCKED)}
    other.close()
    assert fates[asset.id] is Fate.UNKNOWN
