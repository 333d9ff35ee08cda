"""MCP Inspector's command line against the server: `python -m tests.inspector`. A client that is not ours.

In both protocol eras, over stdio and HTTP, on the simulated tenant: tools, prompts and resources are listed and used.
Needs npm (it brings Node 22 and the Inspector into a temporary folder): where there is none it says so and ends well.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGES = ("node@22", "@modelcontextprotocol/inspector@2.12.0")
SERVE = [sys.executable, "-m", "greenlake_backup_mcp", "serve", "--demo", "--log-level", "error"]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("GREENLAKE_", "XDG_"))}
TOOL_SAID_NO = 5  # the Inspector's exit status for a result that is an error


@dataclass(frozen=True)
class Inspector:
    """An installed Inspector, and the words by which it reaches one server in one era."""

    folder: Path
    target: tuple[str, ...]
    era: str

    def __call__(self, method: str, *words: str, status: int = 0) -> Any:
        """The result of one method."""
        bin_ = self.folder / "node_modules" / ".bin"
        env = {**CLEAN, "PATH": f"{bin_}{os.pathsep}{CLEAN['PATH']}", "HOME": str(self.folder)}
        command = [shutil.which("mcp-inspector", path=str(bin_)) or "mcp-inspector", "--cli", *self.target]
        command += ["--quiet", "--protocol-era", self.era, "--method", method, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=env)
        assert done.returncode == status, f"{method}: {done.returncode}\n{done.stdout[:500]}\n{done.stderr[:1500]}"
        return json.loads(done.stdout)

    def call(self, tool: str, status: int = 0, **arguments: Any) -> str:
        """The text of a tool's answer."""
        words = ("--tool-name", tool, "--tool-args-json", json.dumps(arguments))
        return "".join(part["text"] for part in self("tools/call", *words, status=status)["content"])


def seen(ask: Inspector) -> Iterator[str]:
    """Everything that the Inspector can ask, one line of what came back each."""
    about = ask("initialize")
    yield f"initialize: {about['serverInfo']['name']}, {about.get('protocolVersion', 'no protocol version told')}"
    tools = ask("tools/list", "--strict")["tools"]  # ends with 6 where a schema is not portable
    assert len(tools) > 150
    yield f"tools/list: {len(tools)}, no schema that other clients would trip over"
    text = ask.call("list_vms", limit=1, filter="name eq 'web-legacy-03'")
    assert "web-legacy-03" in text
    yield "tools/call list_vms: " + text.splitlines()[0]
    raw = ask(
        "tools/call", "--tool-name", "list_protection_stores", "--tool-args-json", '{"output": "json", "limit": 2}'
    )
    assert raw["structuredContent"]
    yield "tools/call list_protection_stores as JSON: structured content"
    chosen = '{"output": "json", "select": "id,name"}'
    policy = ask("tools/call", "--tool-name", "list_protection_policies", "--tool-args-json", chosen)
    one = policy["structuredContent"]["items"][0]["id"]
    text = ask.call("delete_protection_policy", protectionPolicyId=one, confirm="preview")
    assert "nothing was changed" in text
    yield "tools/call delete_protection_policy, previewed: " + text.splitlines()[0]
    text = ask.call("get_vm", TOOL_SAID_NO, vmId="nope")
    yield "tools/call get_vm of a wrong id: " + text.splitlines()[0]
    prompts = ask("prompts/list")["prompts"]
    assert len(prompts) == 7
    yield f"prompts/list: {', '.join(prompt['name'] for prompt in prompts)}"
    filled = ask("prompts/get", "--prompt-name", "is_it_protected", "--prompt-args", "vm=sap-prod-01")
    text = filled["messages"][0]["content"]["text"]
    assert "sap-prod-01" in text
    yield "prompts/get is_it_protected: " + text.splitlines()[0]
    resources = ask("resources/list")["resources"]
    yield f"resources/list: {len(resources)}"
    assert ask("resources/templates/list")["resourceTemplates"]
    for uri in ("greenlake-backup://glossary", "greenlake-backup://operations/restore_vm"):
        (content,) = ask("resources/read", "--uri", uri)["contents"]
        yield f"resources/read {uri}: {len(content['text'])} characters of {content['mimeType']}"


@contextmanager
def over_http(home: str) -> Iterator[str]:
    """The URL of a server of this process's making."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    server = subprocess.Popen([*SERVE, "--http", f"127.0.0.1:{port}"], env={**CLEAN, "HOME": home})
    try:
        _until(lambda: _answers(port), server)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        server.terminate()
        server.wait(30)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _until(true: Callable[[], bool], server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if true():
            return
        if server.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit("inspector: the server over HTTP did not start")


def main() -> int:
    """Say what was seen; 0 also where npm is missing."""
    npm = shutil.which("npm")
    if npm is None:
        print("inspector: skipped, there is no npm here")
        return 0
    with tempfile.TemporaryDirectory() as place:
        quiet = ["--no-save", "--no-audit", "--no-fund", "--loglevel=error"]
        got = subprocess.run([npm, "install", *quiet, "--prefix", place, *PACKAGES], capture_output=True, check=False)
        if got.returncode:
            print(f"inspector: skipped, npm cannot bring {' and '.join(PACKAGES)}")
            return 0
        with over_http(place) as url:
            for target in (tuple(SERVE), ("--server-url", url)):
                for era in ("legacy", "modern"):
                    print(f"\n{'HTTP' if url in target else 'stdio'}, {era} era")
                    for line in seen(Inspector(Path(place), target, era)):
                        print(f"  {line[:150]}", flush=True)
    print("\ninspector: all of this was as it should be")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
