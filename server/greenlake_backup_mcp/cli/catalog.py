"""`catalog sync` and `catalog forget`: the backup catalog filled for cron, and its file removed.

Knows how to print for people; what is read and kept is known by catalog/.
"""

from __future__ import annotations

import sqlite3

from greenlake_backup_mcp.catalog import answer, store
from greenlake_backup_mcp.catalog.catalog import Catalog
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.server import app
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.upstream import client

from .printing import print_progress, print_result


async def sync(settings: Settings) -> int:
    """Read all that is due into the catalog's file; 0 where everything was read, 1 where a part could not be, told."""
    async with client.connect(settings) as api:
        catalog = Catalog(settings, api, app.tool_set(settings).operations)
        try:
            covered = await catalog.sync(print_progress)
            where = catalog.store.path if catalog.store else None
        except sqlite3.Error as error:
            raise BackupError(f"The catalog cannot be written: {error}.", hint="Is there room on the disk?") from None
        finally:
            catalog.close()
    for line in answer.coverage_lines(covered):
        print_result(line)
    print_result(f"Kept in {where or 'memory, and gone now: name a file with --catalog'}.")
    if covered.complete:
        return 0
    failed = len(covered.unread_lists)
    print_result(
        f"Not whole: {units.plural(failed, 'list')} and the recovery points of {covered.unread:,} assets are unread."
    )
    return 1


def forget(settings: Settings) -> int:
    """Remove the catalog's file with all that it remembers."""
    print_result(store.forget(settings))
    return 0


def describe(settings: Settings) -> str:
    """The catalog in one line for `doctor`: where it is, how large, what it covers; nothing is read or made."""
    where = store.location(settings)
    if where == "off":
        return "switched off"
    if where == "memory":
        return "in memory; gone when the server ends"
    if not where.exists():
        return f"not begun yet; the first question over the whole tenant makes {where}"
    try:
        store.check(where)
    except (store.Unusable, OSError, sqlite3.Error) as problem:
        return f"{where}: {problem}; the server would keep it in memory"
    return f"{where}, {where.stat().st_size / 2**20:.1f} MiB; `catalog forget` removes it"
