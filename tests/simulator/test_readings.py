"""Each open reading of the documents is a switch: what the service does in one and in the other."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Literal

import pytest

from greenlake_backup_mcp.simulator import approvals
from greenlake_backup_mcp.simulator.switches import READINGS, Switches
from tests.support.simulated import BACKUP, PATCH, TASKS, VIRTUAL, Simulated, simulated
from tests.support.twin_requests import IQN, named

VMS = f"{VIRTUAL}/virtual-machines"
JOBS = f"{BACKUP}/protection-jobs"


def test_every_reading_is_a_switch_with_a_sentence() -> None:
    names = [f.name for f in fields(Switches)]
    assert list(READINGS) == names[: len(READINGS)]
    assert all(sentence.endswith(".") and len(sentence) > 40 for sentence in READINGS.values())


async def backup(tenant: Simulated) -> dict[str, Any]:
    """A backup that is not locked."""
    items = (await tenant.get(await tenant.vm("web-legacy-03") + "/backups"))["items"]
    return dict(next(i for i in items if i["state"] == "OK" and "lockedUntil" not in i))


@pytest.mark.parametrize(
    ("brackets", "round_", "square"), [("either", 200, 200), ("round", 200, 400), ("square", 400, 200)]
)
async def test_the_values_after_in_stand_in_the_brackets_of_the_reading(
    brackets: Any, round_: int, square: int
) -> None:
    async with simulated(switches=Switches(in_lists=brackets)) as tenant:
        for text, status in (("name in ('a','b')", round_), ("name in ['a','b']", square)):
            assert (await tenant.client.get(VMS, params={"filter": text})).status_code == status


@pytest.mark.parametrize(("reading", "literal"), [("doubled", "'it''s'"), ("backslash", r"'it\'s'")])
async def test_a_quote_in_a_literal_is_written_as_the_reading_says(reading: Any, literal: str) -> None:
    async with simulated(switches=Switches(escaped_quotes=reading)) as tenant:
        vm = tenant.tenant.all("virtual-machines")[3]
        tenant.tenant.write(("virtual-machines", vm["id"]), name="it's")
        assert (await tenant.get(VMS, filter=f"name eq {literal}"))["total"] == 1
        wrong = {"filter": r"name eq 'it\'s'"}
        assert (await tenant.client.get(VMS, params=wrong)).status_code == (400 if reading == "doubled" else 200)


@pytest.mark.parametrize(
    ("reading", "merge", "plain"), [("strict", 202, 415), ("lenient", 202, 202), ("json", 415, 202)]
)
async def test_a_patch_has_the_media_type_of_the_reading(reading: Any, merge: int, plain: int) -> None:
    async with simulated(switches=Switches(media_types=reading)) as tenant:
        for headers, status in ((PATCH, merge), ({}, plain)):
            path = (await backup(tenant))["resourceUri"]
            answer = await tenant.client.request("PATCH", path, json={"description": "x"}, headers=headers)
            assert answer.status_code == status
            tenant.tenant.advance(600)


async def test_tasks_have_the_words_of_the_reading() -> None:
    switches = Switches(task_word="status", progress_word="progressPercentage", log_time_word="timestamp")
    async with simulated(switches=switches) as tenant:
        answer = await tenant.client.delete((await backup(tenant))["resourceUri"])
        task = await tenant.task(answer)
        assert (task["status"], task["progressPercentage"]) == ("SUCCEEDED", 100)
        assert not {"state", "progressPercent"} & set(task)
        assert all(set(entry) == {"message", "timestamp"} for entry in task["logMessages"])
        assert all("status" in item for item in (await tenant.get(TASKS, limit=5))["items"])


async def test_the_last_runs_stand_oldest_first_where_the_reading_says_so() -> None:
    orders: tuple[tuple[Literal["newest", "oldest"], int], ...] = (("newest", 0), ("oldest", -1))
    for order, newest in orders:
        async with simulated(switches=Switches(run_order=order)) as tenant:
            job = await tenant.get(named(tenant.tenant, "protection-jobs", "web-legacy-03")["resourceUri"])
            times = [s["timestamp"] for s in job["protections"][0]["schedules"][0]["executionStatuses"]]
            assert times[newest] == max(times)


async def test_a_run_without_schedules_runs_all_or_is_refused() -> None:
    async with simulated() as tenant:
        path = named(tenant.tenant, "protection-jobs", "web-legacy-03")["resourceUri"]
        assert (await tenant.client.post(f"{path}/run", json={})).status_code == 202
        tenant.tenant.switch(run_without_schedules="refused")
        assert "scheduleIds" in await tenant.refused("POST", f"{path}/run", 400, json={})


async def test_a_restore_names_one_recovery_point_or_both() -> None:
    ways: tuple[tuple[Literal["one", "both"], int, int], ...] = (("one", 202, 400), ("both", 400, 202))
    for reading, one, both in ways:
        async with simulated(switches=Switches(recovery_point_of_restore=reading)) as tenant:
            vm, copy = await tenant.vm("web-legacy-03"), await backup(tenant)
            snapshot = (await tenant.get(f"{vm}/snapshots"))["items"][0]["id"]
            body = {"restoreType": "PARENT", "backupId": copy["id"]}
            for arguments, status in ((body, one), ({**body, "snapshotId": snapshot}, both)):
                answer = await tenant.client.post(f"{vm}/restore", json=arguments)
                assert answer.status_code == status, answer.text
                tenant.tenant.advance(86_400)


@pytest.mark.parametrize(
    ("reading", "corrected", "published"), [("both", 202, 202), ("corrected", 202, 400), ("published", 400, 202)]
)
async def test_what_is_published_misspelled_is_understood_as_the_reading_says(
    reading: Any, corrected: int, published: int
) -> None:
    async with simulated(switches=Switches(published_names=reading)) as tenant:
        path, volume = (
            f"{BACKUP}/volume-protection-groups",
            tenant.tenant.all("volume-protection-groups")[0]["assets"][0],
        )
        body = {"assets": [{"id": volume["id"]}]}
        for name, status in (("volumeProtectionGroupType", corrected), ("VolumeProtectionGroupType", published)):
            answer = await tenant.client.post(path, json={**body, "name": name, name: "CUSTOM"})
            assert answer.status_code == status, answer.text
            tenant.tenant.advance(600)


async def test_types_of_vms_are_those_of_the_reading() -> None:
    async with simulated(switches=Switches(asset_types="hybrid-cloud")) as tenant:
        assert (await tenant.get(VMS, limit=1))["items"][0]["type"] == "hybrid-cloud/virtual-machine"
        assert (await tenant.get(JOBS, limit=1))["items"][0]["assetInfo"]["type"].startswith("hybrid-cloud/")


async def test_an_expiry_before_the_lock_is_refused_ignored_or_accepted() -> None:
    for reading in ("refused", "ignored", "accepted"):
        async with simulated(switches=Switches(expiry_below_lock=reading)) as tenant:
            items = (await tenant.get(await tenant.vm("sap-prod-01") + "/backups", limit=50))["items"]
            copy = next(i for i in items if i["state"] == "OK" and i.get("lockedUntil", "") > "2026-11-26")
            answer = await tenant.patch(copy["resourceUri"], expiresAt="2026-11-25T12:00:00Z", description="x")
            assert answer.status_code == (400 if reading == "refused" else 202)
            tenant.tenant.advance(600)
            after = await tenant.get(copy["resourceUri"])
            assert (after["expiresAt"] == copy["expiresAt"]) == (reading != "accepted")


@pytest.mark.parametrize("approved", [True, False])
async def test_a_delete_that_needs_approval_is_paused_until_somebody_decided(approved: bool) -> None:
    async with simulated(switches=Switches(dual_authorization=True, dual_delete="paused")) as tenant:
        path = (await backup(tenant))["resourceUri"]
        answer = await tenant.client.delete(path)
        assert (await tenant.task(answer))["state"] == "PAUSED"
        (approval,) = tenant.tenant.pending_approvals
        (approvals.approve if approved else approvals.cancel)(tenant.tenant, approval)
        tenant.tenant.advance(3600)
        task = await tenant.get(answer.headers["location"])
        assert task["state"] == ("SUCCEEDED" if approved else "CANCELLED")
        assert (await tenant.client.get(path)).status_code == (404 if approved else 200)


async def test_a_task_names_what_it_made_or_only_what_it_was_asked_about() -> None:
    for message in (True, False):
        async with simulated(switches=Switches(made_in_task=message)) as tenant:
            vm = named(tenant.tenant, "virtual-machines", "lab-build-07")
            policy = named(tenant.tenant, "protection-policies", "Bronze-Protection-Policy")
            body = {"assetInfo": {"id": vm["id"], "type": vm["type"]}, "protectionPolicyId": policy["id"]}
            task = await tenant.task(await tenant.client.post(JOBS, json=body))
            types = {a["type"] for a in task["associatedResources"]}
            assert ("backup-recovery/protection-job" in types) is message


@pytest.mark.parametrize(
    ("content", "status"),
    [(b'{"hostIqn": NaN}', 400), (b'{"hostIqn": 1e400}', 400), (b"[" * 100_000, 400), (b"\xff\xfe", 400), (b'"x"', 400),
     (b'{"hostIqn": "\\ud800"}', 400), (b"null", 400), (b'{"hostIqn": "' + b"x" * 3_000_000 + b'"}', 400)],
)  # fmt: skip
async def test_a_body_that_is_not_understood_gets_the_vendors_error(content: bytes, status: int) -> None:
    async with simulated() as tenant:
        group = next(g for g in tenant.tenant.all("volume-protection-groups") if "protectionJobInfo" in g)
        copy = (await tenant.get(f"{BACKUP}/volume-protection-groups/{group['id']}/backups"))["items"][0]
        headers = {"Content-Type": "application/json"}
        answer = await tenant.client.post(f"{copy['resourceUri']}/attach", content=content, headers=headers)
        assert (answer.status_code, "debugId" in answer.json()) == (status, True)
        assert IQN not in str((await tenant.get(copy["resourceUri"]))["mountedHostsIqn"])
