#!/usr/bin/env python3
"""Everything a clone needs, with nothing but Python 3.11 or later: `python3 dev.py demo`, `python3 dev.py test`.

Makes .venv beside this file on first use, installs the project into it, and runs the command there:

    demo    a tour against a simulated tenant
    run …   the server's own command line: run doctor, run config CLIENT, run call TOOL, …
    pack    make greenlake-backup-mcp.mcpb, which Claude Desktop opens
    install  only make .venv, with all that the commands below need
    test    the tests
    check   lint, types, layers
    coverage  the tests, and how much of each room they run, branch by branch (some 20 minutes)
    bench   the benchmarks
    docs    write what documents repeat from the code (--check: only say what is out of date)
"""

# Must be understood by an old Python, which then says in one sentence what is needed: no newer syntax here.

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
HERE = ("run", "pack")  # commands that work in the directory one stands in
COMMANDS = {  # the extra that .venv must hold (None: no .venv), and what is run
    # -P: what lies in the directory one stands in is never imported
    "demo": ("", [["-P", "-m", "greenlake_backup_mcp", "demo"]]),
    "run": ("", [["-P", "-m", "greenlake_backup_mcp"]]),
    "pack": (None, [[str(ROOT / "tools" / "pack.py")]]),
    "install": ("dev", []),
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
    "coverage": ("dev", [["-m", "tests.coverage"]]),
    "docs": ("dev", [["tools/docs.py"]]),
    "bench": ("dev", [["-m", "tests.benchmarks"]]),
}


def ready(extra: str) -> None:
    """Make .venv hold the project with this extra; once per pyproject.toml and place of the clone."""
    stamp = VENV / f"installed-{extra or 'run'}"
    stamps = (stamp, VENV / "installed-dev")  # which holds all that running needs
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + str(ROOT).encode()).hexdigest()
    there = [one.exists() and one.read_text(encoding="utf-8") == wanted for one in stamps]
    if PYTHON.exists() and any(there):
        return
    what = "what tests and checks need" if extra else "the server"
    say(f"Installing {what} into {VENV} (once; about a minute) …")
    if (
        not PYTHON.exists()
        or subprocess.run([PYTHON, "-P", "-m", "pip", "-V"], capture_output=True, check=False).returncode
    ):
        try:
            venv.create(VENV, with_pip=True, clear=not PYTHON.exists())
        except subprocess.CalledProcessError:
            raise SystemExit(
                "This Python cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv."
            ) from None
    target = f"{ROOT}[{extra}]" if extra else str(ROOT)
    quiet = ["-qq", "--disable-pip-version-check", "--no-warn-script-location"]
    subprocess.run([PYTHON, "-P", "-m", "pip", "install", *quiet, "--editable", target], check=True)
    stamp.write_text(wanted, encoding="utf-8")


def say(text: str) -> None:
    """Print to stderr, whatever letters it knows."""
    encoding = sys.stderr.encoding or "ascii"
    print(text.encode(encoding, "replace").decode(encoding), file=sys.stderr, flush=True)


def main() -> int:
    """The exit status of the first command that fails, else 0."""
    if sys.version_info < (3, 11):  # noqa: UP036  # whoever runs this may have an older one
        say("Python 3.11 or later is needed, and this is {}.{}: python.org has it.".format(*sys.version_info))
        return 2
    name, rest = (sys.argv[1] if len(sys.argv) > 1 else "help"), sys.argv[2:]
    if name not in COMMANDS:
        known = name in ("help", "-h", "--help")
        if known:
            print(__doc__)
        else:
            say(f"There is no command {name!r}: {', '.join(COMMANDS)}.")
        return 0 if known else 2
    extra, steps = COMMANDS[name]
    try:
        if extra is not None:
            ready(extra)
        for step in steps:
            # Some work where whoever types stands: files they name, and files that `config` writes, are there.
            python, place = (PYTHON if extra is not None else sys.executable), (None if name in HERE else ROOT)
            done = subprocess.run([python, *step, *rest], cwd=place, check=False)
            if done.returncode:
                return done.returncode
    except subprocess.CalledProcessError as error:
        say(f"The installation failed (pip ended with {error.returncode}); see above. Behind a proxy: set HTTPS_PROXY.")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
