"""What remains of an asset when a copy goes: told by where it lies, and by what can be relied on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.previews.test_previews import BACKUPS, SNAPSHOTS, STORE, backup, effect, tenant
from tests.support.tiny_tenant import BACKUP, OWN, SNAPSHOT, VM, Tenant

TASKS = "/data-services/v1beta1/async-operations"
SETTINGS = "/data-services/v1beta1/settings"
CLOUD = {"id": "cloud", "name": "cloud-a", "protectionStoreType": "CLOUD"}


def snapshots(count: int) -> list[dict[str, Any]]:
    return [{"id": f"s{n}", "state": "OK", "pointInTime": "2026-11-24T02:00:00Z"} for n in range(count)]


async def deleted(app: Tenant) -> Any:
    return await effect(app, "delete_vm_backup", vmId=VM, backupId=BACKUP)


async def test_the_last_copy_off_the_array_is_told_as_gravely_as_the_last() -> None:
    app = tenant()
    app.resources[SNAPSHOTS] = snapshots(47)
    result = await deleted(app)
    assert result.gravest == 'LAST recovery point off the array of "sql-prod-01".'
    assert "the LAST recovery point off the array" in result.warnings
    assert any(line.startswith("Would remain: 47 on the array") for line in result.consequences)


async def test_the_last_copy_off_site_is_told_where_others_lie_on_premises() -> None:
    app = tenant(backup(backupType="CLOUD_BACKUP", protectionStoreInfo=CLOUD), (backup(id=SNAPSHOT),))
    result = await deleted(app)
    assert "the LAST recovery point off site" in result.warnings
    assert "the LAST recovery point off the array" not in result.warnings


async def test_the_last_verified_copy_is_told_though_others_remain() -> None:
    result = await deleted(tenant(others=(backup(id=SNAPSHOT, verified=False),)))
    assert "the LAST recovery point that is verified" in result.warnings


@pytest.mark.parametrize(
    ("flaw", "words"),
    [
        ({"state": "PARTIAL"}, "1 incomplete"),
        ({"verificationInfo": {"state": "VERIFY_ERROR"}, "verified": False}, "1 whose verification failed"),
        ({"protectionStoreInfo": {"id": "gone", "name": "b"}}, "1 in a store that cannot be reached"),
    ],
)
async def test_copies_that_nobody_can_rely_on_do_not_count_as_what_remains(flaw: dict[str, Any], words: str) -> None:
    app = tenant(others=(backup(id=SNAPSHOT, **flaw),))
    stores = [{"id": STORE, "connectedState": "CONNECTED"}, {"id": "gone", "connectedState": "DISCONNECTED"}]
    app.resources[f"{OWN}/protection-stores"] = stores
    result = await deleted(app)
    assert result.gravest.startswith("LAST usable recovery point")
    assert any(words in line for line in result.consequences)


async def test_counts_are_at_least_where_a_list_is_not_whole() -> None:
    app = tenant(others=tuple(backup(id=f"b{n}") for n in range(1000)))
    app.totals = False
    result = await deleted(app)
    assert any(line.startswith("At least these would remain: 999 on premises") for line in result.consequences)


async def test_a_schedule_that_needs_the_newest_copy_is_named() -> None:
    newest = backup(scheduleInfo={"scheduleId": 2})
    app = tenant(newest, (backup(id=SNAPSHOT, scheduleInfo={"scheduleId": 2}, pointInTime="2026-11-20T08:00:00Z"),))
    job = {
        "id": "j",
        "protections": [{"type": "CLOUD_BACKUP", "schedules": [{"scheduleId": 3, "sourceProtectionScheduleId": 2}]}],
    }
    app.resources |= {f"{OWN}/protection-jobs/j": job}
    app.resources[next(p for p in app.resources if p.endswith(VM))] |= {"protectionJobInfo": {"id": "j"}}
    result = await deleted(app)
    assert result.gravest == "Schedule 3 needs it as its source: it is the newest of schedule 2."
    assert "the source of a schedule" in result.warnings


async def test_what_runs_on_it_and_who_must_approve_is_read() -> None:
    app = tenant(others=(backup(id=SNAPSHOT),))
    running = {"name": "Restore", "state": "RUNNING", "sourceResourceUri": f"{BACKUPS}/{BACKUP}"}
    app.resources[TASKS] = [running, {**running, "name": "Old", "state": "SUCCEEDED"}]
    app.resources[SETTINGS] = [{"name": "Dual authorization for Backup and Recovery", "currentValue": "ON"}]
    text = "\n".join((await deleted(app)).lines())
    assert 'Under way on it now: "Restore".' in text
    assert "Old" not in text
    assert "Dual authorization is on: a second person must approve before it is gone." in text


async def test_where_the_settings_cannot_be_read_nobody_says_whether_a_second_person_approves() -> None:
    text = "\n".join((await deleted(tenant(others=(backup(id=SNAPSHOT),)))).lines())
    assert "Whether a second person must approve is not known" in text
