"""What the documents leave open is found out: the other form is tried once after a definite refusal, kept and told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.errors import SettingsError
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.simulator.switches import READINGS, Switches
from greenlake_backup_mcp.tools import registry
from greenlake_backup_mcp.upstream import reading_table, readings, request_forms
from greenlake_backup_mcp.upstream.client import Request
from tests.conftest import ticking
from tests.outcomes import confirmed
from tests.support import write_samples
from tests.support.results import text_of
from tests.support.scripted_tenant import THE_COPY, Answering, copies, talking

TOOLS = {tool.name: tool for tool in registry.tools()}
SAYS = {"strict": "merge-patch", "both": "corrected", "either": "round", True: "yes", False: "no"}
"""Defaults of the simulated tenant's switches as our readings call them, where they differ."""


class Session:
    """A client of the server over a tenant with switches, and the tenant."""

    def __init__(self, client: Client, tenant: Any) -> None:
        self.client = client
        self.tenant = tenant

    async def call(self, name: str, /, **arguments: Any) -> str:
        return text_of(await self.client.call_tool(name, await confirmed(self.client, TOOLS[name], arguments)))

    async def sample(self, name: str) -> str:
        """A sample call of a tool that changes something."""
        actual = write_samples.arguments(self.tenant, TOOLS[name])
        assert actual is not None
        return await self.call(name, **actual)

    def writes(self) -> list[int]:
        return [one.status for one in self.tenant.requests if one.method != "GET" and "/token" not in one.path]


@asynccontextmanager
async def session(reading: str = "", **switches: Any) -> AsyncIterator[Session]:
    tenant = create_app(now=ticking, scale=100_000, switches=Switches(**switches))
    chosen = settings.load(
        api_base_url="https://tenant.example", token=Switches().ready_token, wait=5, rate=1e6, reading=reading
    )
    async with Client(mcp_server.create(chosen, app=tenant, now=ticking)) as client:
        yield Session(client, tenant.state.tenant)


def test_every_switch_of_the_simulated_tenant_is_a_reading_with_the_same_alternatives() -> None:
    for name, default in vars(Switches()).items():
        if name in READINGS:
            row = reading_table.BY_NAME[name]
            assert SAYS.get(default, default) in row.values, name
            assert row.about.endswith(".")
    assert len({row.name for row in reading_table.TABLE}) == len(reading_table.TABLE)


def test_each_reading_names_the_room_or_module_that_works_by_it() -> None:
    package = Path(reading_table.__file__).parents[1]
    places = {place for row in reading_table.TABLE for place in row.place.split(", ")}
    assert [place for place in places if not ((package / place).is_dir() or (package / f"{place}.py").exists())] == []


@pytest.mark.parametrize(
    ("switch", "value", "tool", "message"),
    [
        ("media_types", "json", "update_vm_backup", "media_types=json"),
        ("published_names", "published", "create_storeonce", "published_names=published"),
        ("published_names", "published", "create_volume_protection_group", "published_names=published"),
        ("published_names", "published", "create_volume_protection_group_snapshot", "published_names=published"),
        ("recovery_point_of_restore", "both", "restore_vm", "recovery_point_of_restore=both"),
    ],
)
async def test_the_other_form_of_a_write_is_tried_once_then_kept_and_told(
    switch: str, value: str, tool: str, message: str
) -> None:
    async with session(**{switch: value}) as one:
        answer = await one.sample(tool)
        assert message in answer, answer
        assert [status < 300 for status in one.writes()] == [False, True]
    async with session(**{switch: value}) as another:  # a new process of the same tenant
        assert message not in await another.sample(tool)
        assert [status < 300 for status in another.writes()] == [True]


async def test_names_within_lists_and_several_readings_at_once_are_found_out() -> None:
    async with session(published_names="published", media_types="json") as one:
        script = {"path": "/a.sh", "hostId": one.tenant.all("application-hosts")[0]["id"]}
        tier = {"type": "SNAPSHOT", "schedules": [{**write_samples.SCHEDULE, "preScriptInfo": script}]}
        policy = {"name": "with scripts", "applicationType": "VMWARE", "protections": [tier]}
        answer = await one.call("create_protection_policy", **policy)
        assert "published_names=published" in answer
    async with session(in_lists="square", bare_timestamps=True) as one:
        query = "createdAt gt now-300d and severity in ('CRITICAL','WARNING')"
        answer = await one.call("list_issues", filter=query)
        for words in ("match filter", "bare_timestamps=yes", "in_lists=square"):
            assert words in answer, answer


async def test_a_reading_that_is_fixed_is_taken_and_no_other() -> None:
    async with session("media_types=json", media_types="strict") as one:
        answer = await one.sample("update_vm_backup")
        assert "415" in answer
        assert len(one.writes()) == 1


