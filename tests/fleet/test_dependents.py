"""What hangs on a thing, up and down, as the twin's own resources have it; and names that several things bear."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.fleet import show_dependents
from greenlake_backup_mcp.fleet.clock import clock
from greenlake_backup_mcp.fleet.estate import Estate
from greenlake_backup_mcp.fleet.show_dependents import Dependents
from tests.conftest import NOW
from tests.jobs.truth import Truth
from tests.support.estates import estate_of, opened, small_estate

Held = tuple[sqlite3.Connection, Estate, Truth]


@pytest.fixture(scope="module")
def held() -> Iterator[Held]:
    app, database = small_estate()
    connection = opened(database)
    yield connection, estate_of(connection), Truth(app.state.tenant)
    connection.close()


def only(held: Held, name: str, kind: str | None = None) -> Dependents:
    (one,) = show_dependents.find(held[0], held[1], name, kind)
    return one


def writes_to(job: dict[str, object], stores: set[str]) -> bool:
    tiers: list[dict[str, dict[str, str]]] = job["protections"]  # type: ignore[assignment]
    return any(tier.get("protectionStoreInfo", {}).get("id") in stores for tier in tiers)


def test_the_jobs_of_a_store_are_those_that_write_to_it_and_its_copies_those_in_it(held: Held) -> None:
    truth = held[2]
    numbers = {a.no for a in held[1].assets.values() if a.kind == "vm"}
    copies = [c["protectionStoreInfo"]["id"] for vm in truth.all("virtual-machines") for c in truth.vm_backups(vm)]
    for store in truth.all("protection-stores"):
        result = only(held, store["name"]).relations
        assert {j.id for j in result.jobs} == {j["id"] for j in truth.jobs() if writes_to(j, {store["id"]})}
        assert sum(s.copies for s in result.sets if s.asset_no in numbers) == copies.count(store["id"])


def test_a_gateway_stands_on_its_machine_disks_and_array_and_carries_its_stores(held: Held) -> None:
    truth = held[2]
    gateway = truth.one("protection-store-gateways", "psg-dc1-01")
    result = only(held, "psg-dc1-01").relations
    behind = {s["id"] for s in truth.all("protection-stores") if s["storageSystemInfo"]["id"] == gateway["id"]}
    assert {s.id for s in result.stores} == behind
    assert {j.id for j in result.jobs} == {j["id"] for j in truth.jobs() if writes_to(j, behind)}
    above = " ".join(result.above)
    disks = {d["id"] for d in gateway["datastoresInfo"]}
    for name in (
        "VM psg-dc1-01",
        *(d["name"] for d in truth.all("datastores") if d["id"] in disks),
        "array",
        "do-dc1-01",
    ):
        assert name in above


def test_the_newest_copy_of_a_system_is_a_good_one_and_a_host_tells_its_status(held: Held) -> None:
    store = only(held, "Local_psg-dc1-01")
    text = show_dependents._hanging(store.relations, store.thing, clock(NOW, "UTC"), partial=False)
    assert "2026-11-24 08:00Z" not in text  # one that is being made now
    assert "of them good, the newest of these of 2026-11-23 22:30Z" in text
    assert only(held, "esx-dc2-04.example.com").relations.notes == ["ERROR: The host does not answer."]


def test_a_policy_carries_its_jobs_and_the_members_of_their_groups(held: Held) -> None:
    truth = held[2]
    for policy in truth.all("protection-policies"):
        result = only(held, policy["name"], "policy").relations
        jobs = truth.jobs(policy["name"])
        assert {j.id for j in result.jobs} == {j["id"] for j in jobs}
        assert {a.id for a in result.assets} == {ident for _, ident in truth.assets_under(jobs)}


def test_every_kind_of_thing_can_be_asked_about(held: Held) -> None:
    for name, kind in (
        ("do-dc1-01", "orchestrator"), ("so-dc1-5260", "storeonce"), ("array-dc1-primera-1", "array"),
        ("vcenter-dc1.example.com", "vcenter"), ("ds-dc1-prod-01", "datastore"), ("esx-dc1-10.example.com", "host"),
        ("sqlhost-01.example.com", "host"),
    ):  # fmt: skip
        result = only(held, name, kind)
        assert result.thing.kind == kind
        assert result.relations.assets
        assert ("It serves vCenters vcenter-dc1.example.com." in result.relations.notes) == (kind == "orchestrator")


def test_the_disks_of_a_gateway_lost_take_its_stores(held: Held) -> None:
    result = only(held, "ds-dc1-prod-01", "datastore")
    assert result.relations.loss is not None
    assert {held[1].stores[i].label for i in result.relations.loss.stores} == {"Local_psg-dc1-01"}


def test_a_name_that_nothing_bears_is_answered_with_near_ones(held: Held) -> None:
    with pytest.raises(InputError, match='Did you mean "psg-dc1-01"'):
        only(held, "psg-dc1-1")
    with pytest.raises(InputError, match="There is no policy"):
        only(held, "psg-dc1-01", "policy")


def test_more_things_of_a_name_than_can_be_shown_are_a_question(held: Held) -> None:
    """T23"""
    connection = opened(held[0].serialize())
    connection.execute("UPDATE assets SET name = 'datastore1' WHERE kind = 'datastore'")
    estate = estate_of(connection)
    stores = [a.id for a in estate.assets.values() if a.kind == "datastore"]
    with pytest.raises(InputError, match=f"{len(stores)} things bear the name"):
        show_dependents.find(connection, estate, "datastore1", None)
    (one,) = show_dependents.find(connection, estate, stores[0], None)
    on_it = {v["id"] for v in held[2].all("virtual-machines")
             if stores[0] in [d["id"] for d in v["appInfo"]["vmware"]["datastoresInfo"]]}  # fmt: skip
    assert {a.id for a in one.relations.assets} >= on_it > set()
    connection.close()


def test_t23_all_things_of_a_name_are_shown_and_none_is_picked(held: Held) -> None:
    """T23"""
    connection = opened(held[0].serialize())
    connection.execute("UPDATE policies SET name = 'psg-dc1-01' WHERE name = 'Bronze-Protection-Policy'")
    result = show_dependents.find(connection, estate_of(connection), "PSG-dc1-01", None)
    assert {one.thing.kind for one in result} == {"gateway", "policy"}
    connection.close()


def test_t14_locked_data_is_no_space_to_be_gained(held: Held) -> None:
    """T14"""
    notes = " ".join(only(held, "Cloud_psg-dc1-01_USA, North Virginia").relations.notes)
    assert "no deletion frees that space" in notes
    assert "no maximum: a cloud store is never full" in notes


def test_locked_data_is_what_an_attack_leaves(held: Held) -> None:
    (one,) = show_dependents.find(held[0], held[1], "unlocked copies", None)
    assert one.outcomes
    assert {o.fate.name for o in one.outcomes} >= {"LOST", "FALLS_BACK"}
