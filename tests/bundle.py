"""The Claude Desktop bundle: validated, packed, unpacked and started as the host would. `python -m tests.bundle`

Needs Node (npx brings @anthropic-ai/mcpb) and uv (from PATH, or pip brings it): where there is none, or no network, it
says what was left out and ends well.
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
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
MCPB = "@anthropic-ai/mcpb@2.1.2"
UNFILLED = re.compile(r"\$\{user_config\.(\w+)\}")


def mcpb() -> list[str]:
    """The command that is mcpb, from PATH or through npx; none where it cannot be had."""
    if actual := shutil.which("mcpb"):
        return [actual]
    npx = shutil.which("npx")
    command = [npx, "--yes", MCPB] if npx else []
    if command and subprocess.run([*command, "--version"], capture_output=True, check=False, timeout=300).returncode:
        return []
    return command


def run(command: list[str], *words: str) -> str:
    """Run mcpb; what it printed."""
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=False, timeout=300, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"mcpb {words[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def uv(place: Path) -> str | None:
    """The command that is uv, from PATH or by pip into this folder; None where it cannot be had."""
    if actual := shutil.which("uv"):
        return actual
    quiet = ["-qq", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *quiet, "--target", str(place), "uv"]
    subprocess.run(command, capture_output=True, check=False, timeout=300)
    return shutil.which("uv", path=str(place / "bin"))


def launch(folder: Path, uv: str, filled: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """Command and environment as the host makes them: what a person left out stays the literal placeholder."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    arguments = {n: str(o["default"]).lower() for n, o in manifest["user_config"].items() if "default" in o} | filled
    config = manifest["server"]["mcp_config"]
    env = {n: UNFILLED.sub(lambda m: arguments.get(m[1], m[0]), value) for n, value in config["env"].items()}
    args = [a.replace("${__dirname}", str(folder)) for a in config["args"]]
    assert config["command"] == "uv"
    remaining = {n: v for n, v in os.environ.items() if not n.startswith(("GREENLAKE_", "VIRTUAL_ENV", "PYTHON"))}
    return [uv, *args], {**remaining, **env}


class NoNetworkError(Exception):
    """uv could not fetch what the server needs."""


def first_tools(command: list[str], env: dict[str, str], call: str) -> tuple[float, int, str]:
    """Seconds to the first tools/list, how many tools, and the text of one call."""
    with tempfile.TemporaryFile("w+") as text:
        return _first_tools(command, env, call, text)


def _first_tools(command: list[str], env: dict[str, str], call: str, text: IO[str]) -> tuple[float, int, str]:
    started = time.perf_counter()
    server = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=text, text=True)
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
                status = server.wait()
                text.seek(0)
                words = text.read()
                if any(sign in words for sign in ("Failed to fetch", "Failed to download", "network was disabled")):
                    raise NoNetworkError(words.strip())
                raise SystemExit(f"The server ended with {status} before it answered {method}:\n{words}")
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


def names(folder: Path) -> set[str]:
    """The files in a folder, as they lie in it."""
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def main() -> int:
    """Say each step and what was measured; 0 also where a tool is missing."""
    command = mcpb()
    if not command:
        print("bundle: left out, there is no npx here that brings mcpb")
        return 0
    print(run(command, "validate", "manifest.json").strip().splitlines()[0])
    with tempfile.TemporaryDirectory() as place:
        packed, own = Path(place) / "theirs.mcpb", Path(place) / "ours.mcpb"
        run(command, "pack", ".", str(packed))
        subprocess.run([sys.executable, str(ROOT / "dev.py"), "pack", str(own)], check=True, capture_output=True)
        for bundle in (packed, own):
            run(command, "unpack", str(bundle), f"{place}/{bundle.stem}")
        folder = Path(place) / "ours"
        held = names(folder)
        assert held == names(Path(place) / "theirs"), held ^ names(Path(place) / "theirs")
        tops = {name.split("/")[0] for name in held}
        assert tops == {"LICENSE", "README.md", "icon.png", "manifest.json", "pyproject.toml", "server"}, tops
        strange = [name for name in held if "cache" in name or name.endswith((".pyc", ".log", ".env"))]
        assert not strange, strange
        print(f"packed: {own.stat().st_size / 1024:.0f} KiB, {len(held)} files; mcpb packs the same ones")
        starter = uv(Path(place) / "uv")
        if starter is None:
            print("bundle: not started, there is no uv here and pip cannot bring it")
            return 0
        for words in ("first start", "later start"):
            try:
                started = first_tools(*launch(folder, starter, {"demo": "true"}), "list_protection_stores")
            except NoNetworkError as problem:
                print(f"bundle: not started, uv cannot fetch what it needs here:\n{problem}")
                return 0
            seconds, tools, answer = started
            assert "imulated" in answer, answer
            print(f"{words}: {tools} tools after {seconds:.2f} s, demo answers")
        _, tools, answer = first_tools(*launch(folder, starter, {}), "list_vms")
        assert tools
        assert "GREENLAKE_" in answer, answer
        print("nothing filled in: the tools are there, and a call says what is missing")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
