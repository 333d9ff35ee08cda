"""The survey reads, tells which readings hold and which toolsets work, and lets nothing of the tenant out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.cli import parser, survey, survey_reads, survey_report
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.simulator.switches import Switches
from greenlake_backup_mcp.upstream import readings
from tests.conftest import ticking

Change = Callable[[str, Any], Any]
VISIBLE: dict[str, tuple[Any, str]] = {  # switch -> its other value, and what the survey calls it
    "totals": (False, "no"),
    "no_match_is_404": (True, "yes"),
    "bare_timestamps": (True, "yes"),
    "case_sensitive": (False, "no"),
    "escaped_quotes": ("backslash", "backslash"),
    "in_lists": ("square", "square"),
    "task_word": ("status", "status"),
    "progress_word": ("progressPercentage", "progressPercentage"),
    "log_time_word": ("timestamp", "timestamp"),
    "dual_words": ("upper", "upper"),
    "one_token": (True, "yes"),
    "token_expires_in": (False, "no"),
    "run_order": ("oldest", "oldest"),
    "asset_types": ("hybrid-cloud", "hybrid-cloud"),
    "old_errors": (True, "yes"),
}


OTHERS = ("select", "client_secret", "rate_headers", "task_retention")  # which reads see, and no switch changes


class Altered:
    """A tenant whose answers to reads are changed, and which has no answer to anything else but for a token.

    It breaks down (500) where the query holds `breaking`; `headers` come with each answer.
    """

    def __init__(
        self,
        app: Any,
        change: Change = lambda _path, body: body,
        breaking: bytes = b"",
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        self.app = app
        self.change = change
        self.breaking = breaking
        self.headers = headers
        self.sent: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        self.sent.append(f"{scope['method']} {path}")
        assert scope["method"] == "GET" or path.endswith("/token"), self.sent[-1]
        start: dict[str, Any] = {}
        content = b""

        async def hold(message: Any) -> None:
            nonlocal content
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                content += message.get("body", b"")

        await self.app(scope, receive, hold)
        if scope["method"] == "GET" and content:
            answer = self.change(path, json.loads(content))
            if isinstance(answer, tuple):
                start["status"], answer = answer
            content = json.dumps(answer).encode()
        if self.breaking and self.breaking in scope["query_string"]:
            start["status"] = 500
        headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        await send({**start, "headers": [*headers, *self.headers]})
        await send({"type": "http.response.body", "body": content})


def tenant(**switches: Any) -> Any:
    return create_app(now=ticking, switches=Switches(**switches))


def chosen(**more: Any) -> Settings:
    client: dict[str, Any] = {
        "client_id": "demo",
        "client_secret": "demo-secret",
        "workspace_id": "0123456789abcdef0123456789abcdef",
    }
    return settings.load(api_base_url="https://tenant.example", rate=1e6, **client, **more)


async def report_of(app: Any, **more: Any) -> tuple[dict[str, Any], str]:
    """The survey as JSON, and all that it writes."""
    value = survey_report.value_of(await survey.take(chosen(**more), app, ticking))
    return value, survey_report.markdown(value) + survey_report.as_json(value)


async def test_a_survey_of_a_tenant_as_described_reads_sixty_times_at_most_and_finds_nothing_otherwise() -> None:
    app = Altered(tenant())
    value, _ = await report_of(app)
    assert len(app.sent) <= survey_reads.MOST_REQUESTS
    assert not [r["reading"] for r in value["readings"] if r["as_taken_first"] is False]
    assert {r["reading"] for r in value["readings"] if r["value"]} == {*VISIBLE, *OTHERS}
    assert not value["departures"]
    assert not survey_report.cannot_work(value)
    assert all(toolset["works"] for toolset in value["toolsets"])


async def test_every_switch_that_reads_can_see_is_named() -> None:
    readings.Readings(chosen()).learn("media_types", "json", "update_vm_backup, HTTP 202")  # a call proved it
    value, text = await report_of(tenant(**{name: other for name, (other, _) in VISIBLE.items()}))
    result = {r["reading"]: r["value"] for r in value["readings"] if r["as_taken_first"] is False}
    assert result == {"media_types": "json", **{name: word for name, (_, word) in VISIBLE.items()}}
    assert text.count("OTHERWISE") == len(result)


async def test_a_toolset_that_may_not_be_read_is_named_with_the_permission_it_lacks() -> None:
    def refuse(path: str, body: Any) -> Any:
        words = "payroll-db lacks data-services.storeonce.read"
        return (403, {"message": words, "errorCode": "FORBIDDEN"}) if path.endswith("/storeonces") else body

    value, text = await report_of(Altered(tenant(), refuse))
    assert survey_report.cannot_work(value) == ["storeonces"]
    assert "data-services.storeonce.read" in text
    assert "payroll" not in text


async def test_a_breakdown_proves_no_reading() -> None:
    value, _ = await report_of(Altered(tenant(), breaking=b"%27"), retries=0)  # a quoted literal
    proved = {r["reading"] for r in value["readings"] if r["value"]}
    assert "select" in proved
    assert not proved & {"bare_timestamps", "in_lists", "escaped_quotes", "no_match_is_404", "case_sensitive"}


async def test_what_the_bound_of_requests_left_unread_is_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey_reads, "MOST_REQUESTS", 12)
    value, text = await report_of(tenant())
    unread = [read["tool"] for toolset in value["toolsets"] for read in toolset["reads"] if read["works"] is None]
    assert "list_tasks" in unread
    assert survey_report.cannot_work(value) == []
    assert "Every toolset" not in text
    assert f"No read was refused. Not read: {', '.join(unread)}." in text
    assert not {r["reading"] for r in value["readings"] if r["value"]} & {"select", "case_sensitive"}


async def test_departures_count_the_items_that_hold_one_each_item_once() -> None:
    def change(path: str, body: Any) -> Any:
        for item in body["items"] if path.endswith("/protection-policies") else ():
            item["protections"] = [{**tier, "coolness": 3} for tier in item["protections"] * 2]
        return body

    value, text = await report_of(Altered(tenant(), change))
    (one,) = value["departures"]
    assert (one["path"], one["items"]) == ("protections/coolness", 10)
    assert "items of the first 20" in text


PLANTED = [
    word
    for n in range(143)
    for word in (
        f"payroll-db-{n:03d}", f"Contoso{n}", f"10.20.{n}.7", f"0dd5a1fe-0000-4000-8000-{n:012x}",
        f"anna{n}@contoso.example", f"Zx9!secret-{n}-Qy", "Hannover" + "abcdefghij"[n % 10] * (n // 10 + 1),
    )
]  # fmt: skip


async def test_no_name_no_id_and_no_secret_of_the_tenant_gets_into_a_survey() -> None:
    assert len(set(PLANTED)) >= 1000
    place = iter(range(10**9))

    def planted() -> str:
        return PLANTED[next(place) % len(PLANTED)]

    def plant(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            out = {key: plant(inner, key) for key, inner in value.items()}
            return {**out, "newField": planted(), "tags": {planted(): planted()}, planted(): 1} if "id" in out else out
        if isinstance(value, list):
            return [plant(inner, name) for inner in value]
        if isinstance(value, str) and name not in ("type", "state", "status", "timestamp") and "T" not in value[10:11]:
            return planted()
        return value

    def change(path: str, body: Any) -> Any:
        if path.endswith("/settings"):
            return 403, {"message": planted(), "errorCode": planted(), "debugId": planted()}
        return plant(body) if "items" in body else body

    quota, name = (f"{PLANTED[1]};w=60".lower(), "x-ratelimit-" + PLANTED[0])
    headers = ((b"ratelimit-policy", quota.encode()), (name.encode(), b"7"), (b"x-debug-id", PLANTED[3].encode()))
    _, text = await report_of(Altered(tenant(), change, headers=headers))
    assert "newField" in text
    assert "unknown field" in text
    folded = text.casefold()
    assert [word for word in PLANTED if word.casefold() in folded] == []
    assert "demo-secret" not in folded
    assert "tenant.example" not in folded


async def test_a_map_whose_keys_are_names_does_not_tell_them() -> None:
    def change(path: str, body: Any) -> Any:
        for n, item in enumerate(body["items"] if path.endswith("/protection-stores") else ()):
            item[("Hannover", "payroll", "Contoso", "anna")[n % 4] + "abcdefghij"[n]] = 1
        return body

    value, text = await report_of(Altered(tenant(), change))
    assert [one["kind"] for one in value["departures"]] == ["unknown field"] * 7
    assert not any(word in text.casefold() for word in ("hannover", "payroll", "contoso", "annad"))


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(429, "No read was refused. Not read: "), (500, "Cannot work as it is: "), (403, "Cannot work as it is: ")],
)
async def test_a_tenant_that_answers_every_list_with_one_status_is_told_so(status: int, verdict: str) -> None:
    app = Altered(tenant(), lambda _path, _body: (status, {"message": "no", "errorCode": "NO"}))
    value, text = await report_of(app, retries=0)
    assert len(app.sent) <= survey_reads.MOST_REQUESTS
    assert verdict in text
    assert bool(survey_report.cannot_work(value)) == (status != 429)
    assert {r["reading"] for r in value["readings"] if r["value"]} <= {
        "client_secret",
        "token_expires_in",
        "old_errors",
    }


async def test_an_empty_tenant_can_be_surveyed() -> None:
    value, text = await report_of(
        Altered(
            tenant(), lambda _path, body: {**body, "items": [], "count": 0, "total": 0} if "items" in body else body
        )
    )
    assert survey_report.cannot_work(value) == []
    assert "nothing to read it of" in text
    assert not value["departures"]


async def test_a_page_larger_than_is_read_is_asked_for_again_in_small() -> None:
    def change(path: str, body: Any) -> Any:
        if path.endswith("/virtual-machines") and len(body["items"]) > survey_reads.ITEMS:
            return {**body, "items": [{**item, "x": "y" * 200_000} for item in body["items"]]}
        return body

    value, _ = await report_of(Altered(tenant(), change), toolsets="inventory")
    look = next(r for t in value["toolsets"] for r in t["reads"] if r["tool"] == "list_vms")
    assert (look["status"], look["items"]) == ("HTTP 200", survey_reads.ITEMS)


async def test_a_service_that_hangs_does_not_hold_up_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey_reads, "MOST_SECONDS", 0.0)
    value, text = await report_of(tenant())
    assert value["requests"] == 0
    assert "No read was refused. Not read: " in text


async def test_what_the_description_does_not_know_is_told_with_a_stable_pseudonym() -> None:
    def change(path: str, body: Any) -> Any:
        if path.endswith("/protection-stores"):
            for item in body["items"]:
                item.pop("name", None)
                item |= {"coolness": 3, "protectionStoreType": "ORBITAL_STORE"}
        return body

    value, text = await report_of(Altered(tenant(), change))
    again, _ = await report_of(Altered(tenant(), change))
    result = {(d["kind"], d["path"], d["value"]): d for d in value["departures"]}
    assert ("unknown field", "coolness", "") in result
    assert ("unknown value", "protectionStoreType", "ORBITAL_STORE") in result
    assert value["departures"] == again["departures"]
    assert all(d["first"].startswith("x-") for d in value["departures"])
    assert "coolness" in text


def test_the_command_prints_a_table_and_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stem = tmp_path / "mine"
    assert parser.main(["survey", "--demo", "--toolsets", "stores", "--output", str(stem)]) == 0
    printed = capsys.readouterr()
    assert "list_protection_stores" in printed.out
    assert printed.out.strip() == (tmp_path / "mine.md").read_text(encoding="utf-8").strip()
    assert json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))["survey"] == 1
    assert parser.main(["survey", "--demo", "--toolsets", "stores", "--output", str(tmp_path / "no" / "place")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_the_doctor_tells_what_was_found_out_and_what_no_description_knows(capsys: pytest.CaptureFixture[str]) -> None:
    result = readings.Readings(chosen())
    result.learn("media_types", "json", "update_vm_backup, HTTP 202")
    result.count_drift({"VirtualMachinesList: field coolness": 12})
    lines = readings.Readings(chosen(reading="in_lists=square")).describe()
    assert any("media_types=json: found out (update_vm_backup" in line for line in lines)
    assert any("field coolness (at least 12)" in line for line in lines)
    assert any("in_lists=square: fixed" in line for line in lines)
    flags = ["--reading", "in_lists=square", "--reading", "media_types=json"]
    assert parser.main(["doctor", "--demo", *flags]) == 0
    output = capsys.readouterr().out
    assert "note  reading in_lists=square: fixed by a setting" in output
    assert "note  reading media_types=json: fixed by a setting" in output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--demo", "--reading", "colour=red"], "there is no reading 'colour'"),
        (["--demo", "--toolsets", "everything"], "There is no toolset everything"),
        (["--region", "eu-west"], "not configured"),
        (["--demo", "--spec", "/no/such.json"], "cannot be read"),
    ],
)
def test_what_keeps_a_survey_from_beginning_is_said_in_a_sentence(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parser.main(["survey", "--output", str(tmp_path / "s"), *words]) == 1
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
