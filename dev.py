#!/usr/bin/env python3
"""Everything a clone needs, with nothing but Python 3.11: `python3 dev.py demo`, `python3 dev.py test`.

Makes .venv beside this file on first use, installs the project into it, and runs the command there:

    demo    a tour against a simulated tenant
    test    the tests
    check   lint, types, layers
    bench   the benchmarks
    docs    write what documents repeat from the code (--check: only say what is out of date)
    run …   the server's own command line (greenlake-backup-mcp …)
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
COMMANDS = {
    "demo": ("", [["-m", "greenlake_backup_mcp", "demo"]]),
    "run": ("", [["-m", "greenlake_backup_mcp"]]),
    "test": ("dev", [["-m", "pytest"]]),
    "check": (
        "dev",
        [
            ["-m", "ruff", "check", "."],
            ["-m", "ruff", "format", "--check", "."],
            ["-m", "mypy"],
            ["-c", "from importlinter.cli import lint_imports_command as c; c()"],
        ],
    ),
    "docs": ("dev", [["tools/docs.py"]]),
    "bench": ("dev", [["-m", "tests.benchmarks"]]),
}


def ready(extra: str) -> None:
    """Make .venv hold the project with this extra; once per pyproject.toml."""
    stamp = VENV / f"installed-{extra or 'run'}"
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print(f"Installing into {VENV} (once; about a minute) …", file=sys.stderr, flush=True)
    if not PYTHON.exists():
        venv.create(VENV, with_pip=True)
    target = f"{ROOT}[{extra}]" if extra else str(ROOT)
    quiet = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([PYTHON, "-m", "pip", "install", *quiet, "--editable", target], check=True)
    stamp.write_text(wanted, encoding="utf-8")


def main() -> int:
    """The exit status of the first command that fails, else 0."""
    if sys.version_info < (3, 11):  # noqa: UP036  # whoever runs this may have an older one
        print("Python 3.11 or later is needed.", file=sys.stderr)
        return 2
    name, rest = (sys.argv[1] if len(sys.argv) > 1 else "help"), sys.argv[2:]
    if name not in COMMANDS:
        print(__doc__)
        return 0 if name in ("help", "-h", "--help") else 2
    extra, steps = COMMANDS[name]
    try:
        ready(extra)
    except subprocess.CalledProcessError as error:
        print(f"The installation failed (pip ended with {error.returncode}); see above.", file=sys.stderr)
        return 1
    for step in steps:
        status = subprocess.run([PYTHON, *step, *rest], cwd=ROOT, check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
