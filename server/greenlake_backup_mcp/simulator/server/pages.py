"""GETs: one resource, or a page of a list in its documented envelope."""

# ruff: noqa: PLR0913, PLR0917

from __future__ import annotations

from collections.abc import Iterable

from greenlake_backup_mcp.simulator.answers import Answer, Refusal
from greenlake_backup_mcp.simulator.history.copies import Copies
from greenlake_backup_mcp.simulator.history.recovery_points import HOLDERS
from greenlake_backup_mcp.simulator.names import Item
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.writes.call import Call

from . import dialect
from .attributes import grammar
from .query import predicate, select_fields, sort_items

# issues insist on these when select is used
INSISTS = {"ListIssues": ("id", "type", "customerId", "generation", "resourceUri", "createdAt", "updatedAt")}


def get(call: Call) -> Answer:
    """The answer to a GET."""
    if call.route.is_list:
        return Answer(200, _page(call))
    item = call.read(call.ref)
    if "select" in call.query:
        insists = INSISTS["ListIssues"] if call.route.operation.id == "GetIssue" else ()
        item = select_fields([item], call.query["select"], call.route.properties, insists)[0]
    return Answer(200, dialect.write_item(call.collection, item, call.tenant.switches))


def _page(call: Call) -> Item:
    tenant, route, query = call.tenant, call.route, call.query
    schema = route.parameters.get(("query", "limit"), {})
    limit, offset = query.get("limit", schema.get("default", 1000)), query.get("offset", 0)
    name = route.operation.id
    needs_all = "filter" in query or "sort" in query
    if call.ids and call.collection in HOLDERS and not needs_all:
        copies = _copies(call)
        items, total = copies.page(offset, limit, tenant.now(), tenant.lag), copies.count(tenant.now(), tenant.lag)
    elif call.collection == "async-operations" and not needs_all:
        items, total = tenant.task_page(offset, limit)
    else:
        matching = _all(call)
        if "filter" in query:
            test = predicate(query["filter"], grammar(route.operation), tenant.switches)
            matching = [item for item in matching if test(item)]
            if not matching and tenant.switches.no_match_is_404 and 404 in route.status_codes:
                raise Refusal(404, "The filter attribute's value does not exist.")
        if "sort" in query:
            matching = sort_items(matching, query["sort"], grammar(route.operation).sort or route.properties)
        items = list(matching)
        total, items = len(items), items[offset : offset + limit]
    if "select" in query:
        items = select_fields(items, query["select"], route.properties, INSISTS.get(name, ()))
    return _envelope(tenant, call, items, total, limit, offset)


def _copies(call: Call) -> Copies:
    call.read(call.ref)
    return call.tenant.copies(call.collection, call.ids[0], call.route.segments[4])


def _all(call: Call) -> Iterable[Item]:
    tenant = call.tenant
    if not call.ids:
        return tenant.all(call.collection)
    if call.collection in HOLDERS:
        return _copies(call).all(tenant.now(), tenant.lag)
    call.read(call.ref)
    held = tenant.all(call.route.segments[4])
    return [item for item in held if item["hypervisorManagerInfo"]["id"] == call.ids[0]]


def _envelope(tenant: Tenant, call: Call, items: list[Item], total: int, limit: int, offset: int) -> Item:
    schema = call.route.answer_schema
    names = schema["properties"]
    written = [dialect.write_item(call.collection, item, tenant.switches) for item in items]
    page: Item = {"items": written, "count": len(items)}
    if "pageLimit" in names:
        page |= {"pageLimit": limit, "pageOffset": offset}
    else:
        page["offset"] = offset
        if "limit" in names:
            page["limit"] = limit
    if tenant.switches.totals or "total" in schema.get("required", ()):
        page["total"] = total
    return page
