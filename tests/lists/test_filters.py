"""The grammar of filter and where, what each list of the service can do of it, and the errors that teach both."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.lists import capabilities
from greenlake_backup_mcp.lists.filters import grammar, matching
from greenlake_backup_mcp.lists.filters.grammar import Comparison, Expression, Junction
from greenlake_backup_mcp.lists.views import columns, extractors
from greenlake_backup_mcp.openapi import document
from greenlake_backup_mcp.tools.registry import Tool

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def parsed(text: str) -> Expression:
    return grammar.parse(text, now=NOW)


def getter(name: str) -> Callable[[Any], Sequence[Any]]:
    return lambda item: extractors.values_at(item, name)


def fits(text: str, item: dict[str, Any]) -> bool:
    return matching.compile_expression(parsed(text), getter)(item)


@pytest.mark.parametrize(
    ("text", "attribute", "op", "value"),
    [
        ("name eq 'db-01'", "name", "eq", "db-01"),
        ("name eq 'O''Brien'", "name", "eq", "O'Brien"),
        ('name eq "say \\"hi\\""', "name", "eq", 'say "hi"'),
        ("name == 'a'", "name", "eq", "a"),
        ("name != 'a'", "name", "ne", "a"),
        ("size>=5", "size", "ge", 5),
        ("size lt 1.5", "size", "lt", 1.5),
        ("verified eq true", "verified", "eq", True),
        ("expiresAt eq null", "expiresAt", "eq", None),
        ("osInfo/name eq Windows Server 2012", "osInfo/name", "eq", "Windows Server 2012"),
        ("osInfo.name eq x", "osInfo/name", "eq", "x"),
        ("state eq'PSG_STATE_OK'", "state", "eq", "PSG_STATE_OK"),
        ('"name eq my-pg1"', "name", "eq", "my-pg1"),
        ("'backup-and-recovery' in capabilities", "capabilities", "holds", "backup-and-recovery"),
        ("CLOUD in capabilities", "capabilities", "holds", "CLOUD"),
        ("contains(name, 'sap')", "name", "contains", "sap"),
        ("startswith(key, 'Houston')", "key", "startswith", "Houston"),
        ("name like sap", "name", "contains", "sap"),
        ("at gt 2026-01-31T00:00:00Z", "at", "gt", "2026-01-31T00:00:00Z"),
        ("at gt now", "at", "gt", "2026-11-24T08:00:00Z"),
        ("at gt now-24h", "at", "gt", "2026-11-23T08:00:00Z"),
        ("at lt now+2w", "at", "lt", "2026-12-08T08:00:00Z"),
    ],
)
def test_people_write_a_comparison_in_many_ways(text: str, attribute: str, op: str, value: Any) -> None:
    assert parsed(text) == Comparison(attribute, op, (value,))


def test_and_binds_tighter_than_or_and_not_tightest() -> None:
    a, b, c = (Comparison(name, "eq", (1,)) for name in "abc")
    assert parsed("a eq 1 or b eq 1 and not c eq 1") == Junction("or", (a, Junction("and", (b, Junction("not", (c,))))))
    assert parsed("(a eq 1 OR b eq 1) AND c eq 1") == Junction("and", (Junction("or", (a, b)), c))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("name", "expected an operator"),
        ("name eq", "expected a value, not 'the end'"),
        ("name is 'x'", "expected an operator .* not 'is'"),
        ("name ~ 'x'", "expected an operator"),
        ("name eq 'x", "a quote that is not closed"),
        ("name eq O'Brien", "a quote that is not closed"),
        ("name eq 'a' 'b'", "before \"'b'\""),
        ("name eq 'a' and", "expected an attribute, not 'the end'"),
        ("(name eq 'a'", r"expected '\)'"),
        ("name eq 'a')", r"before '\)'"),
        ("name not in ('a')", "`not in` is written"),
        ("name in 'a'", "after `in`"),
        ("and eq 5", "expected an attribute"),
        ("name ! 'a'", "unexpected character"),
        ("'a' eq name", "expected `in` and an attribute"),
        ("(" * 60 + "a eq 1" + ")" * 60, "nested deeper"),
        ("not " * 60 + "a eq 1", "nested deeper"),
        ("name eq '" + "x" * 5000 + "'", "longer than"),
    ],
)
def test_what_is_not_understood_is_told_with_the_grammar(text: str, why: str) -> None:
    with pytest.raises(BackupError, match=why) as caught:
        parsed(text)
    assert caught.value.nothing_sent
    assert caught.value.hint


@examples(max_examples=400)
@given(st.text(max_size=60) | st.text("ab ()'\",=<>!eqinotr/5", max_size=60))
def test_any_text_is_an_expression_or_a_clear_error(text: str) -> None:
    try:
        expression = parsed(text)
    except BackupError as problem:
        if not problem.message.startswith("filter: "):
            raise
        return
    matching.compile_expression(expression, getter)({"a": 1})
    matching.to_query(expression, {})


# --- towards the service -------------------------------------------------------------------------------------------


def test_literals_are_quoted_as_the_attribute_wants() -> None:
    kinds: dict[str, matching.Kind] = {"serial": "text", "size": "number", "verified": "flag", "at": "time"}

    def sent(text: str) -> str:
        return matching.to_query(parsed(text), kinds)

    assert sent("serial eq 15") == "serial eq '15'"
    assert sent("size gt '5'") == "size gt 5"
    assert sent("serial eq 'O''Brien'") == "serial eq 'O''Brien'"
    assert sent("verified eq 'True'") == "verified eq true"
    assert sent("serial eq true") == "serial eq 'true'"
    assert sent("serial eq null and size eq 2.5") == "serial eq null and size eq 2.5"
    assert sent("at gt 2026-01-31T00:00:00Z") == "at gt '2026-01-31T00:00:00Z'"
    assert sent("'x' in services") == "'x' in services"
    assert sent("uri in ('a', 'b')") == "uri in ('a','b')"


VALUES = st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=20)
NAMES = st.sampled_from(["name", "state", "a/b", "protectionStoreInfo/id"])
COMPARED = st.builds(
    lambda name, op, value: Comparison(name, op, (value,)), NAMES, st.sampled_from(["eq", "gt", "lt"]), VALUES
)


@examples(max_examples=300)
@given(st.lists(COMPARED, min_size=1, max_size=4))
def test_what_is_sent_means_what_was_asked(parts: list[Comparison]) -> None:
    expression: Expression = parts[0] if len(parts) == 1 else Junction("and", tuple(parts))
    again = parsed(matching.to_query(expression, {}))
    assert again == expression


# --- here ----------------------------------------------------------------------------------------------------------

ITEM = {
    "name": "sap-PROD-01",
    "size": 5,
    "text": "12",
    "verified": False,
    "at": "2026-11-20T08:00:00.000000Z",
    "none": None,
    "tags": ["gold", "erp"],
    "disks": [{"size": 1}, {"size": 9}, {"size": None}],
}


@pytest.mark.parametrize(
    "text",
    [
        "name eq SAP-prod-01",
        "name contains prod and name startswith 'sap'",
        "name in ('x', 'sap-prod-01')",
        "not name eq x",
        "name ne x",
        "size ge 5 and size le 5 and size gt 4.5",
        "size eq '5'",
        "text gt 2",
        "verified eq false",
        "verified ne true",
        "at lt now-3d and at gt now-5d",
        "at eq 2026-11-20T09:00:00+01:00",
        "none eq null and missing eq null",
        "missing ne 5",
        "name ne null",
        "'gold' in tags",
        "tags eq erp",
        "tags ne silver",
        "disks/size eq 9",
        "disks/size gt 8 or size gt 100",
        "disks/size in (9, 10)",
        "none in (null, 5)",
    ],
)
def test_what_fits_an_item(text: str) -> None:
    assert fits(text, ITEM)
    assert not fits(f"not ({text})", ITEM)


@pytest.mark.parametrize(
    "text",
    ["missing gt 5", "none lt now", "name gt 5", "verified eq 0", "tags ne gold", "missing contains a", "name eq null"],
)
def test_what_does_not_fit_an_item(text: str) -> None:
    assert not fits(text, ITEM)


@examples(max_examples=200)
@given(
    st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"]),
    st.integers(-50, 50) | st.floats(-50, 50).map(lambda f: round(f, 3)),
    st.integers(-50, 50),
)
def test_numbers_compare_as_numbers(op: str, have: float, want: int) -> None:
    assert fits(f"n {op} {want}", {"n": have}) is getattr(operator, op)(have, want)


# --- what the service can do ---------------------------------------------------------------------------------------


def lists(all_tools: tuple[Tool, ...]) -> list[Tool]:
    return [tool for tool in all_tools if tool.lists]


def test_every_list_has_its_facts_and_they_are_those_of_the_description(all_tools: tuple[Tool, ...]) -> None:
    for tool in lists(all_tools):
        assert tool.operation is not None
        row = capabilities._table()[tool.operation.id]
        parameters = {p.name: p.schema for p in tool.operation.parameters if p.place == "query"}
        able = capabilities.capabilities_of(tool.operation)
        assert bool(able.operators) == ("filter" in parameters), tool.name
        assert able.sort == ("sort" in parameters), tool.name
        assert able.select == ("select" in parameters), tool.name
        assert able.paged == ("limit" in parameters), tool.name
        if able.paged:
            assert row["limit"] == [parameters["limit"]["default"], parameters["limit"]["maximum"]], tool.name
            assert able.offset == parameters["offset"].get("maximum"), tool.name
    assert set(capabilities._table()) == {t.operation.id for t in lists(all_tools) if t.operation}


def test_every_attribute_of_the_facts_is_one_of_the_items(all_tools: tuple[Tool, ...]) -> None:
    told_by_documents_alone = {  # the vendor filters approvals and settings by names their items do not have
        "DualAuthOperationsList": {"operationDescription", "resourceName", "resourceType"},
        "SettingsList": {"settingDescription"},
    }
    for tool in lists(all_tools):
        assert tool.operation is not None
        able = capabilities.capabilities_of(tool.operation)
        existing = set(capabilities.kinds(document.item_schema(tool.operation)))
        existing |= told_by_documents_alone.get(tool.operation.id, set())
        assert {*(able.attributes or ()), *(able.sorts or ()), *able.keep} <= existing, tool.name


def test_a_filter_the_service_cannot_do_names_what_it_can_and_where(all_tools: tuple[Tool, ...]) -> None:
    def refused(name: str, text: str) -> BackupError:
        operation = next(t.operation for t in all_tools if t.name == name)
        assert operation is not None
        with pytest.raises(BackupError) as caught:
            capabilities.check_filter(parsed(text), capabilities.capabilities_of(operation), "things")
        assert "where" in caught.value.hint
        return caught.value

    assert "Did you mean state" in refused("list_vm_backups", "sate eq 'OK'").message
    assert "or protectionStoreInfo/name?" in refused("list_vm_backups", "storeInfo/name eq x").message
    assert "It filters by: " in refused("list_protection_stores", "state eq ONLINE").hint
    assert "knows no `or`" in refused("list_vm_backups", "state eq OK or state eq ERROR").message
    assert "knows no `not`" in refused("list_vm_backups", "not state eq OK").message
    assert "knows no `ne`" in refused("list_vm_backups", "state ne OK").message
    assert "knows no `contains`" in refused("list_vm_backups", "name contains sap").message
    assert "cannot filter the list" in refused("list_storeonces", "name eq x").message
    assert "stand alone" in refused("list_hypervisor_manager_folders", "name eq a and folderType eq VM").message


def test_filters_the_service_can_do_pass(all_tools: tuple[Tool, ...]) -> None:
    for name, text in [
        ("list_vms", "name ne x and protectionStatus eq PROTECTED"),
        ("list_tasks", "'backup-and-recovery' in services and sourceResourceUri in ('/a','/b')"),
        ("list_issues", "createdAt gt now-1d and severity eq CRITICAL"),
        ("list_storage_locations", "'backup-and-recovery' in capabilities"),
    ]:
        operation = next(t.operation for t in all_tools if t.name == name)
        assert operation is not None
        capabilities.check_filter(parsed(text), capabilities.capabilities_of(operation), "things")


def test_a_list_no_table_knows_is_taken_at_its_parameters_word(all_tools: tuple[Tool, ...]) -> None:
    operation = next(t.operation for t in all_tools if t.name == "list_protection_jobs")
    assert operation is not None
    able = capabilities.capabilities_of(replace(operation, id="SomethingNew"))
    assert (able.limit, able.offset, able.attributes, able.sort, able.select) == (20_000, 1000, None, True, True)
    capabilities.check_filter(parsed("whatever eq 1"), able, "things")
    bare = capabilities.capabilities_of(replace(operation, id="SomethingElse", parameters=()))
    assert (bare.paged, bare.operators, bare.select) == (False, frozenset(), False)
    assert columns.view_for(replace(operation, id="Other", path="/x/new-things"), {"id": "text"}).noun == "new thing"


def test_what_stands_in_an_expression_and_in_an_item_is_read_once_however_many_comparisons_there_are() -> None:
    asked: list[str] = []

    def counting(name: str) -> Callable[[Any], Sequence[Any]]:
        asked.append(name)

        def read(item: dict[str, Any]) -> Sequence[Any]:
            asked.append("item")
            return [item[name]]

        return read

    text = " or ".join(["createdAt lt 2020-01-01"] * 137)
    matches = matching.compile_expression(parsed(text), counting)
    items = [{"createdAt": f"2026-11-{day:02d}T00:00:00Z"} for day in range(1, 29)]
    assert not any(map(matches, items))
    assert asked == ["createdAt", *["item"] * 28]
    assert matches({"createdAt": "2019-01-01T00:00:00Z"})


@pytest.mark.parametrize(
    "text",
    [
        "name eq ‘sap-prod-01’",
        "name eq ’sap-prod-01’",
        "name eq ‚sap-prod-01‘",
        "name eq “sap-prod-01”",
        "name eq „sap-prod-01“",
        "name eq «sap-prod-01»",
        "name eq ＇sap-prod-01＇",
        "“name eq 'sap-prod-01'”",
        "name in (‘x’, “sap-prod-01”)",
    ],
)
def test_typographic_quotes_are_quotes(text: str) -> None:
    assert fits(text, {"name": "sap-prod-01"})
    assert not fits(text, {"name": "sap-prod-02"})
    assert matching.to_query(parsed("name eq ‘a’"), {}) == "name eq 'a'"


@pytest.mark.parametrize("text", ["name eq ‘sap", "name eq sap’", "name eq “sap", "name eq 'sap’", "name eq `sap`"])
def test_a_typographic_quote_without_its_other_half_is_refused(text: str) -> None:
    with pytest.raises(BackupError, match="a quote that is not closed"):
        parsed(text)


def test_an_apostrophe_within_a_name_is_one_of_its_letters() -> None:
    assert fits("name eq 'O’Brien'", {"name": "O’Brien"})
    assert fits("name eq O’Brien", {"name": "O’Brien"})


def test_signs_of_mathematics_and_long_dashes_are_what_they_look_like() -> None:
    assert fits("n ≥ 5 and n ≤ 5 and n ≠ 6", {"n": 5})
    assert parsed("t gt now−24h") == parsed("t gt now-24h") == parsed("t gt now–24h")
