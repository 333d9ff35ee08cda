"""Valid arguments for any tool: the fewest, or all; ids are those of a simulated tenant."""

from __future__ import annotations

from typing import Any

from greenlake_backup_mcp.openapi import references
from greenlake_backup_mcp.openapi.document import Schema
from greenlake_backup_mcp.tools import schemas
from greenlake_backup_mcp.tools.registry import Tool

UUID = "6f5b3a52-5b0e-4d5f-9a3a-0d1f6b7c8e90"
COLLECTIONS = {
    "vmId": "virtual-machines",
    "datastoreId": "datastores",
    "vmProtectionGroupId": "virtual-machine-protection-groups",
    "volumeProtectionGroupId": "volume-protection-groups",
    "mssqlDatabaseId": "mssql-databases",
    "mssqlDatabaseProtectionGroupId": "mssql-database-protection-groups",
    "mssqlInstanceId": "mssql-instances",
    "applicationHostId": "application-hosts",
    "dataOrchestratorId": "data-orchestrators",
    "protectionStoreGatewayId": "protection-store-gateways",
    "protectionStoreId": "protection-stores",
    "protectionPolicyId": "protection-policies",
    "protectionJobId": "protection-jobs",
    "storeonceId": "storeonces",
    "hypervisorManagerId": "hypervisor-managers",
    "taskId": "async-operations",
    "approvalId": "dual-auth-operations",
    "issueId": "issues",
}


def arguments(tool: Tool, tenant: Any, full: bool) -> dict[str, Any]:
    """Arguments that fit the description: required ones only, or every one."""
    operation = tool.operation
    assert operation is not None
    result: dict[str, Any] = dict(ids(tool, tenant))
    for parameter in operation.parameters:
        argument = tool.arguments.get(parameter.name)
        if argument and argument.place == "query" and (full or parameter.required):
            result[parameter.name] = (
                "id" if parameter.name == "select" else value(parameter.schema, parameter.name, full)
            )
    if operation.body is not None:
        result |= value(one_form(schemas.writable(operation.body)), "body", full)
        if operation.method == "PATCH" and not full and not set(result) - {a for a in result if a.endswith("Id")}:
            name, schema = next(iter(schemas.writable(operation.body)["properties"].items()))
            result[name] = value(schema, name, full)
    return result


def ids(tool: Tool, tenant: Any) -> dict[str, str]:
    """The ids of a path, of resources that exist and hang together."""
    names = [a.name for a in tool.arguments.values() if a.place == "path"]
    if not names:
        return {}
    holder = COLLECTIONS[names[0]]
    if len(names) == 1:
        return {names[0]: next((item["id"] for item in tenant.all(holder)), UUID)}
    kind = "backups" if names[1] == "backupId" else "snapshots"
    for item in tenant.all(holder):
        copies = tenant.copies(holder, item["id"], kind)
        for copy in copies.page(0, 50, tenant.now(), tenant.lag):
            if copy["state"] == "OK" and not copy.get("lockedUntil"):
                return {names[0]: item["id"], names[1]: copy["id"]}
    raise AssertionError(f"no {kind} in {holder}")


def one_form(schema: Schema) -> Schema:
    """The schema with the first of its choices taken."""
    for key in ("oneOf", "anyOf"):
        if schema.get(key):
            others = {n for b in schema[key][1:] for n in b.get("required", ())} - set(
                schema[key][0].get("required", ())
            )
            base = {k: v for k, v in schema.items() if k != key}
            folded = references._folded(schema[key][0], base)
            if "properties" in folded:
                folded["properties"] = {n: s for n, s in folded["properties"].items() if n not in others}
            return folded
    return schema


def value(schema: Schema, name: str, full: bool) -> Any:
    """A value of the schema."""
    schema = one_form(schema)
    if "enum" in schema:
        return next(v for v in schema["enum"] if v is not None)
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    kind = next((k for k in kind if k != "null"), "null") if isinstance(kind, list) else kind
    match kind:
        case "object":
            needed = schema.get("required", ())
            return {n: value(s, n, full) for n, s in schema.get("properties", {}).items() if full or n in needed}
        case "array":
            fewest = max(1, schema.get("minItems", 0))
            return [value(schema.get("items", {}), name, full) for _ in range(fewest)]
        case "integer" | "number":
            return max(schema.get("minimum", 1), min(1, schema.get("maximum", 1)))
        case "boolean":
            return False
    return text(schema, name)


def text(schema: Schema, name: str) -> str:
    """A string of the schema's format."""
    match str(schema.get("format", "")).lower():
        case "uuid":
            return UUID
        case "date-time":
            return "2027-01-31T18:00:00Z"
        case "ipv4":
            return "10.0.0.7"
        case "hh:mm":
            return "20:00"
    if name.endswith("Id"):
        return UUID
    longest = schema.get("maxLength", 40)
    return "sample"[:longest].ljust(schema.get("minLength", 0), "x")
