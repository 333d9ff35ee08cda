"""Arguments as published are accepted, translated before the preview, and part of what is consented to."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.dispatch import arguments
from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.tools import registry
from greenlake_backup_mcp.upstream import published
from tests.conftest import ticking
from tests.support import write_samples
from tests.support.results import CODE, text_of

TOOLS = {tool.name: tool for tool in registry.tools()}
SCRIPT = {**write_samples.SCHEDULE, "preScriptInfo": {"path": "/a.sh", "hostID": write_samples.SOME_ID}}
CREDENTIALS = {"username": "admin", "password": "hunter2-hunter2"}
HOST = {"networkAddress": "10.0.0.9", "serialNumber": "S1"}
FILES = {"fileRestoreMethod": "SKIP", "filePathInfo": [], "targetInfo": {}}
VM = {"vmId": write_samples.SOME_ID, "restoreType": "PARENT", "confirm": "preview"}
DISK = {"diskLabel": "Hard disk 1"}

TRANSLATED: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    # tool, as published, what of the body it becomes, what stays beside it
    ("create_protection_policy",
     {"name": "p", "applicationType": "VMWARE", "protections": [{"type": "SNAPSHOT", "schedules": [SCRIPT]}]},
     {"protections": [{"type": "SNAPSHOT", "schedules": [
         {**write_samples.SCHEDULE, "preScriptInfo": {"path": "/a.sh", "hostId": write_samples.SOME_ID}}]}]}, {}),
    ("create_volume_protection_group", {"name": "g", "VolumeProtectionGroupType": "CUSTOM"},
     {"volumeProtectionGroupType": "CUSTOM"}, {}),
    ("create_storeonce", {**HOST, **CREDENTIALS}, {"credentials": CREDENTIALS}, {}),
    ("create_storeonce", {**HOST, **CREDENTIALS, "credentials": CREDENTIALS}, {"credentials": CREDENTIALS}, {}),
    ("create_volume_protection_group_snapshot",
     {"volumeProtectionGroupId": write_samples.SOME_ID, "name": "s", "snapshotType": "SNAPSHOT"}, {"name": "s"},
     {"snapshotType": "SNAPSHOT"}),
    ("restore_vm", {**VM, "backupId": "b1", "snapshotId": "s1"}, {"backupId": "b1"}, {"snapshotId": "s1"}),
    ("restore_vm_disks", {**VM, "backupId": "b1", "snapshotId": "s1", "diskIds": ["Hard disk 1"]},
     {"backupId": "b1", "restoreDiskDetails": [{"recoveryPointDiskDetails": DISK, "vmDiskDetails": DISK}]},
     {"snapshotId": "s1", "diskIds": ["Hard disk 1"]}),
    ("restore_vm_disks", {**VM, "backupId": "b1", "diskIds": '["Hard disk 1"]'},
     {"restoreDiskDetails": [{"recoveryPointDiskDetails": DISK, "vmDiskDetails": DISK}]}, {"diskIds": ["Hard disk 1"]}),
    ("restore_vm_files", {"vmId": VM["vmId"], "confirm": "preview", **FILES, "backupId": "b1",
                          "retainOriginalDirectoryStructure": True}, {"retainOrignalDirectoryStructure": True}, {}),
    ("restore_vm_protection_group", {"vmProtectionGroupId": VM["vmId"], "restoreType": "PARENT", "confirm": "preview",
     "recoveryInfo": [{"recoveryPointType": "CLOUD_BACKUP", "recoveryPointId": "c1", "resourceId": "r1"}]},
     {"recoveryInfo": [{"recoveryPointType": "CLOUDBACKUP", "recoveryPointId": "c1", "resourceId": "r1"}]}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "inputs", "body", "beside"), TRANSLATED)
def test_the_published_form_becomes_the_one_that_the_tool_shows(
    tool: str, inputs: dict[str, Any], body: dict[str, Any], beside: dict[str, Any]
) -> None:
    prepared = arguments.prepare(TOOLS[tool], inputs)
    request = arguments.build_request(TOOLS[tool], prepared)
    assert body.items() <= request.body.items()
    assert request.beside == beside
    assert not {row.published for row in published.names_of(request.operation_id)} & set(request.body)
    rendered = str(TOOLS[tool].input_schema)
    assert not any(name in rendered for name in ("hostID", "VolumeProtectionGroupType'", "snapshotType", "diskIds"))


@pytest.mark.parametrize(
    ("tool", "inputs", "words"),
    [
        ("create_storeonce", {**HOST, "username": "a", "credentials": {"username": "b", "password": "c"}}, "differ"),
        (
            "create_volume_protection_group",
            {"name": "g", "VolumeProtectionGroupType": "CUSTOM", "volumeProtectionGroupType": "NATIVE"},
            "Give volumeProtectionGroupType alone",
        ),
        ("create_storeonce", {**HOST, "username": "a", "credentials": '{"password": "c"}'}, "must be an object"),
        ("restore_vm", {**VM, "backupId": "b1", "asPublished": {"snapshotId": "s1"}}, "no argument"),
        ("restore_datastore", {"datastoreId": VM["vmId"], "diskIds": ["x"], "backupId": "b"}, "no argument"),
    ],
)
def test_forms_that_contradict_each_other_and_names_of_no_form_are_refused(
    tool: str, inputs: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError) as caught:
        arguments.prepare(TOOLS[tool], inputs)
    assert words in f"{caught.value.message} {caught.value.hint}"


@pytest.fixture
async def client() -> AsyncIterator[tuple[Client, Any]]:
    app = create_app(now=ticking, scale=100_000)
    async with Client(mcp_server.create(settings.load(demo=True, wait=5), app=app, now=ticking)) as connected:
        yield connected, app.state.tenant


async def test_what_is_given_beside_our_form_is_previewed_and_bound_to_the_code(client: tuple[Client, Any]) -> None:
    connected, tenant = client
    sample = write_samples.arguments(tenant, TOOLS["restore_vm"])
    assert sample is not None
    codes, texts = set(), set()
    for beside in ("", "11111111-aaaa-4000-8000-000000000001", "11111111-aaaa-4000-8000-000000000002"):
        inputs = {**sample, "confirm": "preview", **({"snapshotId": beside} if beside else {})}
        text = text_of(await connected.call_tool("restore_vm", inputs))
        assert beside in text
        assert ("The backup is restored" in text) == bool(beside)
        codes |= set(CODE.findall(text))
        texts.add(re.sub(CODE, "", text))
    assert len(codes) == len(texts) == 3


async def test_a_code_holds_for_the_same_meaning_in_either_form(client: tuple[Client, Any]) -> None:
    connected, tenant = client
    sample = write_samples.arguments(tenant, TOOLS["create_volume_protection_group"])
    assert sample is not None
    other = {n: v for n, v in sample.items() if n != "volumeProtectionGroupType"}
    other["VolumeProtectionGroupType"] = sample["volumeProtectionGroupType"]
    preview = text_of(await connected.call_tool("create_volume_protection_group", {**other, "confirm": "preview"}))
    assert "PROTECTED ALREADY" in preview  # the volume is one of another group
    match = CODE.search(preview)
    assert match
    answer = text_of(await connected.call_tool("create_volume_protection_group", {**sample, "confirm": match[1]}))
    assert "Nothing was sent" not in answer
    sent = next(one for one in reversed(tenant.requests) if one.method == "POST" and "volume" in one.path)
    assert sent.body == {n: v for n, v in sample.items() if n != "confirm"}


async def test_passwords_in_the_published_place_are_as_secret_as_in_ours(client: tuple[Client, Any]) -> None:
    connected, _tenant = client
    answer = await connected.call_tool("create_storeonce", {**HOST, **CREDENTIALS, "serialNumber": 7})
    assert CREDENTIALS["password"] not in text_of(answer)


DISKS = {**{n: v for n, v in VM.items() if n != "restoreType"}, "backupId": "b1"}
OTHER = {"diskLabel": "Hard disk 2"}


@pytest.mark.parametrize(
    ("tool", "inputs", "words"),
    [
        ("restore_vm_disks", {**DISKS, "diskIds": ["Hard disk 1"], "restoreDiskDetails": [
            {"recoveryPointDiskDetails": OTHER, "vmDiskDetails": OTHER}]}, "differ"),
        ("restore_vm_disks", {**DISKS, "diskIds": {"x": [1]}}, "list of texts"),
        ("create_volume_protection_group_snapshot",
         {"volumeProtectionGroupId": VM["vmId"], "name": "s", "snapshotType": {"lockFor": 1}}, "only be SNAPSHOT"),
    ],
)  # fmt: skip
def test_what_stands_beside_our_form_cannot_name_another_thing(tool: str, inputs: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        arguments.prepare(TOOLS[tool], inputs)


@pytest.mark.parametrize(("tool", "inputs", "body", "beside"), TRANSLATED)
def test_accepted_arguments_can_be_given_again(
    tool: str, inputs: dict[str, Any], body: dict[str, Any], beside: dict[str, Any]
) -> None:
    prepared = arguments.prepare(TOOLS[tool], inputs)
    assert arguments.prepare(TOOLS[tool], published.as_given(prepared)) == prepared
    plan = published.as_given({"calls": [{"tool": tool, "arguments": prepared}]})
    assert arguments.prepare(TOOLS[tool], plan["calls"][0]["arguments"]) == prepared
