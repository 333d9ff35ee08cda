"""The Claude Desktop bundle: validated, packed, unpacked and started as the host would. `python -m tests.bundle`

Needs Node (npx, for @anthropic-ai/mcpb) and uv, both of which CI may lack: then it says so and ends well.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MCPB = "@anthropic-ai/mcpb@2.1.2"
UNFILLED = re.compile(r"\$\{user_config\.(\w+)\}")


def mcpb(*words: str) -> str:
    """Run mcpb, from PATH or through npx; what it printed."""
    command = [found] if (found := shutil.which("mcpb")) else [shutil.which("npx") or "npx", "--yes", MCPB]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=False, timeout=300, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"mcpb {words[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def launch(folder: Path, filled: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """Command and environment as the host makes them: what a person left out stays the literal placeholder."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    given = {n: str(o["default"]).lower() for n, o in manifest["user_config"].items() if "default" in o} | filled
    config = manifest["server"]["mcp_config"]
    env = {n: UNFILLED.sub(lambda m: given.get(m[1], m[0]), value) for n, value in config["env"].items()}
    args = [a.replace("${__dirname}", str(folder)) for a in config["args"]]
    return [shutil.which(config["command"]) or config["command"], *args], {**os.environ, **env}


def first_tools(command: list[str], env: dict[str, str], call: str) -> tuple[float, int, str]:
    """Seconds to the first tools/list, how many tools, and the text of one call."""
    started = time.perf_counter()
    server = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin
    assert server.stdout

    def ask(number: int, method: str, params: object) -> dict[str, object]:
        assert server.stdin
        assert server.stdout
        server.stdin.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n")
        server.stdin.flush()
        while True:
            line = server.stdout.readline()
            if not line:
                raise SystemExit(f"The server ended with {server.wait()} before it answered {method}.")
            message = json.loads(line)  # anything else on stdout breaks a host
            if message.get("id") == number:
                result: dict[str, object] = message["result"]
                return result

    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "claude-ai", "version": "1"}}
    try:
        ask(1, "initialize", client)
        server.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        tools = ask(2, "tools/list", {})["tools"]
        seconds = time.perf_counter() - started
        answer = ask(3, "tools/call", {"name": call, "arguments": {}})
    finally:
        server.stdin.close()
        server.wait(30)
    assert isinstance(tools, list)
    return seconds, len(tools), json.dumps(answer)


def main() -> int:
    """Say each step and what was measured; 0 also where a tool is missing."""
    if not (shutil.which("mcpb") or shutil.which("npx")):
        print("bundle: no npx here, not packed")
        return 0
    print(mcpb("validate", "manifest.json").strip().splitlines()[0])
    with tempfile.TemporaryDirectory() as place:
        packed = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(place) / "greenlake-backup-mcp.mcpb"
        mcpb("pack", ".", str(packed))
        mcpb("unpack", str(packed), f"{place}/unpacked")
        folder = Path(place) / "unpacked"
        names = sorted(p.name for p in folder.iterdir())
        assert names == ["LICENSE", "README.md", "icon.png", "manifest.json", "pyproject.toml", "server"], names
        strange = [p for p in folder.rglob("*") if "cache" in p.name or p.suffix in (".pyc", ".log", ".env")]
        assert not strange, strange
        print(f"packed: {packed.stat().st_size / 1024:.0f} KiB, {sum(p.is_file() for p in folder.rglob('*'))} files")
        if not shutil.which("uv"):
            print("bundle: no uv here (pip install uv), not started")
            return 0
        for words, filled in (("first start", {"demo": "true"}), ("later start", {"demo": "true"})):
            seconds, tools, answer = first_tools(*launch(folder, filled), "list_protection_stores")
            assert "imulated" in answer, answer
            print(f"{words}: {tools} tools after {seconds:.2f} s, demo answers")
        _, tools, answer = first_tools(*launch(folder, {}), "list_vms")
        assert tools
        assert "GREENLAKE_" in answer, answer
        print("nothing filled in: the tools are there, and a call says what is missing")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
