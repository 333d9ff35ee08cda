"""OpenTelemetry: traces and metrics over OTLP, where its own environment variables name an exporter; else nothing.

Counts what call_log.py tells. Like the log, it holds tools, operations, outcomes, durations, no arguments or names.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from greenlake_backup_mcp import __version__
from greenlake_backup_mcp.errors import SettingsError

from . import call_log

NAME = "greenlake_backup_mcp"
SERVICE = "greenlake-backup-mcp"
EXPORTERS = ("otlp", "console", "none")
OUTCOMES = ("done", "failed", "unknown")  # of gated calls; a plan's is a sentence
FLUSH_MS = 3000


@contextmanager
def run_exporters() -> Iterator[None]:
    """Export while the server runs, if that is configured; what is left is sent at the end."""
    chosen = {signal: is_exporting(signal, os.environ) for signal in ("traces", "metrics")}
    if set(chosen.values()) == {"none"}:
        yield
        return
    ends = _start(chosen)
    watcher = count_calls()
    call_log.WATCHERS.append(watcher)
    try:
        yield
    finally:
        call_log.WATCHERS.remove(watcher)
        for end in ends:
            end()


def is_exporting(signal: str, environment: Mapping[str, str]) -> str:
    """The exporter that OpenTelemetry's variables name for "traces" or "metrics"; "none" unless there is one."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return "none"
    upper = signal.upper()
    endpoint = environment.get(f"OTEL_EXPORTER_OTLP_{upper}_ENDPOINT") or environment.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    name = environment.get(f"OTEL_{upper}_EXPORTER", "").strip() or ("otlp" if endpoint else "none")
    if name not in EXPORTERS:
        raise SettingsError(
            f"Settings: OTEL_{upper}_EXPORTER is {name!r}.",
            hint=f"One of {', '.join(EXPORTERS)}; for Prometheus, let a collector receive OTLP.",
        )
    protocol = environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    if name == "otlp" and protocol != "http/protobuf":
        raise SettingsError("Settings: only OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf is served.")
    return name


def count_calls() -> Callable[[str, Mapping[str, Any]], None]:
    """A watcher of the log that counts into the meters of whichever provider is set."""
    from opentelemetry.metrics import get_meter  # noqa: PLC0415

    meter = get_meter(NAME, __version__)
    calls = meter.create_counter("greenlake_mcp.calls", "{call}", "Calls by tool and outcome")
    call_seconds = meter.create_histogram("greenlake_mcp.call.duration", "s", "Duration of calls")
    upstream = meter.create_histogram("greenlake_mcp.upstream.duration", "s", "Duration of requests to the service")
    retries = meter.create_counter("greenlake_mcp.upstream.retries", "{request}", "Requests sent again")
    gated = meter.create_counter("greenlake_mcp.gated", "{event}", "Previews, refusals, consents, outcomes")

    def watcher(event: str, fields: Mapping[str, Any]) -> None:
        if event == "call":
            about = {"tool": fields["tool"], "outcome": fields["outcome"]}
            calls.add(1, about)
            call_seconds.record(fields["ms"] / 1000, about)
        elif event == "request":
            upstream.record(fields["ms"] / 1000, {"operation": fields["operation"], "status": str(fields["status"])})
        elif event == "repeat":
            retries.add(1)
        elif event == "gated":
            outcome = fields["outcome"] if fields["outcome"] in OUTCOMES else "plan" if fields["outcome"] else ""
            attributes = {"tool": fields["tool"], "event": fields["event"], "outcome": outcome}
            gated.add(1, {name: value for name, value in attributes.items() if value})

    return watcher


def _start(chosen: Mapping[str, str]) -> list[Callable[[], None]]:
    """Set the providers; what is returned ends them."""
    try:
        from opentelemetry import metrics, trace  # noqa: PLC0415
        from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        spans, numbers = _exporters(chosen)
    except ImportError:
        raise SettingsError(
            "Settings: OpenTelemetry's variables name an exporter, and its SDK is not installed.",
            hint="Install it, in the folder of this project, with: .venv/bin/pip install -e '.[redis,otel]'",
        ) from None
    service = os.environ.get("OTEL_SERVICE_NAME", SERVICE)
    about = Resource.create({"service.name": service, "service.version": __version__})
    ends: list[Callable[[], None]] = []
    if spans is not None:
        tracers = TracerProvider(resource=about)
        tracers.add_span_processor(BatchSpanProcessor(spans))
        trace.set_tracer_provider(tracers)
        ends.append(lambda: _shutdown(tracers))
    if numbers is not None:
        meters = MeterProvider([PeriodicExportingMetricReader(numbers)], resource=about)
        metrics.set_meter_provider(meters)
        ends.append(lambda: _shutdown(meters))
    return ends


def _exporters(chosen: Mapping[str, str]) -> tuple[Any, Any]:
    """Exporters of spans and numbers; to the console means stderr, since stdout may belong to the protocol."""
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415

    made: dict[str, Any] = {"traces": None, "metrics": None}
    if chosen["traces"] == "console":
        made["traces"] = ConsoleSpanExporter(out=sys.stderr)
    if chosen["metrics"] == "console":
        made["metrics"] = ConsoleMetricExporter(out=sys.stderr)
    if chosen["traces"] == "otlp":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        made["traces"] = OTLPSpanExporter()
    if chosen["metrics"] == "otlp":
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415

        made["metrics"] = OTLPMetricExporter()
    return made["traces"], made["metrics"]


def _shutdown(provider: Any) -> None:
    provider.force_flush(FLUSH_MS)
    provider.shutdown()
