"""The simulated service: a request in, an answer out. Authorization, route, description, then the work.

Knows HTTP's words but no socket; app.py brings the requests, inject.py breaks the connections.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from greenlake_backup_mcp.simulator import description
from greenlake_backup_mcp.simulator.answers import Answer, Refusal, error_body
from greenlake_backup_mcp.simulator.description import Descriptions, Route
from greenlake_backup_mcp.simulator.faults.script import Script
from greenlake_backup_mcp.simulator.names import merge_patch
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.writes import registry
from greenlake_backup_mcp.simulator.writes.call import Call

from . import control, dialect, oauth, pages

LARGEST = 2 << 20  # bytes of a request body
FINITE = 1e300


@dataclass(frozen=True)
class Incoming:
    """One request. `path` as it came, still quoted; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    content: bytes
    base: str


@dataclass
class Service:
    """A tenant, the descriptions it obeys and the faults it plays."""

    tenant: Tenant
    descriptions: Descriptions
    script: Script = field(default_factory=Script)
    recent: list[float] = field(default_factory=list)  # times of the last minute's requests

    def answer(self, request: Incoming) -> tuple[Answer, str]:
        """The answer, and the id of the operation that was asked for ("" where none was)."""
        if request.path.startswith(control.PREFIX):
            return control.answer(self.tenant, self.script, request.method, request.path, request.content), ""
        self.tenant.settle()
        if oauth.workspace(request.path) is not None:
            return oauth.token(self.tenant, request.method, request.path, request.headers, request.content), "token"
        operation = ""
        try:
            self._authorize(request)
            self._check_rate()
            route, segments = self._route(request)
            operation = route.operation.id
            return self._perform(request, route, segments), operation
        except Refusal as refusal:
            return self.error_answer(refusal), operation

    def error_answer(self, refusal: Refusal) -> Answer:
        """A refusal in the vendor's words."""
        headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {}
        if refusal.status == 429:
            most = str(self.tenant.switches.rate_limit)
            headers = {"ratelimit-limit": most, "ratelimit-remaining": "0", "ratelimit-reset": "60"}
        if refusal.status == 405:
            headers["Allow"] = refusal.extra.pop("allow", "")
        debug_id, old = self.tenant.new_id("debug").replace("-", ""), self.tenant.switches.old_errors
        return Answer(refusal.status, error_body(refusal, debug_id, old=old), headers)

    def _authorize(self, request: Incoming) -> None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise Refusal(401, "The Authorization header is missing.")
        if not self.tenant.accepts(token.strip()):
            raise Refusal(401, "The token is invalid or has expired.")

    def _check_rate(self) -> None:
        most = self.tenant.switches.rate_limit
        if most is None:
            return
        now = self.tenant.now().timestamp()
        self.recent[:] = [t for t in self.recent if t > now - 60]
        if len(self.recent) >= most:
            raise Refusal(429, "Too many requests: the rate limit of this API client is reached.")
        self.recent.append(now)

    def _route(self, request: Incoming) -> tuple[Route, list[str]]:
        segments = request.path.strip("/").split("/")
        route, methods = self.descriptions.find(request.method, segments)
        if route is None and methods:
            allowed = ", ".join(sorted(set(methods)))
            raise Refusal(405, f"Method {request.method} is not allowed here.", extra={"allow": allowed})
        if route is None:
            raise Refusal(404, "There is no such path.")
        return route, segments

    def _perform(self, request: Incoming, route: Route, segments: list[str]) -> Answer:
        reads = request.method == "GET"
        if not reads and self.tenant.switches.read_only_client:
            verb = {"POST": "create", "DELETE": "delete"}.get(request.method, "update")
            raise Refusal(403, f"Permission denied: data-services.{route.segments[2].rstrip('s')}.{verb} is missing.")
        ids = tuple(description.path_values(route, segments).values())
        pairs = parse_qsl(request.query, keep_blank_values=True, strict_parsing=False)
        query = description.query_values(route, pairs)
        body = None if reads else self._body(request, route)
        call = Call(self.tenant, route, ids, query, body, request.headers, request.base)
        if reads:
            return pages.get(call)
        answer = self._write(call)
        self.tenant.writes[route.operation.id, request.path] += 1
        return answer

    def _write(self, call: Call) -> Answer:
        """Carry a write out, or what it deviates to."""
        tenant, operation = self.tenant, call.route.operation.id
        writer = registry.WRITERS.get(operation)
        if writer is None:
            raise Refusal(404, "This simulated service cannot carry the operation out.")
        deviation = tenant.deviation(operation)
        if deviation and deviation.request and isinstance(call.body, dict):
            call = replace(call, body=merge_patch(call.body, deviation.request))
        tenant.operation, tenant.written = operation, []
        try:
            answer = call.carry_out(writer)
        finally:
            tenant.operation = ""
        if answer.status != 202:  # else its task deviates
            tenant.deviate(operation)
        if deviation and deviation.status:
            return Answer(deviation.status, deviation.body, answer.headers)
        return answer

    def _body(self, request: Incoming, route: Route) -> Any:
        if route.body is None:
            if request.content.strip() not in (b"", b"{}"):
                raise Refusal(400, "This operation takes no request body.")
            return None
        if not request.content:
            if route.operation.body_required:
                raise Refusal(400, "The request body is missing.")
            return {}
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        wanted = route.operation.media_type
        switches = self.tenant.switches
        if switches.media_types == "json":
            wanted = "application/json"
        lenient = switches.media_types == "lenient" and media_type in ("application/json", "")
        if media_type != wanted and not lenient:
            raise Refusal(415, f"Content-Type must be {wanted}, not {media_type or 'missing'}.")
        if len(request.content) > LARGEST:
            raise Refusal(400, "The request body is too large.")
        try:
            body = json.loads(request.content, parse_constant=_refuse_constant, parse_float=_finite)
        except (ValueError, RecursionError):
            raise Refusal(400, "The request body is not JSON.") from None
        body = dialect.read_body(route.operation.id, body, switches)
        extra = switches.unknown_properties == "ignored"
        description.check_body(route, body, extra_allowed=extra)
        return body


def _refuse_constant(text: str) -> float:
    raise ValueError(text)  # NaN and Infinity are Python's, not JSON's


def _finite(text: str) -> float:
    value = float(text)
    if abs(value) > FINITE:
        raise ValueError(text)
    return value
