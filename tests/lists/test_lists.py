"""List tools as a model uses them: over the simulated tenant, and over services that answer in their own ways."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.lists import list_tool
from greenlake_backup_mcp.lists.list_tool import Answer
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.simulator.switches import Switches
from greenlake_backup_mcp.tools import registry
from tests.support.paging_service import NOW, Item, Pages, no_progress, reached
from tests.support.results import text_of

GOLDEN = Path(__file__).parents[1] / "snapshots" / "lists"
TOOLS = {tool.name: tool for tool in registry.tools()}
LISTS = {name: tool for name, tool in TOOLS.items() if tool.lists}
ROW = re.compile(r"^([0-9a-f-]{36})(?=\||$)")
PARENTS = {
    "vmId": ("list_vms", "sap-prod-01"),
    "datastoreId": ("list_datastores", "ds-dc1-test-03"),
    "mssqlDatabaseId": ("list_mssql_databases", "billing-db-1"),
    "vmProtectionGroupId": ("list_vm_protection_groups", "vmpg-erp-01"),
    "volumeProtectionGroupId": ("list_volume_protection_groups", ""),
    "hypervisorManagerId": ("list_hypervisor_managers", "vcenter-dc1.example.com"),
}
Connect = Callable[..., AbstractAsyncContextManager[Client]]


def rows(text: str) -> list[str]:
    return [match.group(1) for line in text.splitlines() if (match := ROW.match(line))]


async def answered(app: Any, name: str, inputs: Settings | None = None, **arguments: Any) -> Answer:
    async with reached(app, inputs) as api:
        return await list_tool.answer(api, TOOLS[name], arguments, no_progress)


async def text(app: Any, name: str, inputs: Settings | None = None, **arguments: Any) -> str:
    return "\n".join((await answered(app, name, inputs, **arguments)).lines)


async def refused(app: Any, name: str, **arguments: Any) -> BackupError:
    with pytest.raises(BackupError) as caught:
        await answered(app, name, **arguments)
    return caught.value


def simulated(**switches: Any) -> Any:
    return create_app(now=lambda: NOW, switches=Switches(**{"ready_token": "t", **switches}))


def make_items(count: int, **more: Any) -> list[Item]:
    return [{"id": f"{n:036d}", "name": f"thing-{n}", **more} for n in range(count)]


async def parents(app: Any, name: str) -> dict[str, Any]:
    """Ids for the path of a list, of things that have something to list."""
    collected = {}
    for argument in TOOLS[name].arguments.values():
        if argument.place == "path":
            tool, wanted = PARENTS[argument.name]
            inputs: dict[str, Any] = {"where": f"name eq '{wanted}'"} if wanted else {}
            value = (await answered(app, tool, output="json", limit=1, select="name", **inputs)).value
            collected[argument.name] = value["items"][0]["id"]
    return collected


# --- every list ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LISTS)
async def test_each_list_answers_as_it_was_reviewed(name: str) -> None:
    """Run with UPDATE_SNAPSHOTS=1 where a change is meant, and read the difference."""
    app = simulated()
    lines = (await text(app, name, limit=8, **await parents(app, name))) + "\n"
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        GOLDEN.mkdir(parents=True, exist_ok=True)
        golden.write_text(lines, encoding="utf-8")
    assert lines == golden.read_text(encoding="utf-8"), "run with UPDATE_SNAPSHOTS=1 if this is meant"


def test_there_is_a_transcript_of_each_list_and_of_nothing_else() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(LISTS)


@pytest.mark.parametrize("name", LISTS)
async def test_following_the_next_call_shows_every_item_once(name: str) -> None:
    app = simulated()
    arguments: Mapping[str, Any] = {**await parents(app, name), "limit": 150}
    whole = await answered(app, name, **{**arguments, "output": "json", "limit": 0})
    seen: list[str] = []
    for _ in range(200):
        lines = await text(app, name, **arguments)
        seen += rows(lines)
        last = lines.splitlines()[-1]
        if "Next: " not in last:
            break
        called, _, inputs = last.partition("Next: ")[2].partition(" ")
        assert called == name
        arguments = json.loads(inputs)
    assert len(seen) == len(set(seen)) == whole.value["total"]


@pytest.mark.parametrize("name", LISTS)
async def test_no_list_answer_exceeds_its_budget(name: str) -> None:
    app = simulated()
    inputs = settings.load(token="t", budget=1000)
    ids = await parents(app, name)
    lines = await text(app, name, inputs, limit=20_000, **ids)
    assert len(lines.encode()) <= 1000 * 4
    value = (await answered(app, name, inputs, limit=20_000, output="json", **ids)).value
    assert len(json.dumps(value, ensure_ascii=False).encode()) <= 1000 * 4


@pytest.mark.parametrize("name", LISTS)
async def test_lists_are_answered_without_a_total_with_old_errors_and_hostile_names_too(name: str) -> None:
    app = simulated(totals=False, old_errors=True, hostile=True, no_match_is_404=True)
    lines = await text(app, name, limit=5, **await parents(app, name))
    assert "unknown number" not in lines
    assert not re.search("[\x00-\x09\x0b-\x1f\u200b-\u200f\u202a-\u202e]", lines)


# --- through the protocol --------------------------------------------------------------------------------------------


async def test_a_client_gets_counts_rows_and_the_next_call(connected: Connect) -> None:
    async with connected() as client:
        result = await client.call_tool("list_vms", {"limit": 5})
    lines = text_of(result).splitlines()
    assert lines[0] == "400 VMs."
    assert any(line.startswith("protectionStatus: PROTECTED ") for line in lines)
    assert any(line.startswith("With a problem: ") for line in lines)
    assert len(rows(text_of(result))) == 5
    assert 'Rows 1-5 of 400. Next: list_vms {"limit": 5, "offset": 5, "summary": "page"}' in text_of(result)
    assert result.structured_content is None


async def test_a_client_gets_json_when_it_asks_for_it(connected: Connect) -> None:
    async with connected() as client:
        result = await client.call_tool("list_protection_stores", {"output": "json", "limit": 2})
    value = result.structured_content
    assert value is not None
    assert (value["total"], value["count"], len(value["items"])) == (7, 2, 2)
    assert value["items"][0]["resourceUri"].startswith("/backup-recovery/")
    assert value["summary"]["counts"]["state"] == {"ONLINE": 5, "OFFLINE": 2}
    assert value["next"]["arguments"] == {"output": "json", "limit": 2, "offset": 2, "summary": "page"}


async def test_a_client_follows_the_progress_of_a_scan(connected: Connect) -> None:
    seen: list[tuple[float, float | None, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total, message))

    async with connected() as client:
        await client.call_tool("list_tasks", {"limit": 0}, progress_callback=note)
    assert [str(words).partition(" of ")[0] for *_, words in seen][:3] == ["1,000", "2,000", "3,000"]
    assert str(seen[0][2]).endswith(" tasks read")
    assert [done for done, *_ in seen] == sorted({done for done, *_ in seen})


async def test_a_wrong_filter_sends_nothing(connected: Connect, tenant: Any) -> None:
    async with connected() as client:
        result = await client.call_tool("list_protection_stores", {"filter": "state eq 'ONLINE'"})
    assert result.is_error
    assert "It filters by: protectionStoreType" in text_of(result)
    assert "where" in text_of(result)
    assert not [r for r in tenant.state.tenant.requests if "protection-stores" in r.path]


# --- filter, where, sort, select -------------------------------------------------------------------------------------


async def test_what_the_service_does_and_what_is_done_here_is_told() -> None:
    app = simulated()
    lines = await text(app, "list_vms", filter="powerState eq POWERED_ON", where="name contains sap", sort="name desc")
    assert lines.splitlines()[0].endswith("that match filter (done by the service).")
    assert re.search(r"^\d+ of these \d+ match where \(evaluated here\)\.$", lines, re.MULTILINE)
    assert "Sorted by the service." in lines
    assert "filter=powerState eq 'POWERED_ON'&sort=name desc" in unquote(app.state.tenant.requests[-1].query)


async def test_jobs_are_found_by_failure_though_the_service_cannot() -> None:
    app = simulated()
    roomy = settings.load(token="t", budget=30_000)
    lines = await text(app, "list_protection_jobs", roomy, where="problem ne null", limit=100)
    actual = (await answered(app, "list_protection_jobs", output="json", limit=0)).value["summary"]["withProblem"][
        "count"
    ]
    assert len(rows(lines)) == actual > 0
    assert lines.splitlines()[-1].startswith(f"Rows 1-{actual} of {actual}; no more. One in full: get_protection_job ")


async def test_columns_of_ours_filter_and_sort() -> None:
    app = simulated()
    lines = await text(app, "list_protection_stores", where="full ge 50 or health contains offline", sort="full desc")
    percent = [int(p) for p in re.findall(r"\|(\d+)%\|", lines)]
    assert percent == sorted(percent, reverse=True)
    assert "Sorted here." in lines
    assert min(percent) >= 50


async def test_select_chooses_the_columns_here_and_upstream() -> None:
    app = simulated()
    lines = await text(
        app, "list_vms", select="name,policy,computeInfo/memorySizeInMib,hostInfo.name", summary="page", limit=2
    )
    assert "Empty in all rows below: policy\nid|name|computeInfo/memorySizeInMib|hostInfo/name\n" in lines
    assert "|32.0 GiB|" in lines
    sent = unquote(app.state.tenant.requests[-1].query)
    assert "protectionJobInfo" in sent
    assert "virtualDisks" not in sent


async def test_json_has_only_what_was_selected() -> None:
    value = (await answered(simulated(), "list_vms", select="name,policy", output="json", limit=3)).value
    assert [set(item) for item in value["items"]] == [{"id", "name", "policy"}] * 3


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"where": "colour eq red"}, "VMs have no attribute 'colour'"),
        ({"where": "protectionstatus eq PROTECTED"}, "Did you mean protectionStatus"),
        ({"where": "hostname eq x"}, "Did you mean"),
        ({"sort": "colour"}, "sort: VMs have no attribute 'colour'"),
        ({"sort": "name upwards"}, "'name upwards' is not understood"),
        ({"select": "name,colour"}, "select: VMs have no attribute 'colour'"),
        ({"filter": "name contains x"}, "knows no `contains`"),
    ],
)
async def test_what_a_list_does_not_have_is_told_before_anything_is_sent(arguments: dict[str, str], why: str) -> None:
    app = simulated()
    problem = await refused(app, "list_vms", **arguments)
    assert why in problem.message
    assert problem.nothing_sent
    assert not app.state.tenant.requests


async def test_times_in_filters_are_quoted_and_sent_bare_where_the_service_wants_them_bare() -> None:
    for bare in (False, True):
        app = simulated(bare_timestamps=bare)
        ids = await parents(app, "list_vm_backups")
        lines = await text(app, "list_vm_backups", filter="pointInTime gt now-3d", **ids)
        assert " that match filter" in lines.splitlines()[0]
        assert len(rows(lines)) > 0


async def test_names_with_quotes_are_found() -> None:
    app = Pages(make_items(3))
    await answered(app, "list_vms", filter="name eq 'O''Brien'")
    assert app.queries[0]["filter"] == "name eq 'O''Brien'"


async def test_a_select_the_service_refuses_is_left_out() -> None:
    app = Pages(make_items(3), refuses=lambda q: "select must contain required properties" if "select" in q else None)
    assert (await text(app, "list_issues")).startswith("3 issues.")
    assert "select" not in app.queries[-1]


async def test_issues_are_selected_with_the_properties_they_require() -> None:
    app = Pages(make_items(3))
    await answered(app, "list_issues")
    needed = {"id", "type", "customerId", "generation", "resourceUri", "createdAt", "updatedAt"}
    assert needed <= set(app.queries[0]["select"].split(","))


async def test_a_sort_the_service_refuses_or_ignores_is_done_here() -> None:
    sized = [{"id": f"{n:036d}", "name": f"d{n}", "sizeInBytes": (n * 7) % 10} for n in range(10)]
    for refuses in (None, lambda q: "unknown sort property" if "sort" in q else None):
        app = Pages(list(sized), refuses=refuses)
        value = (await answered(app, "list_mssql_databases", sort="sizeInBytes desc", output="json", limit=4)).value
        assert [item["sizeInBytes"] for item in value["items"]] == [9, 8, 7, 6]
        assert "Sorted here." in value["about"]


async def test_the_first_refusal_is_the_one_told() -> None:
    app = Pages([], refuses=lambda q: "select is odd" if "select" in q else "everything is odd")
    problem = await refused(app, "list_vms")
    assert "select is odd" in problem.message
    assert problem.status == 400


async def test_404_to_a_filter_means_that_nothing_matches() -> None:
    app = simulated(no_match_is_404=True)
    lines = await text(app, "list_vms", filter="name eq 'no-such-vm'")
    assert lines.startswith("No VMs that match filter")
    assert lines.endswith("""parts of them, in any case: list_vms {"where": "name contains 'no-such-vm'"}""")


async def test_404_to_a_filter_on_what_is_not_there_is_an_error() -> None:
    app = simulated()
    problem = await refused(app, "list_vm_backups", vmId="00000000-0000-4000-8000-000000000000", filter="state eq 'OK'")
    assert problem.status == 404


async def test_404_without_a_filter_is_an_error_and_not_an_empty_collection() -> None:
    app = Pages(make_items(3), failing={0: 404})
    assert (await refused(app, "list_vms")).status == 404


# --- edges -----------------------------------------------------------------------------------------------------------


async def test_an_empty_collection_says_so() -> None:
    assert await text(Pages([]), "list_vms") == "No VMs."
    assert await text(Pages([]), "list_vms", offset=20) == "No VMs."
    assert (await answered(Pages([]), "list_vms", output="json")).value["items"] == []


async def test_limit_zero_is_the_summary_alone_and_says_how_to_see_rows() -> None:
    lines = (await text(Pages(make_items(30, state="OK")), "list_hypervisor_clusters", limit=0)).splitlines()
    assert lines[:2] == ["30 hypervisor clusters.", "All 30: state OK"]
    assert lines[-1] == 'Rows: list_hypervisor_clusters {"limit": 20}'
    assert not rows("\n".join(lines))


async def test_a_limit_larger_than_the_lists_maximum_is_read_in_pages() -> None:
    app = Pages(make_items(250))
    lines = await text(app, "list_issues", settings.load(token="t", budget=20_000), limit=250, summary="page")
    assert len(rows(lines)) == 250
    assert [q["limit"] for q in app.queries] == ["100", "100", "50"]


async def test_a_page_alone_reads_no_more_than_the_page() -> None:
    app = Pages(make_items(5000))
    lines = await text(app, "list_vms", summary="page", offset=100)
    assert lines.splitlines()[0] == "Page of 5,000 VMs."
    assert "Rows 101-120 of 5,000. Next:" in lines
    assert [(q["offset"], q["limit"]) for q in app.queries] == [("100", "20")]


async def test_a_page_of_an_unknown_total_goes_on_until_nothing_comes() -> None:
    app = Pages(make_items(50), total=lambda _: None)
    assert "Rows 1-20. Next:" in await text(app, "list_vms", summary="page")
    last = await text(app, "list_vms", summary="page", offset=40)
    assert "Rows 41-50 of 50; no more." in last


async def test_rows_behind_a_bounded_offset_are_reached() -> None:
    app = Pages(make_items(1500))
    lines = await text(app, "list_protection_jobs", summary="page", offset=1200, limit=3)
    assert rows(lines) == [f"{n:036d}" for n in (1200, 1201, 1202)]
    assert (app.queries[0]["offset"], app.queries[0]["limit"]) == ("1000", "203")


async def test_the_cap_is_named_and_rows_beyond_it_are_still_shown() -> None:
    app = Pages(make_items(5000))
    inputs = settings.load(token="t", scan_cap=2000)
    lines = await text(app, "list_vms", inputs, offset=3000, limit=2)
    assert lines.splitlines()[0] == "First 2,000 of 5,000 VMs: the summary is about these only."
    assert rows(lines) == [f"{n:036d}" for n in (3000, 3001)]
    assert "Rows 3,001-3,002 of 5,000. Next:" in lines


async def test_a_scan_that_breaks_off_tells_what_it_knows_and_why_not_more() -> None:
    app = Pages(make_items(5000), failing={3: 403})
    lines = await text(app, "list_vms", limit=1)
    assert lines.startswith("First 3,000 of 5,000 VMs: the summary is about these only.\nThe rest could not be read: ")
    assert "403" in lines or "refused" in lines


async def test_what_happened_while_reading_is_told() -> None:
    def remove(number: int, items: list[Item]) -> None:
        if number == 1:
            del items[:3]

    lines = await text(Pages(make_items(1500), before=remove, total=lambda _: 1500), "list_vms", limit=0)
    assert "While reading: 3 of the 1,500 the service counts did not come." in lines


async def test_where_stops_reading_when_a_page_is_full() -> None:
    app = Pages(make_items(9000, state="OK"))
    lines = await text(app, "list_vms", where="state eq OK", summary="page", limit=5)
    assert len(app.queries) <= 2
    assert len(rows(lines)) == 5
    assert '"offset": 5' in lines.splitlines()[-1]


async def test_rows_dropped_for_the_budget_are_counted_and_come_next() -> None:
    inputs = settings.load(token="t", budget=500)
    lines = (await text(Pages(make_items(400)), "list_vms", inputs, limit=100)).splitlines()
    rendered = len(rows("\n".join(lines)))
    assert 0 < rendered < 100
    assert lines[-2].endswith("rows left out: the answer's budget is full.")
    assert f'"offset": {rendered}' in lines[-1]


async def test_an_item_larger_than_the_budget_is_cut_inside_and_that_is_told() -> None:
    inputs = settings.load(token="t", budget=900)
    value = (await answered(Pages(make_items(3, description="x" * 9000)), "list_vms", inputs, output="json")).value
    (item,) = value["items"]
    assert item["id"] == f"{0:036d}"
    assert item["description"].startswith("xxxx")
    assert re.fullmatch(r"the first [\d,]+ of 9,000 characters", item["leftOut"]["description"])
    assert "parts of item 1" in value["leftOut"]
    assert len(json.dumps(value).encode()) <= 900 * 2.4
    assert value["next"] == {"tool": "list_vms", "arguments": {"output": "json", "offset": 1, "summary": "page"}}


async def test_an_item_with_a_long_list_is_shown_as_far_as_there_is_room() -> None:
    inputs = settings.load(token="t", budget=900)
    app = Pages(make_items(3, groups=[{"id": f"{n:036d}"} for n in range(200)]))
    value = (await answered(app, "list_vms", inputs, output="json")).value
    (item,) = value["items"]
    assert item["id"] == f"{0:036d}"
    assert "of 200" in item["leftOut"]["groups"]
    assert value["next"]["arguments"]["offset"] == 1


async def test_secrets_of_the_items_are_hidden_in_both_outputs() -> None:
    app = simulated()
    ways: list[dict[str, Any]] = [{}, {"output": "json"}, {"select": "adminUserCiphertext,supportUserCiphertext"}]
    for arguments in ways:
        answer = await answered(app, "list_data_orchestrators", **arguments)
        rendered = json.dumps(answer.value) + "\n".join(answer.lines)
        raw = next(iter(app.state.tenant.all("data-orchestrators")))["adminUserCiphertext"]
        assert raw not in rendered
        assert "[hidden]" in rendered or not arguments


async def test_path_values_cannot_leave_their_place_in_the_path() -> None:
    for evil in ("..", "a/../../b", "a?b=c", "a b#c"):
        app = Pages([])
        try:
            await answered(app, "list_vm_backups", vmId=evil)
        except BackupError:
            continue
        assert all(q.keys() <= {"limit", "offset", "select"} for q in app.queries)


async def test_a_tool_that_is_no_operation_lists_nothing() -> None:
    async with reached(Pages([])) as api:
        with pytest.raises(BackupError, match="lists nothing"):
            await list_tool.answer(api, replace(TOOLS["list_vms"], operation=None), {}, no_progress)


# --- what was not read, and where it ends -----------------------------------------------------------------------------


async def test_where_under_the_cap_says_that_the_rest_was_not_looked_at() -> None:
    inputs = settings.load(token="t", scan_cap=30)
    lines = await text(Pages(make_items(40)), "list_vms", inputs, where="name contains 'thing-3'")
    assert lines.splitlines()[0] == "First 30 of 40 VMs: the summary is about these only."
    assert lines.splitlines()[-1].startswith("Row 1; no more among those read. The rest was not looked at:")
    value = (
        await answered(Pages(make_items(40)), "list_vms", inputs, where="name contains 'thing-3'", output="json")
    ).value
    assert value["total"] is None
    nothing = await text(Pages(make_items(40)), "list_vms", inputs, where="name eq 'thing-35'")
    assert nothing.splitlines()[-1].startswith("The rest was not looked at:")


async def test_sorting_here_under_the_cap_says_so() -> None:
    inputs = settings.load(token="t", scan_cap=30)
    lines = await text(Pages(make_items(40, power="x")), "list_vms", inputs, sort="power", limit=3)
    assert "Sorted here, of the first 30 only: what was not read may belong before them." in lines
    assert "Rows 1-3. Next:" in lines


async def test_where_on_a_page_tells_how_many_there_are_when_all_was_read() -> None:
    lines = (
        await text(Pages(make_items(12)), "list_vms", where="name contains thing", summary="page", limit=20)
    ).split("\n")
    assert lines[:2] == ["12 VMs.", "12 of these 12 match where (evaluated here)."]
    assert lines[-1].startswith("Rows 1-12 of 12; no more.")
    lines = (await text(Pages(make_items(5000)), "list_vms", where="name contains thing", summary="page")).split("\n")
    assert lines[0] == "First 1,000 of 5,000 VMs read."


@pytest.mark.parametrize("summary", ["all", "page"])
@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("field", [{}, {"where": "name contains thing"}, {"sort": "power"}])
async def test_following_the_last_line_ends(field: dict[str, str], existing: bool, summary: str) -> None:
    """Whatever the totals say: here two are promised that never come, and a scan that stops before the end."""
    inputs = settings.load(token="t", scan_cap=30)
    seen, arguments, calls = [], {**field, "limit": 7, "summary": summary}, 0
    while True:
        calls += 1
        assert calls < 12, "a loop"
        app = Pages(make_items(38, power="x"), total=lambda _: 40 if existing else None)
        last = (await text(app, "list_vms", inputs, **arguments)).splitlines()
        seen += [row.split("|")[0] for row in rows("\n".join(last))]
        if "Next: list_vms " not in last[-1]:
            break
        arguments = json.loads(last[-1].partition("Next: list_vms ")[2])
    assert len(seen) == len(set(seen))
    assert len(seen) == (30 if field and summary == "all" else len(seen))
    assert len(seen) >= 30


async def test_a_total_that_is_not_told_costs_one_request() -> None:
    app = Pages(make_items(50), total=lambda _: None)
    lines = await text(app, "list_vms", limit=0, summary="page")
    assert len(app.queries) == 1
    assert lines.splitlines()[-1] == 'Rows: list_vms {"limit": 20, "summary": "page"}'


async def test_beyond_the_end_there_is_no_row_and_the_way_back() -> None:
    for total in (None, lambda _: None):
        for summary in ("all", "page"):
            lines = await text(Pages(make_items(40), total=total), "list_vms", offset=40, summary=summary)
            assert lines.splitlines()[-1] == "No rows at offset 40. The first: list_vms {}"


async def test_rows_left_out_are_those_asked_for_and_not_shown() -> None:
    inputs = settings.load(token="t", budget=900)
    lines = (
        await text(Pages(make_items(400)), "list_vms", inputs, limit=1000, select="name", summary="page")
    ).splitlines()
    rendered = len(rows("\n".join(lines)))
    assert lines[-2] == f"{400 - rendered} rows left out: the answer's budget is full."


async def test_in_a_small_budget_the_last_line_stays_and_says_what_helps() -> None:
    inputs = settings.load(token="t", budget=500)
    long = " or ".join(f"name contains 'part-{n}'" for n in range(110))
    lines = (await text(Pages(make_items(40)), "list_vms", inputs, where=f"name contains thing or {long}")).splitlines()
    assert 'the same call with {"' in lines[-1]
    assert sum(len(line.encode()) + 1 for line in lines) <= 500 * 1.5
