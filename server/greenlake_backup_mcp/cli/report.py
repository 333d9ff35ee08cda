"""`report`: the morning check as Markdown or static HTML, for mail and cron; the exit status is the verdict.

0 all well, 1 look into it, 2 act today, 3 no report could be made, or nothing can be said. Knows how to print for
people; what is judged is known by fleet/.
"""

from __future__ import annotations

import html
import sqlite3
from collections.abc import Iterator, Sequence

from greenlake_backup_mcp.catalog.catalog import Catalog
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.fleet import check_health
from greenlake_backup_mcp.fleet.check_health import Section
from greenlake_backup_mcp.fleet.question import question
from greenlake_backup_mcp.server import app
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.text import sanitize, units
from greenlake_backup_mcp.upstream import client

from .printing import print_progress, print_result

FORMS = ("markdown", "html")
LONGEST = 300  # characters of a cell
STYLE = (
    "body{font:14px/1.4 sans-serif;margin:2em;max-width:70em}table{border-collapse:collapse}"
    "td,th{border:1px solid #999;padding:.2em .5em;text-align:left;vertical-align:top}"
)


async def report(settings: Settings, form: str) -> int:
    """Read what is due, then print the report; the exit status is the verdict. BackupError where there is none."""
    async with client.connect(settings) as api:
        catalog = Catalog(settings, api, app.tool_set(settings).operations)
        try:
            await question(
                catalog, {}, print_progress
            )  # what is wrong with zone or exceptions is told before all is read
            await _sync(catalog)
            asked = await question(catalog, {}, print_progress)
            health_found, estate = await check_health.examine(asked)
        except sqlite3.Error as error:
            raise BackupError(f"The catalog cannot be used: {error}.", hint="Is there room on the disk?") from None
        finally:
            catalog.close()
    title = (
        f"Backup report of {'a simulated tenant' if settings.demo else 'the tenant'}, {units.stamp(asked.clock.now)}"
    )
    made = (to_html if form == "html" else to_markdown)(title, check_health.sections(health_found, estate, asked.clock))
    print_result(made)
    return int(health_found.level)


async def _sync(catalog: Catalog) -> None:
    """Read all that is due, unless another process does: what there is serves then, and the report tells its age."""
    await catalog.coverage()
    if catalog.filler is not None and await catalog.filler.acquire():
        await catalog.sync(print_progress)


def _cell(value: object) -> str:
    return "" if value is None else sanitize.cell(str(value), LONGEST)


def _names(section: Section) -> list[str]:
    return [name for name in (section.rows[0] if section.rows else ()) if any(row.get(name) for row in section.rows)]


def to_markdown(title: str, sections: Sequence[Section]) -> str:
    """The report as Markdown; what the tenant's texts hold is escaped."""

    def lines() -> Iterator[str]:
        yield f"# {title}"
        for section in sections:
            yield from ("", f"## {_markdown(section.title)}", "")
            yield from (f"{_markdown(line)}  " for line in section.lines if line)
            if names := _names(section):
                yield from ("", f"| {' | '.join(names)} |", f"|{'---|' * len(names)}")
                yield from (f"| {' | '.join(_markdown(row.get(n)) for n in names)} |" for row in section.rows)

    return "\n".join(lines())


def _markdown(value: object) -> str:
    text = html.escape(_cell(value), quote=False)
    return "".join(f"\\{c}" if c in "|`*_[]\\" else c for c in text)


def to_html(title: str, sections: Sequence[Section]) -> str:
    """The report as one static page: tables, a style, no script, nothing from elsewhere."""

    def lines() -> Iterator[str]:
        yield f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        yield f"<style>{STYLE}</style></head><body><h1>{html.escape(title)}</h1>"
        for section in sections:
            yield f"<h2>{html.escape(_cell(section.title))}</h2>"
            yield from (f"<p>{html.escape(_cell(line))}</p>" for line in section.lines if line)
            if names := _names(section):
                yield "<table><tr>" + "".join(f"<th>{html.escape(n)}</th>" for n in names) + "</tr>"
                for row in section.rows:
                    yield "<tr>" + "".join(f"<td>{html.escape(_cell(row.get(n)))}</td>" for n in names) + "</tr>"
                yield "</table>"
        yield "</body></html>"

    return "\n".join(lines())
