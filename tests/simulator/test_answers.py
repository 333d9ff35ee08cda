"""Every answer of the simulated tenant is what the descriptions say, and every operation has a writer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from greenlake_backup_mcp.simulator import description
from greenlake_backup_mcp.simulator.description import Route
from greenlake_backup_mcp.simulator.names import parse_time
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.writes import registry
from tests.support.simulated import simulated, unchanged

READS = [k for k in description.load().routes if k.operation.method == "GET"]
MOST = 12  # resources looked at of each kind
CHECKER = FormatChecker(("uuid", "ipv4"))
CHECKER.checks("date-time", raises=ValueError)(lambda text: not isinstance(text, str) or bool(parse_time(text)))


def test_each_operation_that_is_not_a_read_has_one_writer() -> None:
    names = {k.operation.id for k in description.load().routes if k.operation.method != "GET"}
    assert names == set(registry.WRITERS)


@pytest.mark.parametrize("route", READS, ids=lambda k: k.operation.id)
@pytest.mark.parametrize("hostile", [False, True], ids=["usual", "hostile"])
async def test_answers_are_as_described_and_carry_nothing_else(route: Route, hostile: bool) -> None:
    validator = Draft202012Validator(route.answer_schema, format_checker=CHECKER)
    async with simulated(unchanged(hostile=hostile)) as tenant:
        paths = list(_paths(tenant.tenant, route))
        assert paths
        for path in paths:
            answer = await tenant.get(path)
            problems = [
                f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in validator.iter_errors(answer)
            ]
            assert problems == []
            assert list(_undescribed(route.answer_schema, answer)) == []


def _paths(tenant: Tenant, route: Route) -> Iterator[str]:
    """Paths of existing resources that the operation answers for."""
    result: list[list[str]] = [[]]
    for n, segment in enumerate(route.segments):
        if not segment.startswith("{"):
            result = [[*before, segment] for before in result]
            continue
        result = [[*before, id_] for before in result for id_ in _ids(tenant, [*before], route.segments[n - 1])]
    return ("/" + "/".join(parts) for parts in result)


def _ids(tenant: Tenant, before: list[str], collection: str) -> list[str]:
    if collection in ("backups", "snapshots"):
        items = tenant.copies(before[2], before[3], collection).page(0, 3, tenant.now(), tenant.lag)
    else:
        items = tenant.all(collection)
    step = max(1, len(items) // MOST)
    return [item["id"] for item in items[::step]]


def _undescribed(schema: dict[str, Any], value: Any, where: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _undescribed(schema.get("items", {}), item, where)
    elif isinstance(value, dict) and "properties" in schema:
        for name, item in value.items():
            if name not in schema["properties"]:
                yield where + name
            else:
                yield from _undescribed(schema["properties"][name], item, f"{where}{name}/")
