"""OpenTelemetry: a span around each request to the service, with what it was and no argument of it."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client
from opentelemetry import metrics, trace

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.observability import call_log, otel
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


def test_the_console_exporter_writes_to_stderr_and_ends_with_the_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    providers: list[Any] = []
    monkeypatch.setattr(trace, "set_tracer_provider", providers.append)
    monkeypatch.setattr(metrics, "set_meter_provider", providers.append)
    for signal in ("TRACES", "METRICS"):
        monkeypatch.setenv(f"OTEL_{signal}_EXPORTER", "console")
    watchers = list(call_log.WATCHERS)
    with otel.run_exporters():
        assert len(call_log.WATCHERS) == len(watchers) + 1
        tracers, meters = providers
        with tracers.get_tracer("t").start_as_current_span("GET VirtualMachinesList"):
            meters.get_meter("m").create_counter("greenlake_mcp.calls").add(1)
    written = capsys.readouterr()
    assert written.out == ""  # stdout belongs to the protocol
    assert "GET VirtualMachinesList" in written.err
    assert "greenlake_mcp.calls" in written.err
    assert watchers == call_log.WATCHERS


def test_otlp_is_sent_over_http_where_an_endpoint_is_named() -> None:
    spans, numbers = otel._exporters({"traces": "otlp", "metrics": "otlp"})
    assert [type(one).__module__.split(".")[3:5] for one in (spans, numbers)] == [["proto", "http"]] * 2
    assert otel._exporters({"traces": "none", "metrics": "none"}) == (None, None)
