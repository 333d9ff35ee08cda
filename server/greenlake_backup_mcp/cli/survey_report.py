"""A survey as a table, Markdown and JSON, to attach to a report: no name, address, id or secret of the tenant in it.

Of what the service sent, only codes, counts and words that look like those of a description get through, and of these
none that stands anywhere in the tenant's values; ids are pseudonyms, the same at each survey of a tenant.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp import __version__, state
from greenlake_backup_mcp.openapi import document
from greenlake_backup_mcp.openapi.document import Schema
from greenlake_backup_mcp.tools import drift
from greenlake_backup_mcp.tools.toolsets import TOOLSET_WORDS
from greenlake_backup_mcp.upstream.reading_table import TABLE

from .survey_reads import ITEMS, MOST_REQUESTS, NOTHING, UNREAD, UNUSABLE, Survey

_WORD = re.compile(r"(?:[A-Za-z]{1,24}|[A-Z]{1,16}(?:_[A-Z]{1,16}){1,5}|[a-z]{1,16}(?:[A-Z][a-z]{1,16}){1,6})")
_PERMISSION = re.compile(r"\b[a-z]{2,20}(?:-[a-z]{2,20})*(?:\.[a-z]{2,20}(?:-[a-z]{2,20})*){2}\b")
_FIELD = re.compile(r"[a-z]{1,16}(?:[A-Z][a-z]{1,16}){1,6}")  # which few names of people and machines look like
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,6})?(?:[,;] ?(?:[wqrt]|limit|remaining|reset)=\d{1,12}){0,6}")
HEADING = "# Survey of a tenant"
OPEN = "cannot be told by reading"
UNSEEN = "nothing there to tell it by"
UNANSWERED = {
    NOTHING: "nothing to read it of",
    UNUSABLE: "no usable answer",
    UNREAD: f"not read: a survey makes {MOST_REQUESTS} requests",
}


class Veil:
    """What may be told of the service's words."""

    def __init__(self, survey: Survey) -> None:
        self._key = state.tenant_key(survey.api.settings)
        schemas = {t.operation.id: document.item_schema(t.operation) for t in survey.tools if t.operation}
        self._values = {
            text
            for operation, body in survey.bodies
            for item in drift.items_of(body)
            for text in _texts(schemas.get(operation, {}), item)
        }

    def pseudonym(self, text: str) -> str:
        """The same word for the same id of the same tenant, which tells nothing of it."""
        return "x-" + hashlib.sha256(f"{self._key} {text}".encode()).hexdigest()[:8] if text else ""

    def word(self, text: str) -> str:
        """A name of a description as it is; whatever else it may be as a pseudonym."""
        return text if _WORD.fullmatch(text) and text.casefold() not in self._values else self.pseudonym(text)

    def path(self, oddity: drift.Oddity, items: int) -> str:
        """Where an oddity is: names of a description. One that it does not know, in one item alone, may be a key."""
        *above, last = (part.removesuffix("[]") for part in oddity.path.split("/"))
        sure = oddity.kind != "field" or items > 1 or _FIELD.fullmatch(last)
        return "/".join([*map(self.word, above), self.word(last) if sure else self.pseudonym(last)])


def _texts(schema: Schema, value: Any) -> Iterator[str]:
    """Every text that an answer holds, in small letters, but where the description lists the words."""
    branches = [schema, *schema.get("oneOf", ()), *schema.get("anyOf", ())]
    if isinstance(value, str):
        if not any("enum" in branch for branch in branches):
            yield value.casefold()
    elif isinstance(value, dict):
        described = {name: sub for branch in branches for name, sub in branch.get("properties", {}).items()}
        for name, inner in value.items():
            yield from _texts(described.get(name, {}), inner)
    elif isinstance(value, list):
        inside: Schema = next((branch["items"] for branch in branches if isinstance(branch.get("items"), dict)), {})
        for inner in value:
            yield from _texts(inside, inner)


def value_of(survey: Survey) -> dict[str, Any]:
    """The survey as JSON."""
    veil = Veil(survey)
    settings, behind = survey.api.settings, survey.api.transport.clock.seconds
    return {
        "survey": 1,
        "version": __version__,
        "tenant": "simulated" if survey.api.simulated else veil.pseudonym("tenant"),
        "region": settings.region or "by base URL",
        "requests": survey.line.requests,
        "seconds": round(survey.seconds, 1),
        "clock_ahead_seconds": None if behind is None else round(-behind),
        "rate_headers": {n: v if _NUMBER.fullmatch(v) else "not a number" for n, v in sorted(survey.rates.items())},
        "toolsets": _toolsets(survey),
        "page_limits": [
            {"operation": look.operation, "asked": look.asked, "came": look.came, "total": look.total}
            for look in survey.looks
            if look.asked > ITEMS
        ],
        "readings": _readings(survey),
        "departures": [
            {
                "operation": operation,
                "kind": {"field": "unknown field", "value": "unknown value", "missing": "required, missing"}[
                    oddity.kind
                ],
                "path": veil.path(oddity, len(items)),
                "value": veil.word(oddity.value) if oddity.value else "",
                "items": len(items),
                "first": veil.pseudonym(items[0]),
            }
            for (operation, oddity), items in sorted(survey.oddities.items())
        ],
    }


