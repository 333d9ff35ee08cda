"""OpenTelemetry: a span around each request to the service, with what it was and no argument of it."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client
from opentelemetry import trace

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.simulator.faults.script import Faults, fault
from greenlake_backup_mcp.simulator.server.app import create_app

sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="the extra otel is not installed")
export = pytest.importorskip("opentelemetry.sdk.trace.export")
memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
NAME = "MARKED-NAME"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The spans that end during a test; the global provider is left alone, since it can be set only once."""
    exporter, provider = memory.InMemorySpanExporter(), sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    yield exporter.get_finished_spans
    provider.shutdown()


async def called(tool: str, arguments: dict[str, Any], *rules: Any) -> None:
    app = create_app(faults=Faults(rules))
    async with Client(mcp_server.create(settings.load(demo=True, retries=0), app=app)) as client:
        await client.call_tool(tool, arguments)


async def test_each_request_is_a_span_that_names_the_operation_and_no_argument(spans: Any) -> None:
    await called("list_vms", {"filter": f"name eq '{NAME}'"})
    result = [s for s in spans() if s.name.startswith("GET ")]
    assert result
    for span in result:
        assert span.attributes["http.request.method"] == "GET"
        assert span.attributes["greenlake.operation"] == "VirtualMachinesList"
        assert NAME not in span.to_json()
        assert "filter" not in span.to_json()


async def test_a_request_that_fails_is_a_span_with_its_kind_and_without_what_was_said(spans: Any) -> None:
    store = "11111111-1111-1111-1111-111111111111"
    await called("get_protection_store", {"protectionStoreId": store}, fault("status", "GET", status=500))
    span = next(s for s in spans() if s.name.startswith("GET "))
    assert span.attributes["error.type"] == "service"
    assert span.status.is_ok is False
    assert not span.events
    assert store not in span.to_json()
    assert "unexpected" not in span.to_json()
