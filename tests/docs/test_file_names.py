"""Each file that a document, a docstring or a comment names is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("server", "tests", "tools", "docs", "deploy")
NAME = re.compile(r"(?<![\w./-])((?:[\w-]+/)*[\w-]+\.(?:py|md))\b")
WRITTEN = {"survey.md", "mine.md"}  # what the survey writes for its user
FOREIGN = {"mcp.py", "logging.py"}  # what may lie in the folder that a command is started from


def files() -> Iterator[Path]:
    """The project's Python and Markdown files."""
    for pattern in ("*.py", "*.md"):
        yield from ROOT.glob(pattern)
        for folder in FOLDERS:
            yield from (ROOT / folder).rglob(pattern)


def test_each_file_that_is_named_is_there() -> None:
    paths = [path.relative_to(ROOT).as_posix() for path in files()]
    missing = [
        f"{path}:{number} names {name}"
        for path in paths
        for number, line in enumerate((ROOT / path).read_text("utf-8").splitlines(), 1)
        for name in NAME.findall(line)
        if name not in WRITTEN | FOREIGN and not any(f"/{other}".endswith(f"/{name}") for other in paths)
    ]
    assert len(paths) > 300
    assert not missing