@pytest.mark.parametrize("status", [202, 303, 401, 403, 404, 408, 409, 412, 429, 500, 502, 503, 504])
def test_only_a_definite_refusal_that_names_the_point_lets_another_form_be_tried(status: int) -> None:
    body = {"description": "x"}
    patch = Request("VirtualMachineBackupUpdate", "PATCH", "/x", body=body, media_type=request_forms.MERGE)
    assert not request_forms.is_named("media_types", patch, status, "Content-Type must be application/json")
    assert request_forms.is_named("media_types", patch, 415, "")
    assert not request_forms.is_named("media_types", patch, 400, "The name is too long.")
    restore = Request("VirtualMachineRestore", "POST", "/x", body={"backupId": "b"}, media_type=request_forms.PLAIN)
    assert not request_forms.is_named("recovery_point_of_restore", restore, status, "snapshotId is required")
    assert not request_forms.is_named("recovery_point_of_restore", restore, 400, "backupId is locked")


@pytest.mark.parametrize(("answers", "sent"), [([503], 1), ([415, 503], 2), ([415, 415], 2), ([415, 400], 2)])
async def test_after_an_answer_that_proves_nothing_no_other_form_is_tried(answers: list[int], sent: int) -> None:
    waiting = iter(answers)

    def hook(method: str, _path: str, _body: bytes) -> Any:
        return None if method == "GET" else (next(waiting), {}, {"message": "no", "errorCode": "NO"})

    app = Answering(copies(), hook)
    chosen = settings.load(api_base_url="https://tenant.example", token="t" * 10, retries=0)
    async with Client(mcp_server.create(chosen, app=app, now=ticking)) as client:
        asked = await confirmed(client, TOOLS["update_vm_backup"], {**THE_COPY, "description": "x"})
        result = await client.call_tool("update_vm_backup", asked)
    assert result.is_error
    assert len(app.writes) == sent
    assert ("UNKNOWN" in text_of(result)) == (answers[-1] == 503)
    assert readings.Readings(chosen).value("media_types") == "merge-patch"


VENDOR = {"message": "Content-Type must be application/json", "errorCode": "BAD", "httpStatusCode": 400}
TASKS = "/data-services/v1beta1/async-operations"


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (415, {"content-type": "text/html"}, b"<html><title>Unsupported media type</title></html>"),
        (400, {"content-type": "text/html"}, b"<html><title>Content-Type not allowed</title></html>"),
        (400, {}, {"error": "Content-Type not allowed"}),  # of a gateway before the service
        (400, {"location": f"{TASKS}/t9"}, VENDOR),
        (400, {}, {**VENDOR, "taskUri": f"{TASKS}/t9"}),
        (400, {}, {**VENDOR, "items": [{"id": "one", "status": 200}]}),
        (422, {}, {**VENDOR, "message": "Partially applied; Content-Type must be application/json"}),
        (409, {}, VENDOR),
        (500, {}, VENDOR),
        (303, {}, VENDOR),
    ],
)
async def test_a_refusal_of_a_proxy_or_of_a_part_is_never_followed_by_another_form(
    status: int, headers: dict[str, str], body: Any
) -> None:
    app = Answering(copies(), lambda method, _path, _body: None if method == "GET" else (status, headers, body))
    async with talking(app) as talk:
        _, failed = await talk.consented("update_vm_backup", {**THE_COPY, "description": "x"})
    assert failed
    assert len(app.writes) == 1


async def test_a_success_that_holds_an_error_proves_no_reading() -> None:
    answers: Iterator[Any] = iter(
        [(415, {}, VENDOR), (200, {}, {"errorCode": "E", "message": "It did not work.", "debugId": "d"})]
    )
    app = Answering(copies(), lambda method, _path, _body: None if method == "GET" else next(answers))
    async with talking(app) as talk:
        answer, failed = await talk.consented("update_vm_backup", {**THE_COPY, "description": "x"})
    assert failed
    assert "media_types" not in answer


