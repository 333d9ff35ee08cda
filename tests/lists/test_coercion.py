"""Values of `filter` and `where`: what people write is taken as meant or refused, never quietly true of all or none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.lists import list_tool
from greenlake_backup_mcp.lists.filters.grammar import KEYWORDS
from greenlake_backup_mcp.tools.registry import tools
from tests.support.paging_service import Item, Pages, no_progress, reached

TOOLS = {tool.name: tool for tool in tools()}
GIB = 1024**3


async def ids_of(items: list[Item], tool: str = "list_vms", **arguments: Any) -> tuple[list[str], Pages]:
    """The ids that an answer has, and the service that was asked."""
    app = Pages(items)
    async with reached(app, settings.load(token="t")) as api:
        answer = await list_tool.answer(api, TOOLS[tool], {**arguments, "output": "json"}, no_progress)
    return [item["id"] for item in answer.value["items"]], app


async def refused(tool: str = "list_vms", **arguments: Any) -> BackupError:
    app = Pages([{"id": "a"}])
    with pytest.raises(BackupError) as caught:
        async with reached(app, settings.load(token="t")) as api:
            await list_tool.answer(api, TOOLS[tool], arguments, no_progress)
    assert app.queries == [], "nothing was sent"
    return caught.value


def named(**values: Any) -> list[Item]:
    """Items of one attribute: `createdAt=["…", "…"]` are a and b."""
    ((name, held),) = values.items()
    return [{"id": ident, name: value} for ident, value in zip("abcdefgh", held, strict=False)]


# NOW is 2026-11-24 08:00 UTC
TIMES = ["2026-11-22T10:00:00Z", "2026-11-23T23:59:59Z", "2026-11-24T00:00:00Z", "2026-11-24T07:30:00Z", None]


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("createdAt lt yesterday", "a"),
        ("createdAt ge today", "cd"),
        ("createdAt eq 2026-11-23", "b"),
        ("createdAt eq yesterday", "b"),
        ("createdAt ne yesterday", "acde"),
        ("createdAt in (2026-11-22, 2026-11-24)", "acd"),
        ("createdAt eq '2026-11-24T00:00:00Z'", "c"),
        ("createdAt gt now - 1h", "d"),
        ("createdAt gt now-1hour", "d"),
        ("createdAt gt now - 1 day", "bcd"),
        ("createdAt lt now+1w", "abcd"),
        ("createdAt eq none", "e"),
        ("createdAt ne null", "abcd"),
        ("not createdAt eq today", "abe"),
    ],
)
async def test_times_are_taken_as_people_write_them(where: str, ids: str) -> None:
    assert (await ids_of(named(createdAt=TIMES), where=where))[0] == list(ids)


@pytest.mark.parametrize(
    "value", ["soon", "2026/01/31", "20261125", "2026-13-45", "now+1month", "now - 1", "5", "true", "'last week'"]
)
@pytest.mark.parametrize("argument", ["where", "filter"])
async def test_what_is_no_time_is_refused_before_anything_is_sent(argument: str, value: str) -> None:
    problem = await refused("list_vm_backups", vmId="v", **{argument: f"pointInTime gt {value}"})
    assert "pointInTime is a time, and" in problem.message
    assert "now-24h" in problem.hint


async def test_the_service_gets_times_in_the_one_form_it_documents() -> None:
    for value, sent in {
        "2026-11-20": "'2026-11-20T23:59:59.999999Z'",  # after a day is behind its end
        "'2026-11-20 10:00'": "'2026-11-20T10:00:00Z'",
        "'2026-11-20T12:00:00+02:00'": "'2026-11-20T10:00:00Z'",
        "now - 3d": "'2026-11-21T08:00:00Z'",
    }.items():
        _, app = await ids_of([], "list_vm_backups", vmId="v", filter=f"pointInTime gt {value}")
        assert app.queries[0]["filter"] == f"pointInTime gt {sent}"
    problem = await refused("list_vm_backups", vmId="v", filter="pointInTime eq 2026-11-20")
    assert 'where "pointInTime eq 2026-11-20"' in problem.hint


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("capacityInBytes gt 6e11", "c"),
        ("capacity gt 100GB", "bc"),
        ("capacity ge 100 GiB", "bc"),
        ("capacityInBytes ge '100 GiB'", "bc"),
        ("capacity lt 1,5 TiB", None),
        ("capacity lt 1.5 TiB", "ab"),
        ("capacityInBytes gt 1_000_000_000_000", "c"),
        ("capacity lt 2tb", "ab"),
        ("capacity gt much", None),
        ("capacity gt 50%", None),
        ("capacity gt 3 parsecs", None),
    ],
)
async def test_sizes_have_units_or_are_refused(where: str, ids: str | None) -> None:
    if ids is None:
        assert (await refused(where=where)).nothing_sent
    else:
        items = named(capacityInBytes=[5 * GIB, 100 * GIB, 2048 * GIB, None])
        assert (await ids_of(items, where=where))[0] == list(ids)


async def test_a_size_that_the_service_gives_in_mebibytes_is_compared_in_bytes() -> None:
    items = [{"id": str(n), "backupSetsInfo": [{"backups": [{"sizeInMib": n * 1024}]}]} for n in (1, 50, 90)]
    assert (await ids_of(items, "list_vm_backups", vmId="v", where="size gt 50GB"))[0] == ["50", "90"]
    where = "backupSetsInfo/backups/sizeInMib gt 60GiB"
    assert (await ids_of(items, "list_vm_backups", vmId="v", where=where))[0] == ["90"]


async def test_percents_may_have_their_sign() -> None:
    items = [{"id": str(n), "sizeOnDiskInBytes": n, "maxCapacityInBytes": 100} for n in (40, 50, 95)]
    for written in ("50%", "50", "'50 %'"):
        assert (await ids_of(items, "list_protection_stores", where=f"full ge {written}"))[0] == ["50", "95"]


async def test_yes_no_and_none_are_understood_where_the_answers_say_them() -> None:
    items = named(recoveryPointsExist=[True, False, None])
    for name in ("recoveryPoints", "recoveryPointsExist"):
        for value, ids in {"yes": "a", "no": "b", "true": "a", "'No'": "b", "none": "c", "null": "c"}.items():
            assert (await ids_of(items, where=f"{name} eq {value}"))[0] == list(ids), (name, value)
    _, app = await ids_of([], filter="recoveryPointsExist eq no")
    assert app.queries[0]["filter"] == "recoveryPointsExist eq false"
    assert "recoveryPointsExist is yes or no" in (await refused(filter="recoveryPointsExist eq maybe")).message
    gold = {"protectionJobInfo": {"protectionPolicyInfo": {"name": "gold"}}}
    policies: list[dict[str, Any]] = [{"id": "a", **gold}, {"id": "b"}]
    assert (await ids_of(policies, where="policy eq none"))[0] == ["b"]
    assert (await ids_of(policies, where="policy ne none"))[0] == ["a"]
    called_so = [{"id": "a", "name": "None"}, {"id": "b", "name": "x"}]
    assert (await ids_of(called_so, where="name eq none"))[0] == ["a"]


async def test_text_keeps_its_spelling() -> None:
    items = named(name=["sap-01", "sap-1", "007", "1.10", "null"])
    assert (await ids_of(items, where="name contains 01"))[0] == ["a"]
    assert (await ids_of(items, where="name eq 007"))[0] == ["c"]
    assert (await ids_of(items, where="name eq 1.10"))[0] == ["d"]
    assert (await ids_of(items, where="name contains null"))[0] == ["e"]
    for value in ("007", "1.10", "true"):
        _, app = await ids_of([], filter=f"name eq {value}")
        assert app.queries[0]["filter"] == f"name eq '{value}'"


async def test_like_takes_its_wildcards_or_is_refused() -> None:
    items = named(name=["web-sap-1", "sap-2", "db"])
    for value, ids in {"%sap%": "ab", "*sap*": "ab", "sap": "ab", "sap%": "b", "SAP*": "b"}.items():
        assert (await ids_of(items, where=f"name like '{value}'"))[0] == list(ids), value
    for value in ("%sap", "s%p", "*s*p*"):
        assert "like takes a part" in (await refused(where=f"name like '{value}'")).message


async def test_a_name_is_found_by_either_of_the_two_that_a_thing_may_have() -> None:
    items = [{"id": "a", "name": "vm-0", "displayName": "SAP Prod"}, {"id": "b", "name": "SAP Test"}]
    assert (await ids_of(items, where="name eq 'SAP Prod'"))[0] == ["a"]
    assert (await ids_of(items, where="name eq vm-0"))[0] == ["a"]
    assert (await ids_of(items, where="name contains sap"))[0] == ["a", "b"]
    assert (await ids_of(items, where="not name contains sap"))[0] == []


async def test_errors_say_how_it_is_written() -> None:
    assert (await refused(where="state in OK")).hint == "Write state in ('OK'), or state eq 'OK'."
    assert "a quote in it doubled" in (await refused(where="name eq 'O'Brien'")).hint
    for written in ("name:desc", "name desc", "-name"):
        items = [{"id": "a", "name": "a"}, {"id": "b", "name": "b"}]
        assert (await ids_of(items, sort=written))[1].queries[0]["sort"] == "name desc"


@examples(max_examples=150, deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(lambda t: t.lower() not in KEYWORDS),
    name=st.sampled_from(["createdAt", "capacity", "recoveryPoints", "name", "capacityInBytes", "power"]),
    operator=st.sampled_from(["eq", "ne", "gt", "le", "contains", "like", "startswith"]),
)
def test_no_value_is_a_fault(text: str, name: str, operator: str) -> None:
    import anyio  # noqa: PLC0415

    async def run() -> None:
        quoted = "'" + text.replace("'", "''") + "'"
        async with reached(Pages(named(createdAt=TIMES)), settings.load(token="t")) as api:
            try:
                await list_tool.answer(api, TOOLS["list_vms"], {"where": f"{name} {operator} {quoted}"}, no_progress)
            except BackupError as problem:
                assert problem.nothing_sent  # noqa: PT017

    anyio.run(run)


async def test_comparisons_with_a_day_agree_with_each_other() -> None:
    stamps = ("2026-11-19T23:59:59Z", "2026-11-20T00:00:00Z", "2026-11-20T12:00:00Z", "2026-11-21T00:00:00Z")
    items = [{"id": f"i{n}", "pointInTime": stamp} for n, stamp in enumerate(stamps)] + [{"id": "i9"}]
    collected = {}
    for operator in ("lt", "le", "eq", "ge", "gt"):
        ids, _ = await ids_of(items, "list_vm_backups", vmId="v", where=f"pointInTime {operator} 2026-11-20")
        collected[operator] = set(ids)
    assert collected["le"] == collected["lt"] | collected["eq"]
    assert collected["ge"] == collected["gt"] | collected["eq"]
    assert collected["eq"] == {"i1", "i2"}


async def test_a_comparison_says_how_many_items_have_no_value() -> None:
    async with reached(Pages([{"id": "a", "pointInTime": "2026-11-19T00:00:00Z"}, {"id": "b"}])) as api:
        arguments = {"vmId": "v", "where": "pointInTime lt now"}
        answer = await list_tool.answer(api, TOOLS["list_vm_backups"], arguments, no_progress)
    assert "Not compared: 1 have no pointInTime." in answer.lines
