"""Whatever is sent, the simulated tenant answers with what it means: never an error of its own, and lists stay whole.

With schemathesis on the machine it is asked as well; see fuzz.py.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from greenlake_backup_mcp.openapi import document
from greenlake_backup_mcp.simulator import description
from greenlake_backup_mcp.simulator.description import Route
from greenlake_backup_mcp.simulator.history.recovery_points import HOLDERS
from greenlake_backup_mcp.simulator.server.service import Incoming, Service
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.switches import Switches
from tests import fuzz
from tests.support.simulated import NOW

KNOWN = description.load().routes
WRITES = [k for k in KNOWN if k.operation.method != "GET"]
BY_ID = {k.operation.id: k for k in KNOWN}
LISTS = [k for k in KNOWN if k.is_list]
TOKEN = f"Bearer {Switches().ready_token}"
MEANT = {200, 201, 202, 204, 400, 404, 405, 409, 412, 415, 422}
PATIENT = settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))


def service() -> Service:
    return Service(Tenant(clock=lambda: NOW), description.load())


def asked(one: Service, method: str, path: str, query: str = "", *, body: Any = None, media: str | None = None) -> Any:
    """The answer to one request."""
    headers = {"authorization": TOKEN} | ({"content-type": media} if media else {})
    content = b"" if body is None else json.dumps(body).encode()
    return one.answer(Incoming(method, path, query, headers, content, "http://tenant.test"))[0]


@cache
def known_ids() -> dict[str, tuple[str, ...]]:
    """Some ids of each collection; of copies by their asset."""
    tenant = Tenant(clock=lambda: NOW)
    result = {name: tuple(i["id"] for i in tenant.all(name)[:12]) for name in tenant.world.resources}
    for holder in HOLDERS:
        for asset in result[holder]:
            for kind in ("backups", "snapshots"):
                page = tenant.copies(holder, asset, kind).page(0, 2, NOW, 0)
                result[f"{asset}/{kind}"] = tuple(i["id"] for i in page)
    return result


def any_id() -> st.SearchStrategy[str]:
    return st.sampled_from(sorted({i for ids in known_ids().values() for i in ids}))


def fitting(schema: dict[str, Any], name: str = "") -> st.SearchStrategy[Any]:
    """Values that obey a schema, with ids that exist."""
    choices = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    if choices and not schema.get("properties"):
        return st.one_of([fitting(c, name) for c in choices])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        required = set(schema.get("required", ()))
        parts = {n: fitting(s, n) for n, s in schema.get("properties", {}).items() if not s.get("readOnly")}
        return st.fixed_dictionaries(
            {n: s for n, s in parts.items() if n in required},
            optional={n: s for n, s in parts.items() if n not in required},
        )
    if kind == "array":
        return st.lists(fitting(schema.get("items", {}), name), max_size=3)
    if kind == "integer":
        return st.integers(schema.get("minimum", -3), schema.get("maximum", 50))
    if kind == "number":
        return st.floats(-1, 600, allow_nan=False)
    if kind == "boolean":
        return st.booleans()
    if schema.get("format") == "date-time":
        return st.datetimes().map(lambda t: t.isoformat() + "Z")
    if schema.get("format") == "ipv4":
        return st.ip_addresses(v=4).map(str)
    if schema.get("format") == "uuid" or name.lower().endswith(("id", "ids", "uri")):
        return st.one_of(any_id(), st.uuids().map(str))
    return st.one_of(st.text(max_size=20), any_id())


@st.composite
def path_of(draw: st.DrawFn, route: Route) -> str:
    """The operation's path, mostly with ids that exist."""
    parts: list[str] = []
    for n, segment in enumerate(route.segments):
        if not segment.startswith("{"):
            parts.append(segment)
            continue
        before = route.segments[n - 1]
        ids = known_ids().get(f"{parts[-2]}/{before}" if before in ("backups", "snapshots") else before, ())
        wild = st.text(min_size=1, max_size=8).map(lambda t: quote(t, safe=""))
        parts.append(draw(st.one_of(*([st.sampled_from(ids)] * 8 if ids else []), wild)))
    return "/" + "/".join(parts)


@st.composite
def write(draw: st.DrawFn) -> tuple[str, str, str, Any]:
    """A write that obeys the description as far as a schema can tell."""
    route = draw(st.sampled_from(WRITES))
    flags = [p.name for p in route.operation.parameters if p.place == "query"]
    query = (
        urlencode({name: draw(st.sampled_from(["true", "false"])) for name in draw(st.sets(st.sampled_from(flags)))})
        if flags
        else ""
    )
    body = draw(fitting(route.operation.body)) if route.operation.body is not None else None
    return route.operation.id, draw(path_of(route)), query, body


