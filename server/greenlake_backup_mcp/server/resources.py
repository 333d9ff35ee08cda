"""Resources: for each operation its full request and answer, the policy of confirmation, the glossary.

For those who need more than tools/list shows. Knows MCP's resources; must not know HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, ReadResourceResult, Resource, ResourceTemplate, TextResourceContents

from greenlake_backup_mcp.openapi import document
from greenlake_backup_mcp.openapi.document import Operation
from greenlake_backup_mcp.openapi.references import expand
from greenlake_backup_mcp.text import suggest
from greenlake_backup_mcp.tools.registry import Tool

TEXTS = Path(__file__).parent / "texts"
SCHEME = "greenlake-backup://"
CATALOG = "catalog"
OPERATIONS = SCHEME + "operations/"
TEMPLATE = OPERATIONS + "{tool}"
DIFFERENCES = SCHEME + "differences/"  # whole differences of previews, by their public reference
EVIDENCE = SCHEME + "evidence/"  # of checks, computed when it is read
PAGES = {
    "confirmation": ("Policy of confirmation", "What is asked before what, and what that is worth."),
    CATALOG: ("The backup catalog", "Every view and column that the SQL of query_catalog sees."),
    "glossary": ("Glossary", "The words of the service: policy, job, recovery point, store, gateway, lock, status."),
}


TEMPLATES: Mapping[str, ResourceTemplate] = {  # by the tool without which there is none; "" for what there always is
    "": ResourceTemplate(
        uri_template=TEMPLATE,
        name="operation",
        title="Operation",
        description="Full request and answer schemas of the operation behind a tool.",
        mime_type="application/json",
    ),
    "preview_call": ResourceTemplate(
        uri_template=DIFFERENCES + "{reference}",
        name="difference",
        title="Whole difference of a preview",
        description="All that a previewed call would change; for its caller, while its code lives.",
        mime_type="text/plain",
    ),
    "check_protection": ResourceTemplate(
        uri_template=EVIDENCE
        + "check_protection.{form}{?control,name,kind,policy,group,location,tag,minGib,place,hours,days,until,since,"
        "timeZone}",
        name="evidence",
        title="Evidence of a check",
        description="Rule, parameters, coverage, exceptions, a row per asset, digest; form is csv or json.",
        mime_type="text/csv",
    ),
}


def list_resources(tools: Iterable[Tool]) -> list[Resource]:
    """The texts, then one resource per operation."""
    tools = tuple(tools)
    queried = any(tool.name == "query_catalog" for tool in tools)
    texts = [
        Resource(uri=SCHEME + name, name=name, title=title, description=words, mime_type="text/markdown")
        for name, (title, words) in PAGES.items()
        if name != CATALOG or queried
    ]
    return texts + [
        Resource(
            uri=OPERATIONS + tool.name,
            name=tool.name,
            title=tool.title,
            description=f"Full request and answer of {tool.operation.key}",
            mime_type="application/json",
        )
        for tool in tools
        if tool.operation
    ]


def read(tools: Mapping[str, Tool], uri: str) -> ReadResourceResult:
    """The resource; MCPError for one that does not exist."""
    name = uri.removeprefix(SCHEME)
    if uri == SCHEME + CATALOG:
        from greenlake_backup_mcp.catalog import query_catalog  # noqa: PLC0415

        return text_resource(uri, "text/markdown", query_catalog.document())
    if uri.startswith(SCHEME) and name in PAGES:
        return text_resource(uri, "text/markdown", (TEXTS / f"{name}.md").read_text(encoding="utf-8"))
    tool = tools.get(uri.removeprefix(OPERATIONS)) if uri.startswith(OPERATIONS) else None
    if tool is None or tool.operation is None:
        message = f"There is no such resource. {_hint(tools, uri)}"
        raise MCPError(code=INVALID_PARAMS, message=message, data={"uri": uri[:300]})
    content = json.dumps(describe_operation(tool, tool.operation), indent=1, ensure_ascii=False)
    return text_resource(uri, "application/json", content)


def _hint(tools: Mapping[str, Tool], uri: str) -> str:
    """What may have been meant, and what there is."""
    name = uri.removeprefix(OPERATIONS)
    if name in tools:
        return f"{name} is no single operation of the service: its entry in tools/list says all there is."
    addresses = [
        *(SCHEME + page for page in PAGES),
        *(OPERATIONS + tool.name for tool in tools.values() if tool.operation),
    ]
    meant = suggest.suggestion(uri, addresses, cutoff=0.8)
    return (
        f"{meant} There are {SCHEME}confirmation, {SCHEME}glossary and {TEMPLATE}; resources/list gives all.".lstrip()
    )


def describe_operation(tool: Tool, operation: Operation) -> dict[str, Any]:
    """All that the description says of an operation, with every reference followed."""
    parameters = [
        {
            "name": p.name,
            "in": p.place,
            "argument": next(
                (a.name for a in tool.arguments.values() if a.wire == p.name and a.place == p.place), p.name
            ),
            "required": p.required,
            "description": p.description,
            "schema": p.schema,
        }
        for p in operation.parameters
    ]
    content: dict[str, Any] = {
        "tool": tool.name,
        "operationId": operation.id,
        "request": operation.key,
        "danger": tool.danger.value,
        "needsConfirm": tool.gated,
        "summary": operation.summary,
        "description": operation.description,
        "parameters": parameters,
    }
    if operation.body is not None:
        content["body"] = {
            "mediaType": operation.media_type,
            "required": operation.body_required,
            "schema": operation.body,
        }
    content["answers"] = {
        code: expand(operation.document.references, answer).get("description", "")
        for code, answer in sorted(operation.answers.items())
    }
    content["answerSchema"] = document.answer_schema(operation)
    return content


def text_resource(uri: str, media_type: str, text: str) -> ReadResourceResult:
    """What a resource at this address holds."""
    return ReadResourceResult(contents=[TextResourceContents(uri=uri, mime_type=media_type, text=text)])
