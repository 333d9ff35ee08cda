"""Make the bundle that Claude Desktop opens: `python3 dev.py pack [FILE]`. A zip of what .mcpbignore lets through.

`npx @anthropic-ai/mcpb pack` makes the same one (`python -m tests.bundle` compares them); this needs no Node.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
NAME = "greenlake-backup-mcp.mcpb"


def packed() -> Iterator[Path]:
    """The files of the bundle, by the patterns of .mcpbignore; folders are let through by name, and filtered within."""
    lines = (ROOT / ".mcpbignore").read_text(encoding="utf-8").splitlines()
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    roots = [p[2:] for p in patterns if p.startswith("!/") and "*" not in p]
    left_out = [p.rstrip("/") for p in patterns if not p.startswith(("!", "/"))]
    for root in roots:
        top = ROOT / root
        for file in sorted(top.rglob("*")) if top.is_dir() else [top]:
            parts = PurePosixPath(file.relative_to(ROOT)).parts
            if file.is_file() and not any(PurePosixPath(part).match(p) for part in parts for p in left_out):
                yield file


def pack(target: Path) -> int:
    """Write the bundle; how many files are in it."""
    files = list(packed())
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bundle:
        for file in files:
            bundle.write(file, file.relative_to(ROOT).as_posix())
    return len(files)


def main() -> int:
    """Say what was made, and what to do with it."""
    parser = argparse.ArgumentParser(prog="dev.py pack", description="Make the bundle that Claude Desktop opens.")
    parser.add_argument("file", nargs="?", type=Path, default=Path(NAME), help=f"where to write it (default: {NAME})")
    target = parser.parse_args().file
    try:
        number = pack(target)
    except OSError as error:
        print(f"{target} cannot be written: {error.strerror or error}.", file=sys.stderr)
        return 1
    print(f"{target}: {number} files, {target.stat().st_size / 1024:.0f} KiB.")
    print("Open it with Claude Desktop: by a double click, or under Settings > Extensions > Advanced settings.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
