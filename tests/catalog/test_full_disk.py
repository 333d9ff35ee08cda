"""A disk without room: told as that, and nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from greenlake_backup_mcp import settings as loading
from greenlake_backup_mcp.catalog import store as stores
from greenlake_backup_mcp.catalog.catalog import opened
from greenlake_backup_mcp.errors import BackupError
from tests.conftest import ticking
from tests.support.filled_catalog import catalog_of, rows


def leave_pages(store: stores.Store, pages: int) -> None:
    """As if the disk had room for so many pages more: SQLite answers as a full disk makes it answer."""
    held = store.writer.execute("PRAGMA page_count").fetchone()[0]
    store.writer.execute(f"PRAGMA max_page_count = {held + pages}")


@pytest.mark.parametrize(
    ("pages", "some"), [(20, False), (400, True)], ids=["while lists are read", "while recovery points are read"]
)
async def test_a_disk_without_room_is_told_and_what_was_read_stays(
    tmp_path: Path, tenant: Any, pages: int, some: bool
) -> None:
    chosen = loading.load(demo=True, wait=20, catalog=str(tmp_path / "catalog.sqlite"))
    async with catalog_of(tenant, ticking, chosen) as catalog, opened(catalog):
        leave_pages(await catalog._open(), pages)
        await catalog.ready(whole=True)
        coverage = await catalog.coverage()
        assert "cannot be written (database or disk is full)" in " ".join(coverage.notes)
        assert "mistake" not in " ".join(coverage.notes)
        read = await rows(catalog, "SELECT count(*) AS n FROM coverage")
        assert (read[0]["n"] > 0) == some
        with pytest.raises(BackupError, match="disk is full"):
            await catalog.sync()
