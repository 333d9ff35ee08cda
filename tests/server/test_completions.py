"""Completions: names as the tenant has them, remembered briefly, never in the way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

from mcp import Client
from mcp.types import Completion, PromptReference, ResourceTemplateReference

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app, resources

Connected = Callable[..., AbstractAsyncContextManager[Client]]


async def completed(client: Client, prompt: str, argument: str, value: str = "") -> Completion:
    result = await client.complete(PromptReference(name=prompt), {"name": argument, "value": value})
    return result.completion


def lists(tenant: Any, ending: str) -> int:
    return len([r for r in tenant.state.tenant.requests if r.path.endswith(ending)])


async def test_names_of_vms_come_from_the_tenant(connected: Connected, tenant: Any) -> None:
    async with connected() as client:
        everything = await completed(client, "is_it_protected", "vm")
        some = await completed(client, "is_it_protected", "vm", "SAP")
    assert everything.total == 400 or (everything.total and everything.total > 300)
    assert len(everything.values) == 100
    assert everything.has_more
    assert some.values
    assert all("sap" in value.casefold() for value in some.values)
    assert lists(tenant, "/virtual-machines") == 1, "the second was answered from memory"


async def test_names_are_remembered_for_a_minute_and_then_read_again(tenant: Any, era: str) -> None:
    now = [datetime(2026, 11, 24, 8, tzinfo=UTC)]
    server = app.create(settings.load(demo=True), app=tenant, now=lambda: now[0])
    async with Client(server, mode=era) as client:
        for seconds, reads in ((0, 1), (59, 1), (61, 2)):
            now[0] = datetime(2026, 11, 24, 8, tzinfo=UTC) + timedelta(seconds=seconds)
            assert (await completed(client, "is_it_protected", "vm")).values
            assert lists(tenant, "/virtual-machines") == reads


async def test_what_begins_as_typed_comes_first(connected: Connected) -> None:
    async with connected() as client:
        values = (await completed(client, "expiring_soon", "vm", "prod")).values
    begins = [value.casefold().startswith("prod") for value in values]
    assert begins == sorted(begins, reverse=True)


async def test_what_is_worked_on_may_be_a_datastore_an_appliance_or_a_policy(connected: Connected) -> None:
    async with connected() as client:
        actual = await completed(client, "maintenance_window", "what")
    assert actual.total
    assert actual.total > 25


async def test_days_and_hours_have_their_usual_values(connected: Connected, tenant: Any) -> None:
    async with connected() as client:
        assert "7" in (await completed(client, "expiring_soon", "days")).values
        assert "24" in (await completed(client, "morning_check", "hours")).values
    assert not [r for r in tenant.state.tenant.requests if "token" not in r.path], "nothing was read for that"


async def test_tools_complete_the_template_of_the_operations(connected: Connected) -> None:
    async with connected() as client:
        ref = ResourceTemplateReference(uri=resources.TEMPLATE)
        actual = (await client.complete(ref, {"name": "tool", "value": "list_vm_b"})).completion
        other = (await client.complete(ResourceTemplateReference(uri="x://{y}"), {"name": "y", "value": ""})).completion
    assert actual.values == ["list_vm_backups"]
    assert other.values == []


async def test_an_unknown_argument_completes_to_nothing(connected: Connected) -> None:
    async with connected() as client:
        assert (await completed(client, "is_it_protected", "nonsense")).values == []
        assert (await completed(client, "nonsense", "nonsense")).values == []


async def test_a_service_that_cannot_be_reached_breaks_nothing(era: str) -> None:
    arguments = settings.load(api_base_url="http://127.0.0.1:9", token="t", retries=0, timeout=2)
    async with Client(app.create(arguments), mode=era) as client:
        assert (await completed(client, "is_it_protected", "vm")).values == []


async def test_hostile_names_arrive_in_one_line(connected: Connected) -> None:
    async with connected() as client:
        values = (await completed(client, "is_it_protected", "vm")).values
    assert all("\n" not in value and value.isprintable() for value in values)