async def test_of_a_form_that_nobody_knows_the_outcome_of_the_record_holds_what_was_sent(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    answers: Iterator[Any] = iter([(415, {}, VENDOR), (503, {}, b"")])
    app = Answering(copies(), lambda method, _path, _body: None if method == "GET" else next(answers))
    async with talking(app, audit_log=str(log)) as talk:
        answer, _ = await talk.consented("update_vm_backup", {**THE_COPY, "description": "x"})
    assert "UNKNOWN" in answer
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    form = next(line["form"] for line in lines if line["event"] == "outcome")
    assert form == {"readings": {"media_types": "json"}, "type": "application/json", "body": {"description": "x"}}


@pytest.mark.parametrize(
    ("switch", "value", "tool", "arguments", "cure"),
    [
        ("run_without_schedules", "refused", "run_protection_job", {}, "call again with scheduleIds"),
        ("published_names", "published", "restore_vm_disks", {}, "call again with restoreDiskDetails"),
        ("past_expiry", "refused", "update_vm_backup", {"expiresAt": "2001-01-01T00:00:00Z"}, "preview another moment"),
    ],
)
async def test_what_arguments_alone_cannot_make_is_told_with_the_next_step(
    switch: str, value: str, tool: str, arguments: dict[str, Any], cure: str
) -> None:
    async with session(**{switch: value}) as one:
        sample = write_samples.arguments(one.tenant, TOOLS[tool])
        assert sample is not None
        answer = await one.call(tool, **sample, **arguments)
        assert cure in answer, answer
        assert not [status for status in one.writes() if status < 300]


async def test_the_record_holds_the_form_that_was_sent(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    tenant = create_app(now=ticking, scale=100_000, switches=Switches(published_names="published"))
    chosen = settings.load(demo=True, wait=5, audit_log=str(log))
    async with Client(mcp_server.create(chosen, app=tenant, now=ticking)) as client:
        one = Session(client, tenant.state.tenant)
        await one.sample("create_storeonce")
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    form = next(line["form"] for line in lines if line["event"] == "outcome")
    assert form["readings"] == {"published_names": "published"}
    assert {"username", "password", "credentials"} <= set(form["body"])
    secret = write_samples.arguments(one.tenant, TOOLS["create_storeonce"])["credentials"]["password"]  # type: ignore[index]
    assert secret not in log.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("media_type=json", "Did you mean media_types"),
        ("media_types=xml", "one of: merge-patch, json"),
        ("media_types", "has no value"),
        ("totals=no", "cannot be fixed"),
        ("media_types=json, media_types=merge-patch", "is fixed twice"),
        ("=json", "there is no reading ''"),
    ],
)
def test_readings_that_there_are_not_are_refused_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        mcp_server.tool_set(settings.load(demo=True, reading=text))
    assert words in f"{caught.value.message} {caught.value.hint}"


async def test_tasks_that_tell_their_status_otherwise_are_listed_with_it() -> None:
    switches = {"task_word": "status", "progress_word": "progressPercentage", "log_time_word": "timestamp"}
    async with session(**switches) as one:
        answer = await one.call("list_tasks", where="state eq SUCCEEDED", limit=3)
        assert "SUCCEEDED" in answer, answer


def test_what_was_found_out_is_kept_for_one_tenant_and_survives_a_broken_file() -> None:
    one = settings.load(api_base_url="https://one.example", token="t" * 10)
    actual = readings.Readings(one)
    actual.learn("media_types", "json", "a test")
    actual.count_drift({"VirtualMachinesList: field x": 3})
    again = readings.Readings(one)
    assert again.value("media_types") == "json"
    assert again.drift == {"VirtualMachinesList: field x": 3}
    other = settings.load(api_base_url="https://two.example", token="t" * 10)
    assert readings.Readings(other).value("media_types") == "merge-patch"
    file = next(Path(str(one.state_dir)).glob("readings-*.json"))
    assert file.stat().st_mode & 0o077 == 0
    file.write_text("{", encoding="utf-8")
    assert readings.Readings(one).value("media_types") == "merge-patch"


def test_of_an_answer_that_is_no_task_nothing_is_learnt(tmp_path: Path) -> None:
    chosen = settings.load(api_base_url="https://three.example", token="t" * 10, state_dir=tmp_path)
    actual = readings.Readings(chosen)
    for body in (None, [1], "text", {"items": [1, {"state": "RUNNING"}]}):
        assert readings.read_task(actual, body) == body
    assert actual.findings == {}
    actual.learn("media_types", "json", "a test")
    file = next(tmp_path.glob("readings-*.json"))
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('"json"', '"of a later version"'), encoding="utf-8")
    assert readings.Readings(chosen).value("media_types") == "merge-patch"


