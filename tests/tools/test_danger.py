"""The judgement of danger.py: complete, without overlap, and closed against what it does not know."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from greenlake_backup_mcp.openapi import apis, document
from greenlake_backup_mcp.tools.danger import TABLE, Danger, danger, rule

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "backup-recovery.json"
JUDGED_BEFORE = Path(__file__).parents[3] / "shared" / "domain" / "operations.json"
OURS = next(api for api in apis.APIS if api.own)


def operations() -> tuple[document.Operation, ...]:
    return document.operations(document.load_document(OURS.file))


CHANGING = [o for o in operations() if o.method != "GET"]


@pytest.mark.parametrize("operation", CHANGING, ids=lambda o: o.id)
def test_each_operation_that_is_not_a_get_has_exactly_one_rule(operation):
    assert sum(operation.id in r.operations for r in TABLE) == 1
    assert rule(operation) is not None


def test_each_rule_names_operations_that_exist_with_its_method():
    known = {(o.method, o.id) for o in CHANGING}
    assert {(r.method, name) for r in TABLE for name in r.operations} == known


@pytest.mark.parametrize("operation", [o for o in operations() if o.method == "GET"], ids=lambda o: o.id)
def test_each_get_is_a_read(operation):
    assert danger(operation) is Danger.READ


def test_only_the_sizers_and_the_dry_run_are_reads_among_the_posts():
    assert {o.id for o in CHANGING if danger(o) is Danger.READ} == {
        "ProtectionStoreGatewaySize",
        "ProtectionStoreGatewayPSGSize",
        "VmpgRestorePreCheckList",
    }


@pytest.mark.parametrize("operation", [o for o in CHANGING if o.method in ("DELETE", "PUT")], ids=lambda o: o.id)
def test_each_delete_and_put_is_gated(operation):
    assert danger(operation).gated


def test_an_update_is_only_ungated_where_it_changes_a_display_name():
    assert {o.id for o in CHANGING if o.method == "PATCH" and not danger(o).gated} == {"ProtectionStoreEdit"}


@pytest.mark.parametrize("operation", CHANGING, ids=lambda o: o.id)
def test_an_operation_whose_body_moves_an_expiry_a_lock_or_overwrites_destroys(operation):
    names = set((operation.body or {}).get("properties", {}))
    if (operation.method == "PATCH" and names & {"expiresAt", "lockedUntil"}) or "/restore" in operation.path:
        assert danger(operation) is Danger.DESTROY or operation.path.endswith("/restore-pre-check")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "QUERY"])
def test_an_unknown_operation_that_is_not_a_get_destroys(method):
    unknown = dataclasses.replace(CHANGING[0], id="SomethingOfNextYear", method=method)
    assert danger(unknown) is Danger.DESTROY


@pytest.mark.parametrize("operation", CHANGING, ids=lambda o: o.id)
def test_a_rule_does_not_speak_for_the_same_id_under_another_method(operation):
    moved = dataclasses.replace(operation, method="PATCH" if operation.method == "DELETE" else "DELETE")
    assert danger(moved) is Danger.DESTROY


@pytest.mark.skipif(not REFERENCE.exists(), reason="the vendor's description is not part of the project")
def test_the_rules_cover_the_published_description():
    published = [o for o in document.operations(document.load_document(REFERENCE)) if o.method != "GET"]
    assert all(rule(o) for o in published)
    assert len(published) == sum(len(r.operations) for r in TABLE)


@pytest.mark.skipif(not JUDGED_BEFORE.exists(), reason="the first judgement is not part of the project")
def test_nothing_judged_dangerous_before_is_ungated_now():
    before = {
        row["operationId"]: row["danger"]
        for row in json.loads(JUDGED_BEFORE.read_text(encoding="utf-8"))
        if row["method"] != "GET"
    }
    now = {o.id: danger(o) for o in CHANGING}
    assert not {name for name, was in before.items() if was == "data-loss" and now[name] is not Danger.DESTROY}
    assert not {
        name for name, was in before.items() if was in ("availability", "secret-exposure") and not now[name].gated
    }