def _toolsets(survey: Survey) -> list[dict[str, Any]]:
    by_toolset: dict[str, list[dict[str, Any]]] = {}
    for look in survey.looks:
        if not look.toolset:
            continue
        permission = _PERMISSION.search(look.problem) if look.status == 403 else None
        by_toolset.setdefault(look.toolset, []).append(
            {
                "tool": look.tool,
                "status": UNANSWERED.get(look.status, f"HTTP {look.status}"),
                "works": None if look.status in (NOTHING, UNREAD, 429) else look.status == 200,
                "permission": permission[0] if permission else "",
                "items": look.came,
                "total": look.total,
            }
        )
    return [
        {
            "toolset": name,
            "works": all(look["works"] is not False for look in by_toolset[name]),
            "reads": by_toolset[name],
        }
        for name in TOOLSET_WORDS
        if name in by_toolset
    ]


def _readings(survey: Survey) -> list[dict[str, Any]]:
    rows = []
    for row in TABLE:
        value, proof = survey.proofs.get(row.name, ("", UNSEEN if row.survey else OPEN))
        fixed = survey.api.readings.fixed.get(row.name)
        rows.append(
            {
                "reading": row.name,
                "value": value,
                "as_taken_first": value == row.values[0] if value else None,
                "proof": f"fixed by a setting as {fixed}; {proof}" if fixed else proof,
                "about": row.about,
            }
        )
    return rows


def cannot_work(report: Mapping[str, Any]) -> list[str]:
    """The toolsets of which a read was refused."""
    return [row["toolset"] for row in report["toolsets"] if not row["works"]]


def markdown(report: Mapping[str, Any]) -> str:
    """The survey as Markdown; it reads as well on a terminal."""
    clock = report["clock_ahead_seconds"]
    rates = ", ".join(f"{name}: {value}" for name, value in report["rate_headers"].items())
    tenant = f"tenant {report['tenant']} ({report['region']})"
    lines = [
        HEADING,
        "",
        f"Version {report['version']}, {tenant}: {report['requests']} reads in {report['seconds']} s.",
        f"The service's clock: {'not told' if clock is None else f'{clock:+d} s'}. Rate headers: {rates or 'none'}.",
        "",
        "## Toolsets",
        "",
    ]
    rows: list[tuple[str, ...]] = []
    for toolset in report["toolsets"]:
        for read in toolset["reads"]:
            total = "" if read["total"] is None else f" of {read['total']:,}"
            answer = f"{read['items']}{total}" if read["works"] else read["permission"]
            rows.append((toolset["toolset"], read["tool"], read["status"], answer))
    lines += [*_table(("toolset", "read", "answer", "items, or permission"), rows), ""]
    if report["page_limits"]:
        lines += [f"Largest pages: {'; '.join(map(_page, report['page_limits']))}.", ""]
    answered = [r for r in report["readings"] if r["value"]]
    rows = [
        (r["reading"], r["value"], "" if r["as_taken_first"] else "OTHERWISE than taken first", r["proof"])
        for r in sorted(answered, key=lambda r: r["as_taken_first"])
    ]
    lines += ["## Readings", "", *_table(("reading", "here", "", "proof"), rows), ""]
    for why in (UNSEEN, OPEN):
        names = [r["reading"] for r in report["readings"] if not r["value"] and r["proof"].endswith(why)]
        lines += [f"{why.capitalize()}: {', '.join(names)}.", ""] if names else []
    lines += ["## Against the description", ""]
    rows = [
        (d["operation"], d["kind"], d["path"] + (f" = {d['value']}" if d["value"] else ""), str(d["items"]), d["first"])
        for d in report["departures"]
    ]
    head = ("operation", "what", "where", f"items of the first {ITEMS}", "first in")
    lines += _table(head, rows) if rows else [f"All as described, in the first {ITEMS} items of each list."]
    failed = cannot_work(report)
    unread = [read["tool"] for toolset in report["toolsets"] for read in toolset["reads"] if read["works"] is None]
    words = "No read was refused." if unread else "Every toolset can read what it needs."
    words = f"Cannot work as it is: {', '.join(failed)}." if failed else words
    words += f" Not read: {', '.join(unread)}." if unread else ""
    return "\n".join([*lines, "", words, ""])


def as_json(report: Mapping[str, Any]) -> str:
    """The survey as JSON text."""
    return json.dumps(report, indent=1, ensure_ascii=False) + "\n"


def _page(limit: Mapping[str, Any]) -> str:
    total = "" if limit["total"] is None else f" of {limit['total']:,}"
    return f"{limit['operation']} asked for {limit['asked']:,}, {limit['came']:,}{total} came"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]

    def line(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return [line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)]
