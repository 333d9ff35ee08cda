"""`python3 dev.py coverage`: branch coverage of the whole suite by room, against what is promised of each.

Runs all tests (some 20 minutes); with --report only judges the .coverage that lies there.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from coverage import Coverage

PACKAGE = Path(__file__).resolve().parents[1] / "server" / "greenlake_backup_mcp"
ROOMS_AT_97 = ("consent", "previews", "writes", "lists", "upstream", "dispatch")
ELSEWHERE = 85.0


def by_room(coverage: Coverage) -> dict[str, tuple[int, int, list[tuple[float, str]]]]:
    """Room → branches and lines met, all of them, and its files with the least first."""
    rooms: dict[str, tuple[int, int, list[tuple[float, str]]]] = defaultdict(lambda: (0, 0, []))
    for file in coverage.get_data().measured_files():
        path = Path(file).relative_to(PACKAGE)
        numbers = coverage._analyze(file).numbers
        met, total = numbers.ratio_covered
        before = rooms[path.parts[0]]
        rooms[path.parts[0]] = (before[0] + met, before[1] + total, [*before[2], (numbers.pc_covered, str(path))])
    return rooms


def main() -> int:
    """The exit status: 1 where a room has less than is promised."""
    if "--report" not in sys.argv:
        command = [sys.executable, "-m", "pytest", "--cov", "--cov-report=", *sys.argv[1:]]
        if status := subprocess.run(command, check=False).returncode:
            print(f"Tests failed ({status}); what they met is counted all the same.")
    coverage = Coverage()
    coverage.load()
    short = 0
    for room, (met, total, files) in sorted(by_room(coverage).items()):
        wanted = 97.0 if room in ROOMS_AT_97 else ELSEWHERE
        reached = 100 * met / total if total else 100.0
        short += reached < wanted
        least = ", ".join(f"{path} {share:.0f}" for share, path in sorted(files)[:3] if share < wanted)
        print(f"{'' if reached >= wanted else 'SHORT '}{room}: {reached:.1f} % of {wanted:.0f} %  {least}")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
