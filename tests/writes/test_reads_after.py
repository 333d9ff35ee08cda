"""What is read after a write: members, new things, parts, points, rooms; what could not be read is said to be so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import anyio
import pytest

from greenlake_backup_mcp.errors import Unreachable
from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.upstream.client import ApiClient, Request, connect
from greenlake_backup_mcp.writes import (
    approvals,
    first_runs,
    follow,
    group_restores,
    made_resources,
    new_points,
    polling,
    read_back,
)
from greenlake_backup_mcp.writes import parts as parts_of
from greenlake_backup_mcp.writes.expectations import ROWS, Expectation
from greenlake_backup_mcp.writes.parts import Parts
from greenlake_backup_mcp.writes.polling import SharedTasks, WriteContext
from greenlake_backup_mcp.writes.read_back import ReadBack
from greenlake_backup_mcp.writes.task_model import TASKS, Task
from tests.support.scripted_tenant import COPY, TASK, THE_COPY, Answer, Answering, copies, left_by_deletes, talking
from tests.support.tiny_tenant import NOW, OWN, VIRTUALIZATION, VM, loaded

REFUSED: Answer = (400, {}, {"message": "no", "errorCode": "NO", "httpStatusCode": 400})
GROUP = Request("GetGroup", "GET", f"{OWN}/virtual-machine-protection-groups/g", reads=True)
MEMBERS = ReadBack({"id": "g", "assets": [{"id": "a", "name": "web"}, {"id": "b", "name": "db"}]})
AFTER = {"createdAt": "2026-11-24T08:00:00Z"}


async def nobody(_done: float, _total: float | None, _words: str) -> None:
    """Progress that nobody hears."""


@asynccontextmanager
async def over(app: Any) -> AsyncIterator[ApiClient]:
    async with connect(loaded(), app=app, now=lambda: NOW) as api:
        yield api


def machine(identity: str, name: str, **more: Any) -> dict[str, Any]:
    return {"id": identity, "displayName": name, "state": "OK", **AFTER, **more}


BESIDE = {"restoreType": "ALTERNATE"}
MEMBERS_JUDGED: dict[str, tuple[dict[str, Any], ReadBack, list[dict[str, Any]] | None, Outcome, str]] = {
    "a group that is gone": ({}, ReadBack(gone=True), [], Outcome.UNKNOWN, "members are not known (it is not there)"),
    "none of those asked for": ({"recoveryInfo": [{"resourceId": "x"}]}, MEMBERS, [], Outcome.UNKNOWN,
                                "members are not known (it shows none of those to restore)"),
    "members that are well": ({}, MEMBERS, [machine("a", "web"), machine("b", "db")], Outcome.DONE,
                              "All 2 members are in a good state."),
    "the one that was asked for": ({"recoveryInfo": [{"resourceId": "a"}]}, MEMBERS, [machine("a", "web")],
                                   Outcome.DONE, "All 1 members are in a good state."),
    "one that failed": ({}, MEMBERS, [machine("a", "web", state="RESTORE_FAILED"), machine("b", "db")],
                        Outcome.PARTLY, "The states of 1 of 2 members contradict a success."),
    "all failed": ({}, MEMBERS, [machine(i, i, state="RESTORE_FAILED") for i in "ab"], Outcome.FAILED,
                   "Its state contradicts that: RESTORE_FAILED: 2 VMs"),
    "one that is not listed": ({}, MEMBERS, [machine("a", "web")], Outcome.UNKNOWN, "1 of 2 are not in the list"),
    "a list that is refused": ({}, MEMBERS, None, Outcome.UNKNOWN, "its members' states could not be read"),
    "new ones that cannot be looked for": (BESIDE, MEMBERS, None, Outcome.UNKNOWN, "could not be looked for"),
    "new ones under names of the service": (BESIDE, MEMBERS, [machine("x", "web-r"), machine("y", "db-r")],
                                            Outcome.DONE, 'Made: 2 of 2 VMs: "web-r" (id x), "db-r" (id y).'),
    "one new one": (BESIDE, MEMBERS, [machine("x", "web-r")], Outcome.PARTLY, '- not made: "db" (id b)'),
    "no new one": (BESIDE, MEMBERS, [], Outcome.FAILED, "Nothing new was found."),
    "a new one in a bad state": (BESIDE, MEMBERS, [machine("x", "web-r", state="RESTORE_FAILED"), machine("y", "db-r")],
                                 Outcome.PARTLY, 'contradicts that: RESTORE_FAILED: 1 VM: "web-r"'),
}  # fmt: skip


@pytest.mark.parametrize(("body", "group", "machines", "outcome", "words"), MEMBERS_JUDGED.values(), ids=MEMBERS_JUDGED)
async def test_a_groups_restore_is_told_member_by_member(
    body: dict[str, Any], group: ReadBack, machines: list[dict[str, Any]] | None, outcome: Outcome, words: str
) -> None:
    app = Answering({} if machines is None else {group_restores.VMS: machines})
    sent = Request("VmpgRestore", "POST", f"{GROUP.path}/restore", body=body, tool=group_restores.TOOL)
    async with over(app) as api:
        context = WriteContext(api, nobody, 0, target=GROUP, sent=sent, since=NOW, expectation=ROWS[sent.tool])
        verdict = await group_restores.judge_members(context, group)
    assert verdict.outcome is outcome, verdict
    assert words in "\n".join(verdict.sentences)


async def test_of_several_new_ones_none_is_taken_for_what_was_made() -> None:
    policies = f"{OWN}/protection-policies"
    app = Answering({policies: [{"id": i, "name": "x", **AFTER} for i in "ab"] + [{"id": "c", "generation": 9}]})
    async with over(app) as api:
        context = WriteContext(api, nobody, 0, since=NOW, wanted={"name": "x"}, expectation=Expectation(policies))
        made = await made_resources.find_made(context, Task(""), {}, None)
    assert [one["id"] for one in made.candidates] == ["a", "b"]
    assert not made.is_identified


async def test_where_tasks_cannot_be_listed_each_is_read_by_itself() -> None:
    app = Answering({TASK: {"id": "t1", "state": "RUNNING"}})
    async with over(app) as api:
        shared = SharedTasks()
        bodies = [await shared.read(api, TASK) for _ in range(2)]
    assert [body["state"] for body in bodies] == ["RUNNING"] * 2
    assert app.reads == [TASKS, TASK, TASK]


async def test_so_many_parts_that_a_wait_would_not_end_are_read_in_part_and_said_to_be() -> None:
    number = count()
    page = lambda: [{"id": f"p{next(number)}", "state": "SUCCEEDED"} for _ in range(parts_of.PAGE)]  # noqa: E731
    async with over(Answering(hook=lambda *_: (200, {}, {"items": page()}))) as api:
        below = await parts_of.read_parts(api, "t1")
    assert len(below.tasks) == parts_of.PAGE * parts_of.MOST_READS
    assert below.problem == "only the first 2,000 of them were read"


async def test_what_does_not_answer_in_time_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(*_: Any) -> None:
        await anyio.sleep_forever()

    monkeypatch.setattr(polling, "LEAST_READ", 0.0)
    async with over(silent) as api:
        resource = await read_back.read_back(api, Request("any", "GET", COPY, reads=True), 0)
        with pytest.raises(Unreachable, match="did not answer in time"):
            await follow.wait(WriteContext(api, nobody, 0), "t1")
    assert resource.problem == "the service did not answer in time"


@pytest.mark.parametrize(("refusals", "tiers", "problem"), [(1, ["BACKUP", "SNAPSHOT"], ""), (9, [], "refused")])
async def test_recovery_points_are_read_by_the_newest_where_their_list_takes_no_filter(
    refusals: int, tiers: list[str], problem: str
) -> None:
    asked = count()
    points = [
        {"id": "new", "pointInTime": "2026-11-24T08:00:00Z"},
        {"id": "old", "pointInTime": "2026-11-23T08:00:00Z"},
    ]

    def hook(_method: str, _path: str, _body: bytes) -> Answer:
        return REFUSED if next(asked) < refusals else (200, {}, {"items": points})

    async with over(Answering(hook=hook)) as api:
        actual = await new_points.new_points(api, f"{VIRTUALIZATION}/virtual-machines/{VM}", {}, NOW)
    assert [tier for tier, _ in actual.items] == tiers
    assert {item["id"] for _, item in actual.items} <= {"new"}
    assert problem in actual.problem


async def test_of_several_approvals_the_one_that_waits_is_told() -> None:
    about = {"operationResource": {"resourceUri": COPY}}
    decided = {"id": "one", "state": "APPROVED", **about}
    waits = {"id": "two", "state": "Pending", "associatedResources": [{"resource": {"resourceUri": COPY}}]}
    async with over(Answering({approvals.APPROVALS: [decided, waits]})) as api:
        lines = await approvals.describe_approval(api, COPY)
    assert 'get_approval approvalId="two"' in lines[-1]


async def test_the_room_of_the_stores_of_a_new_job_is_told_or_that_it_is_not_known() -> None:
    stores = [f"{OWN}/protection-stores/{name}" for name in ("s1", "s2")]
    tier = {"type": "BACKUP", "schedules": [{"scheduleId": 1}]}
    tiers = [{**tier, "protectionStoreInfo": {"id": name}} for name in ("s1", "s2", "s3")]
    job = {"assetInfo": {"resourceUri": f"{VIRTUALIZATION}/virtual-machines/{VM}"}, "protections": tiers}
    app = Answering(copies() | {
        f"{VIRTUALIZATION}/virtual-machines/{VM}": {"id": VM, "capacityInBytes": 50 << 30},
        stores[0]: {"id": "s1", "name": "small", "maxCapacityInBytes": 100 << 30, "sizeOnDiskInBytes": 60 << 30},
        stores[1]: {"id": "s2", "name": "silent"},
    })  # fmt: skip
    async with over(app) as api:
        context = WriteContext(api, nobody, 0, tool="create_protection_job", since=NOW)
        lines = await first_runs.describe_first_runs(context, ReadBack(job), Parts((Task("p1", "RUNNING"),)))
    assert "Store small: 60 % full, 40.0 GiB free; WARNING: less than the first backup may need." in lines
    assert "Store silent: its room is not known." in lines
    assert lines[-1] == "The room of 1 more store was not looked at."


async def test_a_delete_that_goes_on_is_not_done() -> None:
    async with talking(left_by_deletes("DELETING")) as talk:
        text, _ = await talk.consented("delete_vm_backup", THE_COPY)
    assert "The resource is still being deleted (state DELETING)." in text
    assert "Next: read the resource again in a minute. Do not send the write again." in text
