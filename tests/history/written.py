"""A tenant to which everything was written that can be: all requests of tests/support/twin_requests.py, one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from greenlake_backup_mcp.simulator import description
from greenlake_backup_mcp.simulator.server.service import Incoming, Service
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.switches import Switches
from tests.support.twin_requests import REQUESTS, Sample

from .invariants import NOW

ROUTES = {route.operation.id: route for route in description.load().routes}
APART = 900  # seconds from one request to the next, so that they meet the work of those before


def written(seed: int, switches: Switches) -> tuple[Tenant, list[str]]:
    """The tenant a day later, and which requests got an answer that no request may get."""
    tenant = Tenant(seed, clock=lambda: NOW, switches=switches)
    service = Service(tenant, description.load())
    samples = [(name, sample) for name, make in REQUESTS.items() for sample in make(tenant)]
    broken = [name for name, sample in samples if send(service, name, sample) >= 500]
    tenant.advance(86_400)
    return tenant, broken


def send(service: Service, operation: str, sample: Sample) -> int:
    """The status of the answer."""
    route, ids = ROUTES[operation], iter(sample.ids)
    path = "/" + "/".join(next(ids) if part.startswith("{") else part for part in route.segments)
    query = "&".join(f"{name}={value}" for name, value in sample.query.items())
    headers = {"authorization": f"Bearer {Switches().ready_token}", "content-type": route.operation.media_type or ""}
    content = b"" if sample.body is None else json.dumps(sample.body).encode()
    answer, _ = service.answer(Incoming(route.operation.method, path, query, headers, content, "http://tenant.test"))
    service.tenant.advance(APART)
    return answer.status


def other_readings() -> Iterator[tuple[str, Switches]]:
    """Switches turned to another reading, where the requests of the likeliest one are still understood."""
    apart = ("read_only_client", "old_errors", "token_expires_in")
    plain = {name: not value for name, value in vars(Switches()).items() if isinstance(value, bool)}
    words = {"dual_delete": "paused", "partial_failure": "failed", "double_protection": "shown",
             "expiry_below_lock": "ignored", "shorter_lock": "accepted", "locked_delete": "409",
             "run_order": "oldest"}  # fmt: skip
    for name, value in {**plain, **words}.items():
        if name not in apart:
            changes: dict[str, Any] = {"dual_authorization": name == "dual_delete", name: value}
            yield f"{name} {value}", replace(Switches(), **changes)
