"""The frameworks that pip and npm bring, against the demo over stdio and HTTP: `python -m tests.clients [NAME ...]`

Each has an environment of its own, kept in the user's cache and made anew when its requirements change. Prints a
table (`--write`: into docs/CLIENTS.md); exit status 1 where something did not work that should.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.replicas import free_port

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "greenlake-backup-mcp-clients"
DOCUMENT = HERE.parents[1] / "docs" / "CLIENTS.md"
README = HERE.parents[1] / "README.md"
BEGIN, END = "<!-- tried: written by python -m tests.clients --write -->\n", "<!-- /tried -->"
REQUIREMENTS = {
    "sdk": ("mcp>=2.3",),
    "sdk-1": ("mcp<2",),
    "fastmcp": ("fastmcp",),
    "langchain": ("langchain-mcp-adapters",),
    "openai-agents": ("openai-agents",),
    "pydantic-ai": ("pydantic-ai-slim[mcp]",),
    "google-genai": ("google-genai", "mcp>=2.3"),
    "llama-index": ("llama-index-tools-mcp",),
    "smolagents": ("smolagents[mcp]", "mcp<2"),
    "agno": ("agno", "openai", "fastmcp"),
    "autogen": ("autogen-ext[mcp]", "autogen-agentchat", "mcp<2"),
}
NODE = {  # of npm
    "typescript-sdk": ("@modelcontextprotocol/sdk",),
    "ai-sdk": ("@ai-sdk/mcp",),
    "langchain-js": ("@langchain/mcp-adapters", "@langchain/core"),
}
COLUMNS = ("list", "read", "gated", "catalog", "error", "progress")
COLUMNS_EXPLAINED = (
    "list: how many tools it sees. read: a list. gated: a preview, its code, the change. catalog: a question over the "
    "whole tenant, within the client's own time-out. error: an error that the model can act on. progress: whether what "
    "it reports rises; *not told* where the framework hands none on."
)
NOT_RUN = (
    "Not run by this command: Claude Desktop, Claude Code, Gemini CLI, Codex CLI, Copilot CLI, opencode and qwen-code, "
    "which need a person, or a model's key, to make a call; the Inspector, which `python -m tests.inspector` runs; and "
    "openai-agents for JS, mastra, google-adk, mcp-use, haystack, semantic-kernel, dspy, crewai and anthropic."
)


@dataclass(frozen=True)
class Environment:
    """A framework as it is installed: how its driver is started, and which version it is."""

    command: tuple[str, ...]
    version: str


def environment(name: str) -> Environment:
    """A framework's environment, which is made where it is missing; SystemExit where it cannot be."""
    packages = REQUIREMENTS.get(name) or NODE[name]
    folder = CACHE / f"{name}-{hashlib.sha256(' '.join(packages).encode()).hexdigest()[:12]}"
    complete = folder / "complete"
    if not complete.exists():
        folder.mkdir(parents=True, exist_ok=True)
    if name in NODE:
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit(f"{name} is left out: there is no Node on this machine")
        if not complete.exists():
            install(
                [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *packages], complete
            )
        about = folder / "node_modules" / packages[0] / "package.json"
        command = ("node", str(HERE / "driver.cjs"), str(folder), name)
        return Environment(command, json.loads(about.read_text(encoding="utf-8"))["version"])
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not complete.exists():
        venv.create(folder, with_pip=True, clear=True)
        install([str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *packages], complete)
    distribution = packages[0].split("[")[0].split("<")[0].split(">")[0]
    code = f"import importlib.metadata as m; print(m.version({distribution!r}))"
    version = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout.strip()
    return Environment((str(python), str(HERE / "driver.py"), name), version)


def install(command: list[str], complete: Path) -> None:
    """Run an installation, and note that it is complete."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{complete.parent.name} cannot be installed: {done.stderr[-300:]}")
    complete.touch()


@contextmanager
def served(state: Path) -> Iterator[str]:
    """The demo over HTTP on a free port of this machine."""
    port = free_port()
    command = [*serve(), "--http", f"127.0.0.1:{port}"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=settings(state))
    try:
        assert process.stderr
        for line in process.stderr:
            if "http" in line.lower():
                break
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(10)


def serve() -> list[str]:
    """The command that starts the demo."""
    return [sys.executable, "-m", "greenlake_backup_mcp", "serve", "--demo", "--log-level", "warning"]


def settings(state: Path) -> dict[str, str]:
    """The environment of a server that is nobody's but this command's."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GREENLAKE_")}
    return {**clean, "GREENLAKE_MCP_STATE_DIR": str(state)}


def tried(made: Environment, *way: str, state: Path) -> dict[str, str]:
    """What worked of one framework over one transport, by column."""
    command = [*made.command, *way]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=180, env=settings(state), cwd=state
        )
    except subprocess.TimeoutExpired:
        return {"list": "NO: still running after 180 s"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        return {"list": f"NO: {done.stderr[-200:]}"}
    result: dict[str, str] = json.loads(lines[-1].removeprefix("RESULT "))
    return result


def summary(results: dict[str, dict[str, list[str]]]) -> str:
    """The README's table: what does not work of each framework over each transport."""
    rows = ["| framework | stdio | HTTP |", "|---|---|---|"]
    for name, by_transport in results.items():
        cells = [f"not: {', '.join(wrong)}" if wrong else "works" for wrong in by_transport.values()]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def main() -> int:
    """Print the table; 1 where a cell says NO."""
    results: dict[str, dict[str, list[str]]] = {}
    left_out: list[str] = []
    names = [word for word in sys.argv[1:] if not word.startswith("--")] or [*REQUIREMENTS, *NODE]
    rows = [f"| framework | version | transport | {' | '.join(COLUMNS)} |", "|---" * (3 + len(COLUMNS)) + "|"]
    place = Path(tempfile.mkdtemp())
    try:
        with served(place) as url:
            for name in names:
                try:
                    made = environment(name)
                except SystemExit as why:  # what cannot be had here is said, and no fault
                    left_out.append(str(why))
                    continue
                for transport, way in (("stdio", serve()), ("http", [url])):
                    row = tried(made, transport, *way, state=place)
                    cells = [row.get(column, "").replace("\n", " ").replace("|", "/") for column in COLUMNS]
                    rows.append(f"| {name} | {made.version} | {transport} | {' | '.join(cells)} |")
                    wrong = [column for column, cell in zip(COLUMNS, cells, strict=True) if cell.startswith("NO")]
                    results.setdefault(f"{name} {made.version}", {})[transport] = wrong
                    print(rows[-1], flush=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    table = "\n".join(rows)
    not_run = "\n\n".join((*left_out, NOT_RUN))
    if "--write" in sys.argv:
        head = "# Clients\n\nWritten by `python -m tests.clients --write` against the demo.\n\n"
        DOCUMENT.write_text(f"{head}{table}\n\n{COLUMNS_EXPLAINED}\n\n{not_run}\n", encoding="utf-8")
        before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
        README.write_text(f"{before}{BEGIN}{summary(results)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    print(f"\n{table}\n\n{not_run}")
    return 1 if "NO:" in table else 0


if __name__ == "__main__":
    raise SystemExit(main())
