"""Names say what they hold: a short list of words says too little, and so each is bound nowhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BANNED = frozenset(("told", "said", "shown", "given", "known", "of", "at", "here", "ours", "found", "kept", "things"))


def bindings(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The names that a module binds, and where."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname, node.lineno


def banned_in(folder: str) -> dict[str, list[str]]:
    """Room → where it binds a banned name."""
    rooms: dict[str, list[str]] = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        room = f"{folder}/{path.relative_to(ROOT / folder).parts[0]}"
        for name, line in bindings(ast.parse(path.read_text(encoding="utf-8"))):
            if name.strip("_") in BANNED:
                rooms.setdefault(room, []).append(f"{path.relative_to(ROOT)}:{line}: {name}")
    return rooms


@pytest.mark.parametrize("folder", ["server/greenlake_backup_mcp", "tests", "tools"])
def test_no_name_says_as_little_as_a_banned_one(folder: str) -> None:
    rooms = banned_in(folder)
    assert not rooms, "\n".join(place for places in rooms.values() for place in places)


def test_no_sql_numbers_its_placeholders() -> None:
    """`?1` with a tuple is deprecated in Python 3.12 and an error in 3.14: such SQL names what it takes (`:since`)."""
    server = (ROOT / "server").rglob("*.py")
    numbered = [p.name for p in server if re.search(r"[=<>(, ]\?\d", p.read_text(encoding="utf-8"))]
    assert not numbered