@PATIENT
@given(st.lists(write(), min_size=15, max_size=40))
def test_any_sequence_of_writes_is_answered_as_meant_and_the_tenant_stays_readable(
    sequence: list[tuple[str, str, str, Any]],
) -> None:
    one = service()
    for name, path, query, body in sequence:
        route = BY_ID[name]
        answer = asked(one, route.operation.method, path, query, body=body, media=route.operation.media_type)
        assert answer.status in MEANT, (route.operation.id, answer)
        one.tenant.advance(600)
    one.tenant.advance(10 * 86_400)
    for route in LISTS:
        if "{" not in route.operation.path:
            page = asked(one, "GET", route.operation.path)
            assert page.status == 200
            assert page.body["count"] == len(page.body["items"])


@pytest.mark.parametrize("route", WRITES, ids=lambda k: k.operation.id)
def test_each_write_is_answered_as_meant(route: Route) -> None:
    @settings(PATIENT, max_examples=5)
    @given(path_of(route), fitting(route.operation.body) if route.operation.body is not None else st.none())
    def answered(path: str, body: Any) -> None:
        one = service_of_module()
        answer = asked(one, route.operation.method, path, body=body, media=route.operation.media_type)
        assert answer.status in MEANT, answer
        if answer.status in (200, 201) and route.answer_schema:
            assert answer.body
        one.tenant.advance(3600)

    answered()


@cache
def service_of_module() -> Service:
    """One tenant that lives through all of it."""
    return service()


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@PATIENT
@given(st.sampled_from(WRITES), st.data(), junk)
def test_bodies_that_are_junk_are_refused(route: Route, data: st.DataObject, body: Any) -> None:
    path = data.draw(path_of(route))
    answer = asked(service_of_module(), route.operation.method, path, body=body, media=route.operation.media_type)
    assert answer.status in MEANT


WORDS = st.sampled_from(
    [
        "eq",
        "ne",
        "gt",
        "lt",
        "in",
        "and",
        "or",
        "(",
        ")",
        ",",
        "'",
        "''",
        "'a'",
        "true",
        "null",
        "1",
        "name",
        "state",
        "services",
        "createdAt",
        "contains",
        "asc",
        "desc",
        "id,name",
        "a/b",
        "\u202e",
    ]
)


@settings(PATIENT, max_examples=150)
@given(
    st.sampled_from(LISTS),
    st.sampled_from(["filter", "sort", "select"]),
    st.lists(WORDS, max_size=8),
    st.text(max_size=5),
)
@example(LISTS[0], "filter", ["name", "in", "(", "'a'", ")"], "")
def test_any_words_as_filter_sort_or_select_are_answered_as_meant(
    route: Route, what: str, words: list[str], tail: str
) -> None:
    path = "/" + "/".join(
        s if not s.startswith("{") else known_ids()[route.segments[n - 1]][0] for n, s in enumerate(route.segments)
    )
    answer = asked(service_of_module(), "GET", path, urlencode({what: " ".join([*words, tail])}))
    assert answer.status in MEANT


@settings(PATIENT, max_examples=80)
@given(
    st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]),
    st.text(max_size=30),
    st.text(max_size=20),
    st.binary(max_size=30),
)
def test_any_path_query_and_body_are_answered_as_meant(method: str, path: str, query: str, body: bytes) -> None:
    headers = {"authorization": TOKEN, "content-type": "application/json"}
    for prefix in ("/", "/backup-recovery/v1beta1/protection-stores/", "/_simulator/", "/as/token.oauth2"):
        request = Incoming(method, prefix + quote(path), query, headers, body, "http://tenant.test")
        answer, _ = service_of_module().answer(request)
        assert answer.status in MEANT


@pytest.mark.skipif(not fuzz.command(), reason="schemathesis is not on this machine (SCHEMATHESIS names its command)")
def test_schemathesis_finds_no_server_error(tmp_path: Path) -> None:
    """A short run; the long one is `python -m tests.fuzz`."""
    with fuzz.tenant() as base:
        for api in document.APIS[1:]:
            ran = fuzz.run(api, base, str(fuzz.command()), examples=3, where=tmp_path)
            assert ran.whole, ran.output[-5000:]


def test_what_schemathesis_is_given_names_resources_that_are_there() -> None:
    with fuzz.tenant() as base, httpx2.Client(base_url=base, headers={"Authorization": TOKEN}) as client:
        for api in document.APIS:
            filled = fuzz.filled(json.loads(api.file.read_text(encoding="utf-8")), base)
            for path, item in filled["paths"].items():
                places = [*item.get("parameters", ()), *item.get("get", {}).get("parameters", ())]
                values = {p["name"]: p["schema"]["enum"][0] for p in places if p.get("in") == "path"}
                if "get" in item and values:
                    there = client.get(path.format(**values))
                    assert there.status_code == 200, path
