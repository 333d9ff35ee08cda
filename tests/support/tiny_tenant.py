"""A tenant of a few resources, for what a test must arrange to the field."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.settings import Settings

from .paging_service import received

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
OWN = "/backup-recovery/v1beta1"
VIRTUALIZATION = "/virtualization/v1beta1"
VM = "11111111-1111-4111-8111-111111111111"
BACKUP = "22222222-2222-4222-8222-222222222222"
SNAPSHOT = "33333333-3333-4333-8333-333333333333"


@dataclass
class Tenant:
    """Resources by path; what was sent that is no GET; answers other than 200 by path."""

    resources: dict[str, Any] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    writes: list[tuple[str, str, Any]] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    deletes: bool = False  # whether what is deleted is gone, and what is changed is so; else a test may do it again
    totals: bool = True  # whether lists say how long they are

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        body = await received(receive)
        status, answer = self._answer(scope["method"], scope["raw_path"].decode().partition("?")[0], body)
        if not self.totals and isinstance(answer, dict) and "items" in answer:  # then it pages as well
            limit = int(parse_qs(scope["query_string"].decode()).get("limit", ["20"])[0])
            answer = {"items": answer["items"][:limit], "count": len(answer["items"][:limit])}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode() if answer is not None else b""})

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if path in self.refusals:
            return self.refusals[path], {"message": "no", "errorCode": "NO", "httpStatusCode": self.refusals[path]}
        if method != "GET":
            self.writes.append((method, path, json.loads(body) if body else None))
            if method == "DELETE" and self.deletes:
                gone = self.resources.pop(path, None)
                place = path.rpartition("/")[0]
                if isinstance(self.resources.get(place), list):
                    self.resources[place] = [one for one in self.resources[place] if one is not gone]
            if method == "PATCH" and self.deletes and path in self.resources:
                self.resources[path] |= json.loads(body)
            return 204, None
        self.reads.append(path)
        result = self.resources.get(path)
        if result is None:
            return 404, {"message": "not found", "errorCode": "NOT_FOUND", "httpStatusCode": 404}
        return 200, {"items": result, "count": len(result), "total": len(result)} if isinstance(
            result, list
        ) else result


def loaded(**more: Any) -> Settings:
    return settings.load(api_base_url="https://tenant.example", token="t", retries=0, **more)
