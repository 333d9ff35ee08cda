"""Bad input is refused in sentences before anything is sent; good input becomes exactly the described request."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlake_backup_mcp.dispatch import arguments
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools import registry, repair, target_reads
from greenlake_backup_mcp.tools.registry import Tool

TOOLS = {t.name: t for t in registry.tools()}
VM = "6f5b3a52-5b0e-4d5f-9a3a-0d1f6b7c8e90"
BACKUP = "0b6f0e3c-93a4-4a3a-8b3f-1a2b3c4d5e6f"


def refusal(name: str, **given_arguments: Any) -> str:
    with pytest.raises(BackupError) as raised:
        arguments.prepare(TOOLS[name], given_arguments)
    assert raised.value.nothing_sent
    return f"{raised.value.message} {raised.value.hint}"


def test_an_unknown_argument_is_refused_with_the_nearest_name() -> None:
    assert 'no argument "vm_id"; did you mean vmId?' in refusal("get_vm", vm_id=VM)
    assert 'no argument "backupID"; did you mean backupId?' in refusal("get_vm_backup", vmId=VM, backupID=BACKUP)


def test_a_missing_argument_is_named() -> None:
    assert "backupId is missing" in refusal("get_vm_backup", vmId=VM)


def test_an_ill_typed_argument_is_told_what_is_wanted() -> None:
    assert 'limit is "many"; wanted: integer' in refusal("list_vms", limit="many")


def test_a_value_outside_an_enum_is_told_what_is_allowed() -> None:
    text = refusal("list_vms", summary="some")
    assert "allowed: all, page" in text


@pytest.mark.parametrize(
    "bad",
    ["a/b", "..", ".", "a?b", "a#b", "a%2fb", "a\x00b", "a\nb", "x" * 10_000, " ", "", "a\\b", "a;b", "a\x85b"],
)
def test_an_unsafe_id_is_refused_before_it_reaches_a_path(bad: str) -> None:
    assert "vmId" in refusal("list_vm_backups", vmId=bad)


def test_a_name_in_place_of_an_id_is_told_where_ids_come_from() -> None:
    text = refusal("get_protection_job", protectionJobId="prod-sql-01")
    assert "wanted: a UUID (names become ids with the list tools)" in text


def test_a_malformed_timestamp_is_told_the_form() -> None:
    for wrong in ("tomorrow", "2026-01-31", "2026-13-01T00:00:00Z", "2026-01-31T10:00:00", "2026-01-31 10:00:00Z"):
        text = refusal("update_vm_backup", vmId=VM, backupId=BACKUP, expiresAt=wrong, confirm="preview")
        assert "expiresAt" in text, wrong
        assert "2026-01-31T18:00:00Z" in text


def test_a_restore_wants_exactly_one_recovery_point() -> None:
    neither = refusal("restore_vm", vmId=VM, restoreType="PARENT", confirm="preview")
    assert "backupId" in neither
    assert "snapshotId" in neither


def test_a_patch_without_any_property_is_refused() -> None:
    assert "nothing to change" in refusal("update_vm_backup", vmId=VM, backupId=BACKUP, confirm="preview")


def test_an_unknown_nested_property_is_refused_with_the_nearest_name() -> None:
    text = refusal(
        "restore_vm", vmId=VM, restoreType="ALTERNATE", backupId=BACKUP, targetVmInfo={"nam": "x"}, confirm="preview"
    )
    assert "targetVmInfo.nam" in text
    assert "targetVmInfo.name" in text


def test_at_most_five_problems_are_told_at_once() -> None:
    wrong = {"limit": "a", "offset": "b", "filter": 1, "sort": 2, "select": 3, "where": 4, "summary": 5, "output": 6}
    text = refusal("list_vms", **wrong)
    assert "(and 3 more)" in text


@pytest.mark.parametrize("nothing", ["", None])
def test_nothing_in_an_optional_argument_is_not_given(nothing: str | None) -> None:
    unset = dict.fromkeys(("limit", "offset", "filter", "where", "sort", "select", "summary", "output"), nothing)
    assert arguments.prepare(TOOLS["list_vms"], unset) == {}
    keep = {"vmId": VM, "backupId": BACKUP, "expiresAt": nothing, "lockedUntil": nothing, "confirm": "preview"}
    assert arguments.prepare(TOOLS["update_vm_backup"], {**keep, "name": "new"}) == {
        "vmId": VM,
        "backupId": BACKUP,
        "name": "new",
        "confirm": "preview",
    }


@pytest.mark.parametrize("nothing", ["", None])
def test_nothing_is_never_consent_nor_a_required_id(nothing: str | None) -> None:
    assert "confirm is missing" in refusal("delete_vm_backup", vmId=VM, backupId=BACKUP, confirm=None)
    assert (
        arguments.prepare(TOOLS["delete_vm_backup"], {"vmId": VM, "backupId": BACKUP, "confirm": ""})["confirm"] == ""
    )
    with pytest.raises(BackupError, match="vmId is"):
        arguments.prepare(TOOLS["get_vm"], {"vmId": nothing})


def test_an_empty_text_stays_where_it_is_a_value() -> None:
    inputs = {"vmId": VM, "backupId": BACKUP, "description": "", "confirm": "preview"}
    assert arguments.prepare(TOOLS["update_vm_backup"], inputs)["description"] == ""


@pytest.mark.parametrize("name", sorted(arguments.ADDED_BY_CLIENTS))
def test_what_clients_add_by_themselves_is_dropped_and_every_other_name_refused(name: str) -> None:
    assert arguments.prepare(TOOLS["list_vms"], {"limit": 3, name: "x"}) == {"limit": 3}
    with pytest.raises(BackupError, match="There is no argument"):
        arguments.prepare(TOOLS["list_vms"], {f"{name}s": "x"})


def test_json_in_strings_numbers_in_strings_and_nulls_are_repaired() -> None:
    result = arguments.prepare(
        TOOLS["restore_vm"],
        {
            "vmId": VM,
            "restoreType": "ALTERNATE",
            "backupId": BACKUP,
            "snapshotId": None,
            "targetVmInfo": json.dumps({"name": "copy", "powerOn": "true", "folderId": None}),
            "confirm": "preview",
        },
    )
    assert result["targetVmInfo"] == {"name": "copy", "powerOn": True}
    assert "snapshotId" not in result
    assert arguments.prepare(TOOLS["list_vms"], {"limit": "5", "offset": 3.0}) == {"limit": 5, "offset": 3}


def test_text_that_only_looks_like_json_stays_text_where_text_is_wanted() -> None:
    result = arguments.prepare(
        TOOLS["update_vm_backup"],
        {"vmId": VM, "backupId": BACKUP, "description": '{"a": 1}', "confirm": "preview"},
    )
    assert result["description"] == '{"a": 1}'


def test_path_query_body_and_media_type_are_as_described() -> None:
    tool = TOOLS["update_vm_backup"]
    result = arguments.prepare(tool, {"vmId": VM, "backupId": BACKUP, "description": "kept", "confirm": "preview"})
    sent = arguments.build_request(tool, result)
    assert (sent.method, sent.path) == ("PATCH", f"/backup-recovery/v1beta1/virtual-machines/{VM}/backups/{BACKUP}")
    assert sent.body == {"description": "kept"}
    assert sent.media_type == "application/merge-patch+json"
    tool = TOOLS["delete_protection_store"]
    sent = arguments.build_request(
        tool, arguments.prepare(tool, {"protectionStoreId": VM, "force": "true", "confirm": "preview"})
    )
    assert sent.query == (("force", "true"),)
    assert sent.body is None
    assert sent.media_type is None


def test_twenty_patches_are_sent_as_merge_patches() -> None:
    merging = [t for t in TOOLS.values() if t.operation and t.operation.media_type == "application/merge-patch+json"]
    assert len(merging) == 20


def test_a_required_body_is_sent_even_when_empty() -> None:
    tool = TOOLS["resume_protection_job"]
    assert arguments.build_request(tool, arguments.prepare(tool, {"protectionJobId": VM})).body == {}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("delete_vm_backup", f"/backup-recovery/v1beta1/virtual-machines/{VM}/backups/{BACKUP}"),
        ("restore_vm", f"/virtualization/v1beta1/virtual-machines/{VM}"),
        ("restore_datastore", f"/virtualization/v1beta1/datastores/{VM}"),
        ("suspend_protection_job", f"/backup-recovery/v1beta1/protection-jobs/{VM}"),
        (
            "detach_volume_protection_group_backup",
            f"/backup-recovery/v1beta1/volume-protection-groups/{VM}/backups/{BACKUP}",
        ),
        ("replace_protection_policy", f"/backup-recovery/v1beta1/protection-policies/{VM}"),
    ],
)
def test_the_target_of_a_call_is_read_from_the_api_that_knows_it(name: str, path: str) -> None:
    ids = {
        a.name: BACKUP if a.name in ("backupId", "snapshotId") else VM
        for a in TOOLS[name].arguments.values()
        if a.place == "path"
    }
    result = target_reads.target_read(TOOLS[name], arguments.build_request(TOOLS[name], ids), TOOLS)
    assert result is not None
    assert (result.method, result.path, result.reads) == ("GET", path, True)


def test_every_gated_tool_with_an_id_has_a_target_that_can_be_read() -> None:
    for tool in TOOLS.values():
        ids = {a.name: VM for a in tool.arguments.values() if a.place == "path"}
        if tool.gated and ids:
            assert target_reads.target_read(tool, arguments.build_request(tool, ids), TOOLS) is not None, tool.name


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(TOOLS)), st.data())
def test_no_argument_whatever_raises_anything_but_a_sentence(name: str, data: st.DataObject) -> None:
    tool: Tool = TOOLS[name]
    names = st.sampled_from(sorted(tool.arguments)) | st.text(max_size=10) if tool.arguments else st.text(max_size=10)
    given_arguments = data.draw(st.dictionaries(names, json_values, max_size=5))
    try:
        sent = arguments.build_request(tool, arguments.prepare(tool, given_arguments))
    except BackupError as error:
        answer = error
        assert answer.message  # either outcome is right, anything else escapes
        return
    assert "{" not in sent.path
    assert ".." not in sent.path.split("/")


@given(json_values)
def test_repair_is_idempotent(value: Any) -> None:
    schema = TOOLS["create_protection_policy"].input_schema
    once = repair.repair(schema, value)
    assert repair.repair(schema, once) == once


@pytest.mark.parametrize("text", ["2040-11-25t00:00:00z", "2040-11-25T00:00:00z", "2040-11-25t00:00:00.5+00:00"])
def test_a_time_that_is_accepted_is_one_that_previews_can_read(text: str) -> None:
    copy = {"vmId": VM, "backupId": BACKUP, "lockedUntil": text, "confirm": "preview"}
    assert arguments.prepare(TOOLS["update_vm_backup"], copy)["lockedUntil"] == text
    assert units.parse_time(text) == datetime.fromisoformat(text.upper())


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2040-11-25T00:00:00+24:00"]
)
def test_a_time_beyond_what_can_be_read_is_refused(text: str) -> None:
    answer = refusal("update_vm_backup", vmId=VM, backupId=BACKUP, lockedUntil=text, confirm="preview")
    assert "wanted: a time as RFC 3339" in answer
