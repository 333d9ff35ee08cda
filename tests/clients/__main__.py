"""The frameworks that pip brings, against the demo over stdio and HTTP: `python -m tests.clients [NAME ...]`

Each has an environment of its own, kept in the user's cache and made anew when its requirements change. Prints a
table (`--write`: into docs/CLIENTS.md); exit status 1 where something did not work that should.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
COLUMNS = ("list", "read", "gated", "catalog", "error", "progress")
COLUMNS_EXPLAINED = (
    "list: how many tools it sees. read: a list. gated: a preview, its code, the change. catalog: a question over the "
    "whole tenant, within the client's own time-out. error: an error that the model can act on. progress: whether what "
    "it reports rises; *not told* where the framework hands none on."
)
NOT_RUN = (
    "Not run by this command: the clients of Node (TypeScript SDK, Inspector, LangChain JS, Vercel AI SDK, mastra, "
    "Gemini CLI, Codex CLI, opencode, Copilot CLI, qwen-code), Claude Desktop and Claude Code, and of Python's "
    "google-adk, mcp-use, haystack, semantic-kernel, dspy, crewai and anthropic."
)


def environment(name: str) -> Path:
    """The Python of a framework's environment, which is made where it is missing; SystemExit where pip cannot."""
    wanted = hashlib.sha256(" ".join(REQUIREMENTS[name]).encode()).hexdigest()[:12]
    folder = CACHE / f"{name}-{wanted}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *REQUIREMENTS[name]]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{name} cannot be installed: {done.stderr[-300:]}")
        (folder / "complete").touch()
    return python


def version(python: Path, name: str) -> str:
    """The version of a framework's first requirement."""
    package = REQUIREMENTS[name][0].split("[")[0].split("<")[0].split(">")[0]
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout.strip()


@contextmanager
def served(state: Path) -> Iterator[str]:
    """The demo over HTTP on a free port of this machine."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
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


def tried(name: str, python: Path, *way: str, state: Path) -> dict[str, str]:
    """What worked of one framework over one transport, by column."""
    command = [str(python), str(HERE / "driver.py"), name, *way]
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
    names = [word for word in sys.argv[1:] if not word.startswith("--")] or list(REQUIREMENTS)
    rows = [f"| framework | version | transport | {' | '.join(COLUMNS)} |", "|---" * (3 + len(COLUMNS)) + "|"]
    place = Path(tempfile.mkdtemp())
    try:
        with served(place) as url:
            for name in names:
                python = environment(name)
                for transport, way in (("stdio", serve()), ("http", [url])):
                    row = tried(name, python, transport, *way, state=place)
                    cells = [row.get(column, "").replace("\n", " ").replace("|", "/") for column in COLUMNS]
                    rows.append(f"| {name} | {version(python, name)} | {transport} | {' | '.join(cells)} |")
                    wrong = [column for column, cell in zip(COLUMNS, cells, strict=True) if cell.startswith("NO")]
                    results.setdefault(f"{name} {version(python, name)}", {})[transport] = wrong
                    print(rows[-1], flush=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    table = "\n".join(rows)
    if "--write" in sys.argv:
        head = "# Clients\n\nWritten by `python -m tests.clients --write` against the demo.\n\n"
        DOCUMENT.write_text(f"{head}{table}\n\n{COLUMNS_EXPLAINED}\n\n{NOT_RUN}\n", encoding="utf-8")
        before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
        README.write_text(f"{before}{BEGIN}{summary(results)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    print(f"\n{table}\n\n{NOT_RUN}")
    return 1 if "NO:" in table else 0


if __name__ == "__main__":
    raise SystemExit(main())
