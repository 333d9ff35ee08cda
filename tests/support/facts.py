"""What is known of the published descriptions: facts without prose, kept with the tests (tests/facts)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1] / "facts"


def operations() -> list[dict[str, Any]]:
    """The 138 operations as published: id, method, path, tag, parameters, body, answers, first judgement."""
    result: list[dict[str, Any]] = json.loads((HERE / "operations.json").read_text(encoding="utf-8"))
    return result


def filters() -> dict[str, dict[str, Any]]:
    """What is known of each list, by operationId: operators, bounds, attributes."""
    result: dict[str, dict[str, Any]] = json.loads((HERE / "filters.json").read_text(encoding="utf-8"))
    return result


def description() -> dict[str, Any]:
    """An OpenAPI document of the published facts alone, as somebody might give by `--spec`."""
    paths: dict[str, dict[str, Any]] = {}
    for fact in operations():
        operation: dict[str, Any] = {
            "operationId": fact["id"],
            "tags": [fact["tag"]],
            "parameters": [
                {"name": name, "in": place, "required": place == "path", "schema": {"type": kind}}
                for name, (place, kind) in fact["parameters"].items()
            ],
            "responses": {code: {"description": code} for code in fact["answers"]},
        }
        if fact["body"]:
            properties = {name: {"type": kind} for name, kind in fact["body"]["properties"].items()}
            schema = {"type": "object", "properties": properties}
            operation["requestBody"] = {"content": {fact["body"]["type"]: {"schema": schema}}}
        paths.setdefault(fact["path"], {})[fact["method"].lower()] = operation
    return {"openapi": "3.1.0", "info": {"title": "facts", "version": "1.1.0"}, "paths": paths}
