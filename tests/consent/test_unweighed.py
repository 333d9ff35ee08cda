"""What could not be read makes no call harmless, and no way of writing "preview" sends one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.tools import registry
from tests.conftest import ticking
from tests.support import write_samples
from tests.support.results import CODE, text_of

RUN = next(tool for tool in registry.tools() if tool.name == "run_protection_job")
POLICY = {
    "name": "unweighed",
    "applicationType": "VMWARE",
    "protections": [{"type": "SNAPSHOT", "schedules": [write_samples.SCHEDULE]}],
}


class Denying:
    """The simulated tenant, where reads of some paths are refused."""

    def __init__(self) -> None:
        self.app = create_app(now=ticking, scale=100_000)
        self.tenant, self.paths = self.app.state.tenant, "nothing"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "GET" and re.search(self.paths, scope["path"]):
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b'{"errorCode": "X", "message": "not yours"}'})
            return
        await self.app(scope, receive, send)

    def writes(self) -> list[str]:
        return [r.operation for r in self.tenant.requests if r.method != "GET" and r.operation != "token"]


@pytest.fixture
async def opened() -> AsyncIterator[tuple[Client, Denying]]:
    denying = Denying()
    async with Client(mcp_server.create(settings.load(demo=True, wait=0), app=denying, now=ticking)) as client:
        yield client, denying


async def test_a_call_whose_gravity_cannot_be_read_needs_consent(opened: tuple[Client, Denying]) -> None:
    client, denying = opened
    denying.paths = "/protection-policies"
    asset = {"id": denying.tenant.all("virtual-machines")[0]["id"], "type": "virtualization/virtual-machine"}
    job = {"assetInfo": asset, "protectionPolicyId": write_samples.SOME_ID}
    text = text_of(await client.call_tool("create_protection_job", job))
    assert denying.writes() == []
    assert text.startswith("REFUSED")
    assert "WHETHER IT IS GRAVE IS NOT KNOWN: not read is the policy (" in text
    assert CODE.search(text)


async def test_what_makes_nothing_grave_need_not_be_read(opened: tuple[Client, Denying]) -> None:
    client, denying = opened
    denying.paths = "/async-operations$"
    job = write_samples.arguments(denying.tenant, RUN)
    assert job is not None
    await client.call_tool(RUN.name, job)
    assert denying.writes() == [RUN.operation.id if RUN.operation else ""]


@pytest.mark.parametrize(("years", "asks"), [(7, True), (0, False)])
async def test_a_run_by_hand_whose_copy_nobody_can_delete_for_years_needs_consent(
    opened: tuple[Client, Denying], years: int, asks: bool
) -> None:
    client, denying = opened
    held = [(job, tier) for job in denying.tenant.all("protection-jobs") for tier in job["protections"]]
    job = next(job for job, tier in held if any(_years(one) == years for one in tier["schedules"]))
    text = text_of(await client.call_tool(RUN.name, {"protectionJobId": job["id"]}))
    assert ("LOCKED for 7 y: the copy that it makes; nobody can delete it before." in text) is asks
    assert (denying.writes() == []) is asks
    other = text_of(await client.call_tool(RUN.name, {"protectionJobId": job["id"], "confirm": "ABCD-EFGH"}))
    assert other.startswith("REFUSED")


def _years(schedule: dict[str, Any]) -> int:
    length = schedule.get("lockFor", {})
    return int(length["value"]) if length.get("unit") == "YEARS" else 0


@pytest.mark.parametrize("word", ["preview", " PREVIEW ", '"preview"', "dry-run", "no"])
async def test_a_preview_is_asked_for_however_it_is_written(opened: tuple[Client, Denying], word: str) -> None:
    client, denying = opened
    plan = {"calls": [{"tool": "create_protection_policy", "arguments": POLICY}]}
    for tool, inputs in (("create_protection_policy", POLICY), ("run_plan", plan)):
        text = text_of(await client.call_tool(tool, {**inputs, "confirm": word}))
        assert text.startswith("PREVIEW")
    assert denying.writes() == []


async def test_a_plan_does_not_make_twice_what_alone_would_need_consent_the_second_time(
    opened: tuple[Client, Denying],
) -> None:
    client, denying = opened
    calls = [{"tool": "create_protection_policy", "arguments": {**POLICY, "description": word}} for word in "ab"]
    text = text_of(await client.call_tool("run_plan", {"calls": calls, "confirm": "none"}))
    if plan := re.search(r'taskId="(plan-\w+)"', text):
        text = text_of(await client.call_tool("wait_for_task", {"taskId": plan[1], "seconds": 30}))
    assert denying.writes() == ["DataManagementTemplateCreate"], text
    assert "what it would do changed since the plan was confirmed (now the name exists" in text


@pytest.mark.parametrize(("years", "words"), [(2**64 - 1, "LOCK"), (10**24 + 1, "no number here is"), (1e30, "digits")])
async def test_no_lock_is_too_long_to_be_one(opened: tuple[Client, Denying], years: float, words: str) -> None:
    client, denying = opened
    length = {"value": years, "unit": "YEARS"}
    schedule = {**write_samples.SCHEDULE, "lockFor": length, "expireAfter": length}
    policy = {**POLICY, "protections": [{"type": "SNAPSHOT", "schedules": [schedule]}]}
    result = await client.call_tool("create_protection_policy", policy)
    assert result.is_error
    assert words in text_of(result)
    assert denying.writes() == []
