"""The switches of a served simulator over HTTP, for tests of processes. Never part of the API, never a tool.

POST /_simulator/advance {"seconds"} · /switches {…} · /faults [{…}] · /endings [{"state", "effect"}] ·
/approve/{id} · /cancel/{id} · /revoke;  GET /_simulator/requests · /writes · /switches · /approvals.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter, ValidationError

from greenlake_backup_mcp.simulator import approvals, switches
from greenlake_backup_mcp.simulator.answers import Answer
from greenlake_backup_mcp.simulator.faults import script as faults
from greenlake_backup_mcp.simulator.faults.script import Script
from greenlake_backup_mcp.simulator.names import format_time
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.tasks import Ending

PREFIX = "/_simulator/"


def answer(tenant: Tenant, script: Script, method: str, path: str, body: bytes) -> Answer:
    """What the control endpoint says; 400 with the reason for what it does not understand."""
    try:
        payload = json.loads(body) if body else None
        done = _post(tenant, script, path.removeprefix(PREFIX), payload) if method == "POST" else _get(tenant, path)
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError) as error:
        return Answer(400, {"error": f"{type(error).__name__}: {error}"})
    return Answer(200, done) if done is not None else Answer(404, {"error": f"no control {method} {path}"})


def _post(tenant: Tenant, script: Script, what: str, payload: Any) -> Any:
    verb, _, id = what.partition("/")
    if verb == "advance":
        tenant.advance(float(payload["seconds"]))
        return {"now": format_time(tenant.now())}
    if verb == "switches":
        changed = switches.from_json(payload, tenant.switches)
        _check_types([changed])
        tenant.switches = changed
        return asdict(tenant.switches)
    if verb == "faults":
        chosen = faults.from_json(payload)
        _check_types(chosen.rules)
        script.set(chosen)
        return {"rules": len(script.rules)}
    if verb == "endings":
        endings = [Ending(**ending) for ending in payload]
        _check_types(endings)
        tenant.endings.extend(endings)
        return {"endings": len(tenant.endings)}
    if verb in ("approve", "cancel"):
        (approvals.approve if verb == "approve" else approvals.cancel)(tenant, id)
        return {verb: id}
    if verb == "revoke":
        tenant.tokens.clear()
        return {"tokens": 0}
    return None


def _check_types(values: Iterable[Any]) -> None:
    """Refuse dataclasses whose fields hold other than their types say: the service would stumble over it later."""
    for value in values:
        try:
            TypeAdapter(type(value)).validate_json(json.dumps(asdict(value)), strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"{where} is {first['input']!r}: {first['msg'].lower()}") from None


def _get(tenant: Tenant, path: str) -> Any:
    what = path.removeprefix(PREFIX)
    if what == "requests":
        return [{**asdict(r), "time": format_time(r.time)} for r in tenant.requests]
    if what == "writes":
        return [{"operation": operation, "path": where, "times": n} for (operation, where), n in tenant.writes.items()]
    if what == "switches":
        return asdict(tenant.switches)
    if what == "approvals":
        return {"waiting": approvals.waiting(tenant)}
    return None
