"""The judgement of danger.py: complete, without overlap, and closed against what it does not know."""

from __future__ import annotations

import dataclasses

import pytest

from greenlake_backup_mcp.openapi import document
from greenlake_backup_mcp.tools.danger import TABLE, Danger, danger, rule
from tests.support import facts

OURS = next(api for api in document.APIS if api.own)


def operations() -> tuple[document.Operation, ...]:
    return document.operations(document.load_document(OURS.file))


CHANGING = [o for o in operations() if o.method != "GET"]


def test_each_operation_that_is_not_a_get_has_exactly_one_rule() -> None:
    assert {o.id: sum(o.id in r.operations.split() for r in TABLE) for o in CHANGING} == dict.fromkeys(
        (o.id for o in CHANGING), 1
    )
    assert [o.id for o in CHANGING if rule(o) is None] == []


def test_each_rule_names_operations_that_exist_with_its_method() -> None:
    existing = {(o.method, o.id) for o in CHANGING}
    assert {(r.method, name) for r in TABLE for name in r.operations.split()} == existing


def test_each_get_is_a_read() -> None:
    assert {danger(o) for o in operations() if o.method == "GET"} == {Danger.READ}


def test_only_the_sizers_and_the_dry_run_are_reads_among_the_posts() -> None:
    assert {o.id for o in CHANGING if danger(o) is Danger.READ} == {
        "ProtectionStoreGatewaySize",
        "ProtectionStoreGatewayPSGSize",
        "VmpgRestorePreCheckList",
    }


def test_each_delete_and_put_is_gated() -> None:
    assert [o.id for o in CHANGING if o.method in ("DELETE", "PUT") and not danger(o).gated] == []


def test_an_update_is_only_ungated_where_it_changes_a_display_name() -> None:
    assert {o.id for o in CHANGING if o.method == "PATCH" and not danger(o).gated} == {"ProtectionStoreEdit"}


def test_an_operation_whose_body_moves_an_expiry_a_lock_or_overwrites_destroys() -> None:
    moving = [
        o
        for o in CHANGING
        if (o.method == "PATCH" and {"expiresAt", "lockedUntil"} & set((o.body or {}).get("properties", {})))
        or ("/restore" in o.path and not o.path.endswith("/restore-pre-check"))
    ]
    assert len(moving) == 17
    assert {o.id: danger(o) for o in moving} == dict.fromkeys((o.id for o in moving), Danger.DESTROY)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "QUERY"])
def test_an_unknown_operation_that_is_not_a_get_destroys(method: str) -> None:
    unknown = dataclasses.replace(CHANGING[0], id="SomethingOfNextYear", method=method)
    assert danger(unknown) is Danger.DESTROY


def test_a_rule_does_not_speak_for_the_same_id_under_another_method() -> None:
    moved = [dataclasses.replace(o, method="PATCH" if o.method == "DELETE" else "DELETE") for o in CHANGING]
    assert {danger(o) for o in moved} == {Danger.DESTROY}


def test_the_rules_cover_the_published_operations() -> None:
    published = {(f["method"], f["id"]) for f in facts.operations() if f["method"] != "GET"}
    assert published == {(r.method, name) for r in TABLE for name in r.operations.split()}


def test_nothing_judged_dangerous_before_is_ungated_now() -> None:
    before = {f["id"]: f["danger"] for f in facts.operations() if f["method"] != "GET"}
    assert None not in before.values()
    now = {o.id: danger(o) for o in CHANGING}
    assert not {name for name, was in before.items() if was == "data-loss" and now[name] is not Danger.DESTROY}
    assert not {
        name for name, was in before.items() if was in ("availability", "secret-exposure") and not now[name].gated
    }
