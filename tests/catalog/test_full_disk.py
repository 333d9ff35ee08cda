"""A disk without room, a file that goes or breaks while it is in use: told as that, and nothing else is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from greenlake_backup_mcp import settings as loading
from greenlake_backup_mcp.catalog import store as stores
from greenlake_backup_mcp.catalog.catalog import Catalog, opened
from greenlake_backup_mcp.errors import BackupError
from tests.conftest import ticking
from tests.support.filled_catalog import catalog_of, rows, with_few_assets


@pytest.fixture
def tenant(tenant: Any) -> Any:
    return with_few_assets(tenant)


def leave_pages(store: stores.Store, pages: int) -> None:
    """As if the disk had room for so many pages more: SQLite answers as a full disk makes it answer."""
    held = store.writer.execute("PRAGMA page_count").fetchone()[0]
    store.writer.execute(f"PRAGMA max_page_count = {held + pages}")


@pytest.mark.parametrize(
    ("pages", "some"), [(2, False), (125, True)], ids=["while lists are read", "while recovery points are read"]
)
async def test_a_disk_without_room_is_told_and_what_was_read_stays(
    tmp_path: Path, tenant: Any, pages: int, some: bool
) -> None:
    chosen = loading.load(demo=True, wait=60, catalog=str(tmp_path / "catalog.sqlite"))
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
        leave_pages(await catalog._open(), 100_000)
        before = await counted(catalog)
        await catalog.ready(whole=True)  # there is room again: the next question goes on where it was
        assert (await catalog.coverage()).complete
        assert (await catalog.coverage()).notes == ()
        assert await counted(catalog) > before


async def counted(catalog: Catalog) -> int:
    return int((await rows(catalog, "SELECT count(*) AS n FROM coverage WHERE state = 'read'"))[0]["n"])


@pytest.mark.parametrize("by", ["removed", "replaced", "broken"])
async def test_a_file_that_goes_or_breaks_in_use_is_begun_anew_and_that_is_told(
    tmp_path: Path, tenant: Any, by: str
) -> None:
    path = tmp_path / "catalog.sqlite"
    chosen = loading.load(demo=True, wait=60, catalog=str(path))
    async with catalog_of(tenant, ticking, chosen) as catalog:
        await catalog.sync()
        whole = await counted(catalog)
        store = await catalog._open()
        if by == "broken":
            store.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            with path.open("r+b") as file:
                file.seek(4096)
                file.write(b"\xff" * (path.stat().st_size - 4096))
            with pytest.raises(BackupError, match="cannot be read"):
                await counted(catalog)
        else:
            path.unlink()
        if by == "replaced":
            other = loading.load(demo=True, catalog=str(path), region="eu-west")
            stores.open_store(other).close()
        await catalog.sync()
        assert await counted(catalog) == whole
        notes = " ".join((await catalog.coverage()).notes)
        meant = {"removed": "was removed meanwhile", "replaced": "another region", "broken": "was broken"}[by]
        assert meant in notes