FORMS: list[tuple[str, Request, str, dict[str, Any], str]] = [
    # reading, request, its other value, the body by it, words of a refusal that name it
    ("asset_types", Request("Make", "POST", "/x", body={"assets": [{"type": "virtualization/vm", "id": "v"}, 1]}),
     "hybrid-cloud", {"assets": [{"type": "hybrid-cloud/vm", "id": "v"}, 1]}, "assets[0]/type is not supported"),
    ("cloud_backup_word", Request("VmpgRestore", "POST", "/x", body={
        "recoveryInfo": [{"recoveryPointType": "CLOUDBACKUP"}, {"recoveryPointType": "BACKUP"}]}), "CLOUD_BACKUP",
     {"recoveryInfo": [{"recoveryPointType": "CLOUD_BACKUP"}, {"recoveryPointType": "BACKUP"}]},
     "recoveryPointType has an unknown value"),
    ("kept_folders_word", Request("VirtualMachineFileRestore", "POST", "/x", body={
        "backupId": "b", "retainOrignalDirectoryStructure": True}), "corrected",
     {"backupId": "b", "retainOriginalDirectoryStructure": True}, "retainOrignalDirectoryStructure is unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("point", "request_", "value", "body", "words"), FORMS, ids=[row[0] for row in FORMS])
def test_each_form_of_a_body_means_the_same_and_only_a_refusal_that_names_its_point_asks_for_it(
    point: str, request_: Request, value: str, body: dict[str, Any], words: str
) -> None:
    assert request_forms.points(request_) == (point,)
    assert request_forms.form_of(request_, {point: value}).body == body
    assert request_forms.is_named(point, request_, 422, words)
    assert not request_forms.is_named(point, request_, 422, "The name is too long.")
    assert not request_forms.is_named(point, request_, 415, "")


@pytest.mark.parametrize(("words", "named"), [("Invalid filter", True), ("no such limit", False), ("", False)])
def test_a_filter_that_is_refused_without_a_reason_may_be_meant_by_any_of_its_readings(words: str, named: bool) -> None:
    asked = Request("List", "GET", "/x", (("filter", "state in ('A','B')"),), reads=True)
    assert request_forms.points(asked) == ("in_lists",)
    assert request_forms.is_named("in_lists", asked, 400, words) is named


async def test_a_415_says_by_itself_which_point_was_refused() -> None:
    answers: Iterator[Any] = iter([(415, {}, b""), (204, {}, b"")])
    app = Answering(copies(), lambda method, _path, _body: None if method == "GET" else next(answers))
    async with talking(app) as talk:
        answer, _ = await talk.consented("update_vm_backup", {**THE_COPY, "description": "x"})
    assert "media_types=json" in answer
    assert len(app.writes) == 2


async def test_that_a_backup_needs_a_snapshot_beside_it_says_nothing_of_a_snapshot_alone() -> None:
    async with session(recovery_point_of_restore="both") as one:
        await one.sample("restore_vm")
        one.tenant.switch(recovery_point_of_restore="one")
        one.tenant.requests.clear()
        arguments = write_samples.arguments(one.tenant, TOOLS["restore_vm"])
        assert arguments is not None
        vm, snapshot = next(
            (vm["id"], copy["id"])
            for vm in one.tenant.all("virtual-machines")
            for copy in write_samples.copies(one.tenant, "virtual-machines", vm["id"], "snapshots")
        )
        arguments = {n: v for n, v in arguments.items() if n != "backupId"} | {"vmId": vm, "snapshotId": snapshot}
        arguments["targetVmInfo"] = {**arguments["targetVmInfo"], "name": "y-test"}
        await one.call("restore_vm", **arguments)
        sent = [one for one in one.tenant.requests if one.method == "POST" and one.path.endswith("/restore")]
        assert [(r.status, r.body.get("snapshotId"), r.body.get("backupId")) for r in sent] == [(202, snapshot, None)]


async def test_what_is_otherwise_of_one_operation_is_not_taken_to_be_so_of_another() -> None:
    async with session(published_names="published") as one:
        await one.sample("create_storeonce")
        one.tenant.switch(published_names="corrected")
        one.tenant.requests.clear()
        await one.sample("create_volume_protection_group")
        assert [status < 300 for status in one.writes()] == [True]
        one.tenant.requests.clear()
        actual = write_samples.arguments(one.tenant, TOOLS["create_storeonce"])
        assert actual is not None
        actual |= {"name": "so-y", "serialNumber": "SOX0000002", "networkAddress": "192.0.2.61"}
        answer = await one.call("create_storeonce", **actual)  # it is otherwise now: found out anew, and told
        assert "published_names=corrected" in answer, answer
        assert [status < 300 for status in one.writes()] == [False, True]


async def test_fields_that_no_description_knows_are_shown_counted_and_can_be_asked_for() -> None:
    path = "/backup-recovery/v1beta1/protection-stores"
    stores = [{"id": f"s{n}", "name": f"store {n}", "coolness": n, "state": "FROZEN"} for n in range(3)]
    app = Answering({path: stores, f"{path}/s1": stores[1]})
    chosen = settings.load(api_base_url="https://tenant.example", token="t" * 10)
    async with Client(mcp_server.create(chosen, app=app, now=ticking)) as client:

        async def answer_text(name: str, **inputs: Any) -> str:
            return text_of(await client.call_tool(name, inputs))

        assert "coolness: 1" in await answer_text("get_protection_store", protectionStoreId="s1")
        assert "FROZEN" in await answer_text("list_protection_stores", output="json")
        assert "no attribute" not in await answer_text("list_protection_stores", where="coolness gt 1")
    lines = readings.Readings(chosen).describe()
    assert any("field coolness" in line and "at least" in line for line in lines), lines
