"""A service that contradicts itself: nothing is called done, failed or harmless that is not known to be so."""

from __future__ import annotations

from typing import Any, cast

import pytest

from greenlake_backup_mcp.writes import reports
from greenlake_backup_mcp.writes.polling import PollResult, WriteContext
from greenlake_backup_mcp.writes.task_model import Task
from tests.support.scripted_tenant import (
    TASK,
    THE_COPY,
    Answer,
    Answering,
    copies,
    left_by_deletes,
    talking,
    task,
    to_writes,
)
from tests.support.tiny_tenant import BACKUP, OWN, VM


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
        text, is_error = await talk.consented("delete_vm_backup", THE_COPY)
    assert "Outcome unknown" in text
    assert "Nothing was changed" not in text
    assert (is_error, len(app.writes)) == (True, 1)


async def test_a_maintenance_told_by_the_service_itself_changed_nothing() -> None:
    body = {"message": "The gateway is in maintenance mode", "errorCode": "SERVICE_UNAVAILABLE", "httpStatusCode": 503}
    async with talking(Answering(copies(), to_writes(503, body))) as talk:
        text, _ = await talk.consented("delete_vm_backup", THE_COPY)
    assert "Nothing was changed." in text


@pytest.mark.parametrize(("status", "body"), [(204, b""), (200, b""), (200, {"id": "x", "state": "OK"})], ids=str)
async def test_a_delete_that_is_answered_as_done_is_not_done_while_the_resource_is_there(
    status: int, body: Any
) -> None:
    async with talking(Answering(copies(), to_writes(status, body))) as talk:
        text, is_error = await talk.consented("delete_vm_backup", THE_COPY)
    assert f"the service accepted it (HTTP {status})" in text
    assert "still there (state OK): it is not proven deleted" in text
    assert "A second person may have to approve it" in text
    assert "Done:" not in text
    assert is_error


async def test_a_delete_that_waits_for_a_second_person_is_said_to_wait() -> None:
    async with talking(left_by_deletes("PENDING_DELETE_APPROVAL")) as talk:
        text, _ = await talk.consented("delete_vm_backup", THE_COPY)
    assert "a second person must approve the deletion first" in text
    assert "Done:" not in text


async def test_the_answer_to_a_delete_may_itself_say_that_it_waits() -> None:
    body = {"id": "x", "name": "bk", "state": "PENDING_DELETE_APPROVAL"}
    async with talking(Answering(copies(), to_writes(200, body))) as talk:
        text, _ = await talk.consented("delete_vm_backup", THE_COPY)
    assert "a second person must approve the deletion first" in text


async def test_a_delete_that_is_gone_is_done() -> None:
    app = Answering(copies())

    def hook(method: str, path: str, content: bytes) -> Answer | None:
        if method == "DELETE":
            del app.resources[path]
        return None

    app.hook = hook
    async with talking(app) as talk:
        text, is_error = await talk.consented("delete_vm_backup", THE_COPY)
    assert text.startswith("Done: ")
    assert "It is done: the resource is gone (read again: 404). It was the backup " in text
    assert not is_error


@pytest.mark.parametrize("readable", [True, False])
async def test_an_update_that_is_answered_as_done_is_not_done_where_the_old_value_still_stands(readable: bool) -> None:
    policy = {"id": VM, "name": "Gold", "generation": 1, "assigned": False, "protections": []}
    path = f"{OWN}/protection-policies/{VM}"
    app = Answering({path: policy, f"{OWN}/protection-jobs": []})

    def hook(method: str, asked: str, content: bytes) -> Answer | None:
        if method == "GET":
            return None
        if not readable:
            del app.resources[path]
            app.hook = lambda method, asked, content: (500, {}, {"message": "no"})
        return 200, {}, policy

    app.hook = hook
    async with talking(app) as talk:
        text, is_error = await talk.consented("update_protection_policy", {"protectionPolicyId": VM, "name": "Silver"})
    assert "DIFFERS: name asked Silver, is Gold." in text
    assert "Done:" not in text
    assert is_error


