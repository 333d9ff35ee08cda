"""What the simulated service answers: bodies, and refusals in the vendor's shape. Knows no operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

CODES = {401: "UNAUTHENTICATED", 500: "INTERNAL_ERROR"}  # the others are named as HTTP names them


@dataclass(frozen=True)
class Answer:
    """A status, headers and a JSON body (None: no body at all)."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """The service says no, and why."""

    def __init__(self, status: int, message: str, *, code: str = "", extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or CODES.get(status) or HTTPStatus(status).name
        self.extra = dict(extra or {})


class Failure(Exception):
    """A task that ends badly, with the reason it gives; late, because the request was accepted."""

    def __init__(self, message: str, code: str = "OPERATION_FAILED") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def error_body(refusal: Refusal, debug_id: str, *, old: bool = False) -> dict[str, Any]:
    """The body of a refusal; `old` is the shape that some services still answer."""
    if old:
        return {"error": refusal.message, "errorCode": str(refusal.status), "traceId": debug_id}
    return {"httpStatusCode": refusal.status, "errorCode": refusal.code, "message": refusal.message,
            "debugId": debug_id, **refusal.extra}  # fmt: skip
