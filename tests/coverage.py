"""`python3 dev.py coverage`: branch coverage of the whole suite by room, against what is promised of each.

Runs all tests (some 20 minutes), and measures every process of them: servers of tests run without our environment, so
that a file of the virtual environment starts the measuring, as coverage.py documents it (`process_startup`). With
--report it only judges the .coverage that lies there.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coverage import Coverage

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "server" / "greenlake_backup_mcp"
ROOMS_AT_97 = ("consent", "previews", "writes", "lists", "upstream", "dispatch")
ELSEWHERE = 85.0
START = "import os; os.environ['COVERAGE_PROCESS_START'] = {rc!r}; import coverage; coverage.process_startup()\n"


@contextmanager
def every_process_measured() -> Iterator[None]:
    """Within it each process of this virtual environment writes a .coverage file of its own beside pyproject.toml."""
    start = Path(sysconfig.get_path("purelib")) / "zz_measure_coverage.pth"  # after those that extend the path
    with tempfile.TemporaryDirectory() as place:
        rc = Path(place) / "coveragerc"
        run = {"branch": "true", "source": PACKAGE, "data_file": ROOT / ".coverage", "parallel": "true"}
        run |= {"sigterm": "true", "patch": "_exit"}
        quiet = "no-data-collected, couldnt-parse, already-imported, module-not-imported, module-not-measured"
        run |= {"disable_warnings": quiet}  # tests read the stderr of their servers
        rc.write_text("\n".join(["[run]", *(f"{key} = {value}" for key, value in run.items())]), encoding="utf-8")
        start.write_text(START.format(rc=str(rc)), encoding="utf-8")
        try:
            yield
        finally:
            start.unlink()


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
    coverage = Coverage()
    if "--report" not in sys.argv:
        for old in ROOT.glob(".coverage*"):
            old.unlink()
        with every_process_measured():
            status = subprocess.run([sys.executable, "-m", "pytest", *sys.argv[1:]], check=False).returncode
        if status:
            print(f"Tests failed ({status}); what they met is counted all the same.")
        coverage.combine()
        coverage.save()
    else:
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
