"""What goes with stores, gateways and appliances, told in numbers: against the tenant's own recovery points.

A part of the tenant is small enough to be read whole, so that its numbers are exact; of the whole tenant they are
"at least", with what was not counted named, within a bound of requests.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from greenlake_backup_mcp.previews.model import Effect
from greenlake_backup_mcp.simulator.server.app import create_app
from tests.conftest import NOW
from tests.jobs.truth import Item, Truth, moment
from tests.support.previewing import describe
from tests.support.simulated import unchanged

HOLDERS = (
    "virtual-machines",
    "datastores",
    "mssql-databases",
    "volume-protection-groups",
    "virtual-machine-protection-groups",
)
MOST_REQUESTS = 100


def part_of_tenant(seed: int) -> Any:
    """Some assets of each kind, members of a group among them, with every store: few enough to be read whole."""
    app = create_app(now=lambda: NOW, seed=seed)
    items = app.state.tenant.world.resources
    groups = items["virtual-machine-protection-groups"]
    items["virtual-machine-protection-groups"] = dict([*groups.items()][:1])
    grouped = {m["id"] for g in items["virtual-machine-protection-groups"].values() for m in g["assets"]}
    for name, count in (("mssql-databases", 12), ("volume-protection-groups", 2), ("datastores", 3)):
        items[name] = dict([*items[name].items()][:count])
    machines = [*items["virtual-machines"].items()]
    items["virtual-machines"] = {i: vm for n, (i, vm) in enumerate(machines) if i in grouped or n < 10 or n % 25 == 0}
    there = {i for name in HOLDERS for i in items[name]}
    items["protection-jobs"] = {
        i: job for i, job in items["protection-jobs"].items()
        if job["assetInfo"]["id"] in there or "mssql-database-protection-groups" in job["assetInfo"]["resourceUri"]
    }  # fmt: skip
    return app


@pytest.fixture(scope="module", params=[11, 23])
def part(request: pytest.FixtureRequest) -> tuple[Any, Truth, list[tuple[Item, list[Item], list[Item]]]]:
    app = part_of_tenant(request.param)
    truth = Truth(app.state.tenant)
    return app, truth, copies_of_all(truth)


def copies_of_all(truth: Truth) -> list[tuple[Item, list[Item], list[Item]]]:
    """Each asset with its backups and snapshots."""
    return [
        (asset, truth.copies(holder, asset["id"], "backups"), truth.copies(holder, asset["id"], "snapshots"))
        for holder in HOLDERS for asset in truth.all(holder)
    ]  # fmt: skip


def store_of(copy: Item) -> str:
    return str(copy.get("protectionStoreInfo", {}).get("id", ""))


def sound(copy: Item) -> bool:
    """Whether a copy is one to restore from, its store aside."""
    going = ("DELETING", "PENDING_DELETE_APPROVAL", "DELETE_PENDING", "ERROR", "CREATING", "PARTIAL")
    failed = copy.get("verificationInfo", {}).get("state") == "VERIFY_ERROR" or copy.get("partialBackup") is True
    expired = (ends := moment(copy.get("expiresAt"))) is not None and ends <= NOW
    return copy["state"] not in going and not failed and not expired


KINDS = {
    "off the array": lambda copy: bool(store_of(copy)),
    "off site": lambda copy: copy.get("backupType") == "CLOUD_BACKUP",
    "that are verified": lambda copy: copy.get("verified") is True,
    "that are locked": lambda copy: (until := moment(copy.get("lockedUntil"))) is not None and until > NOW,
}


def fates(truth: Truth, copies: list[tuple[Item, list[Item], list[Item]]], lost: set[str]) -> dict[str, set[str]]:
    """The names of the assets of which a kind of copy is gone when the stores are, from the tenant alone."""
    collected: dict[str, set[str]] = {}
    reachable = truth.reachable()
    for asset, backups, snapshots in copies:
        going = [c for c in backups if store_of(c) in lost and sound(c)]
        left = [c for c in (*backups, *snapshots) if sound(c) and store_of(c) not in lost]
        left = [c for c in left if not store_of(c) or store_of(c) in reachable]
        name = asset.get("displayName") or asset["name"]
        if going and not left:
            collected.setdefault("NOTHING", set()).add(name)
        elif going:
            for kind, test in KINDS.items():
                if any(map(test, going)) and not any(map(test, left)):
                    collected.setdefault(kind, set()).add(name)
                    if kind == "off the array":
                        break
    return collected


def counts(effect: Effect) -> dict[str, int]:
    """How many assets each fate is told of."""
    text = "\n".join(effect.lines())
    fates = re.findall(
        r"^- (?:(NOTHING) is left|LAST recovery points (.+?)) of (?:at least )?([\d,]+) asset", text, re.M
    )
    return {nothing or kind: int(count.replace(",", "")) for nothing, kind, count in fates}


def counted(effect: Effect) -> tuple[str, int, int]:
    """`at least ` or nothing, the recovery points and the assets that are told to go."""
    text = "\n".join(effect.lines())
    match = re.search(r"Recovery points in it: (at least )?([\d,]+), of (?:at least )?([\d,]+) asset", text)
    assert match, text
    return match[1] or "", int(match[2].replace(",", "")), int(match[3].replace(",", ""))


async def test_of_a_store_that_goes_every_recovery_point_is_counted_and_what_is_left_of_whom(part: Any) -> None:
    app, truth, copies = part
    seen: set[str] = set()
    for store in truth.all("protection-stores"):
        inside = [[c for c in backups if store_of(c) == store["id"]] for _, backups, _ in copies]
        effect = await describe(app, "delete_protection_store", {"protectionStoreId": store["id"], "force": True})
        assert counted(effect) == ("", sum(map(len, inside)), sum(map(bool, inside))), store["name"]
        expected = {kind: len(names) for kind, names in fates(truth, copies, {store["id"]}).items()}
        assert counts(effect) == expected, store["name"]
        seen |= expected.keys()
        worst = next((k for k in ("NOTHING", *KINDS) if k in expected), "WITH EVERY BACKUP IN IT")
        assert worst in effect.gravest
        if others := [count for kind, count in expected.items() if kind != worst]:
            assert f" of {max(others)}" in effect.gravest.partition("; ")[2], "what becomes of the most others"
        by_hand = {c["name"] for group in inside for c in group if not c.get("scheduleInfo")}
        assert all(name in "\n".join(effect.lines()) for name in by_hand)
        assert all(any(name in fact for fact in effect.binding_facts) for name in by_hand), "a code rests on them"
    assert {"NOTHING", "off site", "that are verified"} <= seen


@pytest.mark.parametrize(
    ("collection", "tool", "argument"),
    [
        ("protection-store-gateways", "delete_protection_store_gateway", "protectionStoreGatewayId"),
        ("storeonces", "delete_storeonce", "storeonceId"),
    ],
)
async def test_with_an_appliance_go_the_copies_on_its_disks_and_those_in_its_cloud_stores_are_out_of_reach(
    part: Any, collection: str, tool: str, argument: str
) -> None:
    app, truth, copies = part
    for system in truth.all(collection):
        behind = [s for s in truth.all("protection-stores") if s["storageSystemInfo"]["id"] == system["id"]]
        lost = {s["id"] for s in behind if s["protectionStoreType"] != "CLOUD"}
        inside = [[c for c in backups if store_of(c) in lost] for _, backups, _ in copies]
        effect = await describe(app, tool, {argument: system["id"], "force": True})
        assert counted(effect) == ("", sum(map(len, inside)), sum(map(bool, inside))), system["name"]
        assert counts(effect).get("NOTHING", 0) == len(fates(truth, copies, lost).get("NOTHING", ()))
        only_there = {
            asset["id"] for asset, backups, _ in copies
            if any(store_of(c) in lost and sound(c) for c in backups)
            and (far := [c for c in backups if sound(c) and store_of(c) in truth.reachable() - lost])
            and all(store_of(c) in {s["id"] for s in behind} for c in far)
        }  # fmt: skip
        words = f"Nothing off the array is in reach of {len(only_there)} asset"
        assert (words in "\n".join(effect.lines())) == bool(only_there), system["name"]


async def test_beyond_the_bound_numbers_are_at_least_and_whoever_was_not_counted_is_named() -> None:
    app = unchanged()
    truth = Truth(app.state.tenant)
    store = next(s for s in truth.all("protection-stores") if s["name"].startswith("cloud_store_"))
    before = len(app.state.tenant.requests)
    effect = await describe(app, "delete_protection_store", {"protectionStoreId": store["id"], "force": True})
    assert len(app.state.tenant.requests) - before <= MOST_REQUESTS
    copies = copies_of_all(truth)
    inside = [[c for c in backups if store_of(c) == store["id"]] for _, backups, _ in copies]
    part, points, assets = counted(effect)
    assert part
    assert points <= sum(map(len, inside))
    assert assets <= sum(map(bool, inside))
    assert counts(effect)["off site"] <= len(fates(truth, copies, {store["id"]})["off site"])
    text = "\n".join(effect.lines())
    assert re.search(r"Counted for [78]\d of \d{3} assets\. NOT counted: \d+ that back up to it \(", text)
    assert (
        "LAST recovery points off site of at least" in effect.gravest
        or "; LAST off site" in effect.gravest
        or ("off the array" in effect.gravest)
    )
