"""The catalog's file: whose it is, what becomes of one that is broken, older or somebody else's, and who fills it."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.catalog import schema, store
from greenlake_backup_mcp.errors import SettingsError
from greenlake_backup_mcp.settings import Settings


def loaded(**values: Any) -> Settings:
    return settings.load(client_id="a", client_secret="b", **values)


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
    with closing(held.reader(0)) as reader:
        assert reader.execute("SELECT count(*) FROM assets").fetchone() == (0,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.execute("DELETE FROM main.words")
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


def test_a_file_that_was_cut_off_is_built_anew(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    opened(path).close()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    again = opened(path)
    assert "broken" in again.note
    remember(again)
    again.close()


POSIX = pytest.mark.skipif(os.name != "posix", reason="owners and links as POSIX has them")


@POSIX
@pytest.mark.parametrize("content", [b"", b"my own notes\n"], ids=["a catalog of another version", "no catalog"])
def test_a_file_of_somebody_else_is_never_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    path = tmp_path / "catalog.sqlite"
    held = opened(path)
    held.writer.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    held.close()
    if content:
        path.write_bytes(content)
    before = path.read_bytes(), path.stat().st_mode
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    other = opened(path)
    assert other.path is None
    assert "belongs to somebody else" in other.note
    assert (path.read_bytes(), path.stat().st_mode) == before
    other.close()


def test_a_directory_at_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    state = loaded(state_dir=tmp_path)
    place = store.location(state)
    assert isinstance(place, Path)
    place.mkdir(parents=True)
    held = store.open_store(state)
    assert held.path is None
    assert "it is no file" in held.note
    with pytest.raises(SettingsError, match="was not removed"):
        store.forget(state)
    held.close()


@POSIX
def test_a_link_leads_to_the_file_and_stays_one(tmp_path: Path) -> None:
    link, target = tmp_path / "link.sqlite", tmp_path / "elsewhere.sqlite"
    held = opened(target)
    held.writer.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    held.close()
    link.symlink_to(target)
    again = opened(link)
    assert "another version" in again.note
    assert (link.is_symlink(), again.path) == (True, target)
    remember(again)
    again.close()


@POSIX
@pytest.mark.parametrize("leads_to", ["nowhere.sqlite", "link.sqlite"])
def test_a_link_that_leads_nowhere_is_told(tmp_path: Path, leads_to: str) -> None:
    (tmp_path / "link.sqlite").symlink_to(tmp_path / leads_to)
    held = opened(tmp_path / "link.sqlite")
    assert held.path is None
    assert "in memory" in held.note
    held.close()


def test_a_path_may_be_relative_or_name_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    held = opened(Path("mine.sqlite"))
    assert held.path == tmp_path / "mine.sqlite"
    held.close()
    inside = store.location(settings_for("."))
    assert isinstance(inside, Path)
    assert inside.parent == tmp_path
    assert inside.name.startswith("catalog-")
    assert store.location(settings_for("~nobody-of-that-name/c")) == tmp_path / "~nobody-of-that-name" / "c"


MOUNTS = """\
overlay / overlay rw 0 0
nas:/home /home nfs4 rw 0 0
tmpfs /home/local tmpfs rw 0 0
//nas/share /mnt/my\\040share cifs rw 0 0
host /media/host fuse.sshfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "remote"),
    [("/home/me/c.sqlite", True), ("/home/local/c.sqlite", False), ("/homework/c.sqlite", False), ("/c.sqlite", False),
     ("/mnt/my share/c.sqlite", True), ("/media/host/c.sqlite", True), ("\\\\nas\\share\\c.sqlite", True)],
)  # fmt: skip
def test_network_file_systems_are_known_by_the_table_of_mounts(tmp_path: Path, path: str, remote: bool) -> None:
    (tmp_path / "mounts").write_text(MOUNTS)
    assert store.is_remote(Path(path), tmp_path / "mounts") == remote


def test_on_a_network_file_system_there_is_no_log_of_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def journal() -> str:
        held = opened(tmp_path / "catalog.sqlite")
        remember_again(held)
        mode: str = held.writer.execute("PRAGMA journal_mode").fetchone()[0]
        held.close()
        return mode

    assert journal() == "wal"
    monkeypatch.setattr(store, "is_remote", lambda _: True)
    assert journal() == "truncate"  # of a file that had one before


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


HOLDER = """
import sys
from greenlake_backup_mcp import settings
from greenlake_backup_mcp.catalog import store
held = store.open_store(settings.load(demo=True, catalog=sys.argv[1]))
print(held.acquire(), flush=True)
sys.stdin.read()
"""


def test_a_process_that_was_killed_holds_up_no_other_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "catalog.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        mine = opened(path)
        assert not mine.acquire()
        remember(mine)
        other.kill()
    assert not mine.acquire()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + store.LEASE_SECONDS + 1)
    assert mine.acquire()
    assert words(mine) == ["remembered"]
    mine.close()


def test_a_clock_that_is_put_back_or_on_leaves_no_file_unfilled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    one, two = (opened(tmp_path / "catalog.sqlite") for _ in range(2))
    assert one.acquire()
    monkeypatch.setattr(time, "time", lambda: now - 86400)
    assert two.acquire()  # a lease until tomorrow is none
    assert not one.acquire()
    monkeypatch.setattr(time, "time", lambda: now + 86400)
    assert one.acquire()
    remember(two)
    assert not two.acquire()
    one.close()
    two.close()


def test_a_long_reading_keeps_its_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    one, two = (opened(tmp_path / "catalog.sqlite") for _ in range(2))
    assert one.acquire()
    for seconds in range(0, 600, 30):
        monkeypatch.setattr(time, "time", lambda moment=now + seconds: moment)
        remember_again(one)
        assert not two.acquire()
    one.close()
    two.close()


def remember_again(held: store.Store) -> None:
    with held.write() as connection:
        connection.execute("INSERT OR IGNORE INTO words (word) VALUES ('again')")


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