JOB = {"id": VM, "generation": 1, "operational": "ACTIVE", "assetInfo": {"name": "vm1"}, "protections": []}
GROUP = {"id": VM, "name": "g", "generation": 1, "state": "OK", "assets": [{"id": BACKUP, "name": "vm1"}]}
GATEWAY = {"id": VM, "name": "psg", "generation": 1, "state": "PSG_STATE_OK", "remoteAccessEnabled": False}


@pytest.mark.parametrize("answer", [task(state="SUCCEEDED"), to_writes(200)], ids=["a task", "at once"])
@pytest.mark.parametrize(
    ("tool", "arguments", "path", "resource", "difference"),
    [
        (
            "suspend_protection_job",
            {"protectionJobId": VM},
            "protection-jobs",
            JOB,
            "operational asked SUSPENDED, is ACTIVE",
        ),
        (
            "resume_protection_job",
            {"protectionJobId": VM},
            "protection-jobs",
            {**JOB, "operational": "PARTIALLY_SUSPENDED"},
            "operational asked ACTIVE, is PARTIALLY_SUSPENDED",
        ),
        (
            "update_vm_protection_group",
            {"vmProtectionGroupId": VM, "assets": []},
            "virtual-machine-protection-groups",
            GROUP,
            f"assets asked without vm1 ({BACKUP}), is with vm1",
        ),
        (
            "update_vm_protection_group",
            {"vmProtectionGroupId": VM, "assets": [{"id": BACKUP}, {"id": VM}]},
            "virtual-machine-protection-groups",
            GROUP,
            f"assets asked with {VM}, is without",
        ),
        (
            "set_gateway_remote_support",
            {"protectionStoreGatewayId": VM, "enabled": True},
            "protection-store-gateways",
            GATEWAY,
            "remote support asked yes, is no",
        ),
    ],
    ids=["suspend", "resume", "members left", "members missing", "remote support"],
)
async def test_a_success_that_the_resource_contradicts_is_told_to_differ(  # noqa: PLR0917
    answer: Any, tool: str, arguments: dict[str, Any], path: str, resource: Any, difference: str
) -> None:
    app = Answering({f"{OWN}/{path}/{VM}": dict(resource)}, answer)
    async with talking(app) as talk:
        if tool == "resume_protection_job":
            text, is_error = await talk.call(tool, arguments)
        else:
            text, is_error = await talk.consented(tool, arguments)
    assert difference in text
    assert "Done:" not in text
    assert is_error


async def test_members_are_compared_by_their_ids_alone() -> None:
    app = Answering({f"{OWN}/virtual-machine-protection-groups/{VM}": dict(GROUP)}, task(state="SUCCEEDED"))
    asked = {"vmProtectionGroupId": VM, "assets": [{"id": BACKUP.upper(), "type": "virtualization/virtual-machine"}]}
    async with talking(app) as talk:
        text, is_error = await talk.consented("update_vm_protection_group", asked)
    assert "As asked: assets 1." in text
    assert not is_error


@pytest.mark.parametrize("name", ["Create protection group deleted-items", "Delete the group", "Deleted-items restore"])
async def test_a_task_that_has_not_ended_is_not_called_done_for_its_name(name: str) -> None:
    running = {"id": "t1", "name": name, "state": "RUNNING", "sourceResourceUri": f"{OWN}/protection-jobs/{VM}"}
    async with talking(Answering({TASK: running})) as talk:
        text, is_error = await talk.call("wait_for_task", {"taskId": "t1", "seconds": 0})
    assert "It is done" not in text
    assert "goes on waiting" in text
    assert not is_error


async def test_a_task_that_failed_to_create_is_not_taken_for_a_delete_by_the_name_it_holds() -> None:
    failed = {"id": "t1", "name": "Create group delete-me", "state": "TIMEDOUT"}
    app = Answering({TASK: {**failed, "sourceResourceUri": f"{OWN}/protection-jobs/{VM}"}})
    async with talking(app) as talk:
        text, _ = await talk.call("wait_for_task", {"taskId": "t1", "seconds": 0})
    assert "Outcome unknown" in text
    assert "It is done" not in text


def test_a_task_without_a_state_that_is_not_there_any_more_is_told_without_the_empty_word() -> None:
    gone = reports.heading(PollResult(WriteContext(cast("Any", None), cast("Any", None), 0), Task("t1"), vanished=True))
    assert gone == "Task t1 was accepted."
