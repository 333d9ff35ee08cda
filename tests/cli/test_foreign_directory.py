"""What lies in the directory where a client, or a person, starts the server is never run."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from greenlake_backup_mcp.client_config import registry

ROOT = Path(__file__).resolve().parents[2]
TRAPS = ("mcp", "logging", "types", "json", "runpy", "anyio", "greenlake_backup_mcp")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("GREENLAKE_", "PYTHON"))}


@pytest.fixture
def trapped(tmp_path: Path) -> Path:
    for name in TRAPS:
        (tmp_path / f"{name}.py").write_text(
            f"open({str(tmp_path / 'run')!r}, 'a').write({name!r})\n", encoding="utf-8"
        )
    return tmp_path


def start(command: list[str], place: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=place, env=CLEAN, input="", capture_output=True, text=True, check=False, timeout=60
    )


def test_the_commands_that_config_writes_import_nothing_from_there(trapped: Path) -> None:
    entries: list[dict[str, Any]] = [registry.entry(registry.client(name), ["--demo"], {}) for name in registry.TABLE]
    commands = {(e["command"], *e["args"]) if "args" in e else tuple(e["command"]) for e in entries}
    assert len(commands) < len(entries)  # most clients are given the same one
    for command in commands:
        done = start(list(command), trapped)
        assert not (trapped / "run").exists()
        assert done.returncode == 0


def test_neither_does_dev_py_run(trapped: Path) -> None:
    spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    dev = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(dev)
    for name in ("run", "demo"):
        for step in dev.COMMANDS[name][1]:
            done = start([sys.executable, *step, "--help"], trapped)
            assert not (trapped / "run").exists()
            assert done.returncode == 0


def test_python_m_alone_runs_none_of_what_the_server_imports(trapped: Path) -> None:
    for name in ("greenlake_backup_mcp", "runpy", "types"):  # what Python itself looks for before it is asked
        (trapped / f"{name}.py").unlink()
    done = start([sys.executable, "-m", "greenlake_backup_mcp", "serve", "--demo"], trapped)
    assert done.returncode == 0
    ran = (trapped / "run").read_text(encoding="utf-8") if (trapped / "run").exists() else ""
    assert not {"mcp", "json", "anyio"} & {name for name in TRAPS if name in ran}


def test_the_entry_is_json_that_names_the_safe_path() -> None:
    entry = registry.entry(registry.client("claude-desktop"), ["--demo"], {})
    assert json.loads(json.dumps(entry))["args"][:3] == ["-P", "-m", "greenlake_backup_mcp"]
