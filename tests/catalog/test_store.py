"""The catalog's file: whose it is, what becomes of one that is broken, older or somebody else's, and who fills it."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.catalog import schema, store
from greenlake_backup_mcp.errors import SettingsError
from greenlake_backup_mcp.settings import Settings


def settings_for(path: Path | str, **values: Any) -> Settings:
    return settings.load(demo=True, catalog=str(path), **values)


def opened(path: Path, **values: str) -> store.Store:
    return store.open_store(settings_for(path, **values))


def remember(held: store.Store) -> None:
    with held.write() as connection:
        connection.execute("INSERT INTO words (word) VALUES ('remembered')")


def words(held: store.Store) -> list[str]:
    return [row[0] for row in held.writer.execute("SELECT word FROM words")]


def test_a_file_is_the_users_alone_and_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "catalog.sqlite"
    held = opened(path)
    remember(held)
    held.close()
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    again = opened(path)
    assert (again.path, again.note, words(again)) == (path, "", ["remembered"])
    again.close()


def test_a_demo_is_in_memory_unless_it_names_a_file() -> None:
    assert store.location(settings.load(demo=True)) == "memory"
    held = store.open_store(settings.load(demo=True))
    remember(held)
    assert held.path is None
    assert held.reader(0).execute("SELECT count(*) FROM assets").fetchone() == (0,)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        held.reader(0).execute("DELETE FROM main.words")
    held.close()


def test_it_can_be_switched_off() -> None:
    with pytest.raises(SettingsError, match="switched off"):
        store.open_store(settings_for("off"))


def test_each_tenant_and_client_has_a_file_of_its_own() -> None:
    one, other = (
        store.location(settings.load(region=region, client_id="a", client_secret="b"))
        for region in ("us-west", "eu-west")
    )
    assert isinstance(one, Path)
    assert one != other
    assert "us-west" not in one.name


def test_a_file_of_another_version_is_built_anew_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    held = opened(path)
    remember(held)
    held.writer.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    held.close()
    again = opened(path)
    assert "another version" in again.note
    assert words(again) == []
    again.close()


def test_a_broken_file_is_built_anew_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    opened(path).close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    again = opened(path)
    assert "broken" in again.note
    again.close()


@pytest.mark.parametrize("content", [b"my own notes\n" * 50, b""])
def test_a_file_that_is_no_catalog_is_never_touched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    if not content:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE mine (a)")
        connection.close()
    before = path.read_bytes()
    held = opened(path)
    assert held.path is None
    assert "stays as it is" in held.note
    assert "in memory" in held.note
    assert path.read_bytes() == before
    held.close()


def test_the_catalog_of_another_tenant_is_never_used(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    held = opened(path)
    remember(held)
    held.close()
    chosen = settings.load(region="eu-west", client_id="a", client_secret="b", catalog=str(path))
    other = store.open_store(chosen)
    assert other.path is None
    assert "another region, workspace or API client" in other.note
    other.close()
    again = opened(path)
    assert words(again) == ["remembered"]
    again.close()


def test_without_a_place_to_write_it_is_in_memory_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    held = opened(tmp_path / "file" / "catalog.sqlite")
    assert held.path is None
    assert "in memory" in held.note
    held.close()


def test_one_process_at_a_time_fills_a_file_and_others_read_it(tmp_path: Path) -> None:
    one, two = (opened(tmp_path / "catalog.sqlite") for _ in range(2))
    assert one.acquire()
    assert not two.acquire()
    remember(one)
    assert words(two) == ["remembered"]
    one.release()
    assert two.acquire()
    one.close()
    two.close()


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    held = opened(tmp_path / "catalog.sqlite")

    def fail() -> None:
        with held.write() as connection:
            connection.execute("INSERT INTO words (word) VALUES ('half')")
            connection.execute("INSERT INTO no_such_table VALUES (1)")

    with pytest.raises(sqlite3.OperationalError):
        fail()
    assert words(held) == []
    held.close()
