"""A tour for newcomers: a real client drives the real server, started as a process, over the simulated tenant.

Shows what an assistant would see. Must know nothing of the server but its command line and its tools.
"""

from __future__ import annotations

import os
import re
import sys
import time
from dataclasses import dataclass
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult

from greenlake_backup_mcp.errors import InputError

VM = "web-legacy-03"  # owns a backup that expired and is still there
UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
CODE = re.compile(r"\b[A-Z2-7]{4}-[A-Z2-7]{4}\b")


@dataclass(frozen=True)
class Screen:
    """How the tour is printed: with colour or plain."""

    colour: bool

    def step(self, number: int, words: str) -> None:
        """A heading of the tour."""
        self._print("")
        self._print(f"{number}. {words}", "1")

    def call(self, tool: str, arguments: dict[str, Any]) -> None:
        """What the assistant calls."""
        words = " ".join(
            f"{name}={value!r}" if isinstance(value, str) else f"{name}={value}" for name, value in arguments.items()
        )
        self._print(f"   assistant ▸ {tool} {words}", "36")

    def answer(self, text: str, most: int) -> None:
        """What the assistant reads, its first lines."""
        lines = text.splitlines()
        for line in lines[:most]:
            self._print("   │ " + (line if len(line) <= 150 else line[:149] + "…"), "2" if self.colour else "")
        if len(lines) > most:
            self._print(f"   │ … {len(lines) - most} more lines", "2")

    def note(self, words: str) -> None:
        """A remark to the person who watches."""
        self._print(f"   {words}", "33")

    def _print(self, text: str, style: str = "") -> None:
        print(f"\x1b[{style}m{text}\x1b[0m" if self.colour and style else text, flush=True)  # noqa: T201


@dataclass(frozen=True)
class Assistant:
    """The client of the tour: calls a tool, shows it, and returns the text."""

    client: Client
    screen: Screen

    async def __call__(self, tool: str, *, most: int = 14, **arguments: Any) -> str:
        """The answer's text, shown on the way."""
        self.screen.call(tool, arguments)

        async def progress(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001  # names are the SDK's
            self.screen.note(f"… {message or progress}")

        result = await self.client.call_tool(tool, arguments, progress_callback=progress)
        text = _text(result)
        self.screen.answer(text, most)
        return text


async def tour(colour: bool = True) -> int:
    """Run the tour; 0 where every step showed what it should."""
    plain = "NO_COLOR" in os.environ or (os.name == "nt" and "WT_SESSION" not in os.environ)  # an old Windows console
    screen = Screen(colour and sys.stdout.isatty() and not plain)
    started = time.perf_counter()
    screen.note("Starting the server with a simulated tenant (nothing is real) and a client on its stdin and stdout …")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GREENLAKE_")}
    server = StdioServerParameters(
        command=sys.executable,
        args=["-P", "-m", "greenlake_backup_mcp", "serve", "--demo", "--log-level", "error"],
        env=environment,
    )
    async with Client(server) as client:
        await _steps(client, screen)
    screen.note(f"Done in {time.perf_counter() - started:.1f} s. Next: README.md, “Claude Desktop” or “Other clients”.")
    return 0


async def _steps(client: Client, screen: Screen) -> None:
    assistant = Assistant(client, screen)
    screen.step(1, "The tools an assistant gets")
    tools = (await client.list_tools()).tools
    reads = sum(1 for t in tools if t.annotations and t.annotations.read_only_hint)
    gated = [t for t in tools if "confirm" in t.input_schema.get("required", [])]
    screen.answer(
        f"{len(tools)} tools: {reads} only read; {len(gated)} can destroy, disrupt or reveal secrets and need consent\n"
        f"for example {', '.join(t.name for t in tools[::23])}",
        3,
    )
    screen.step(2, "“What is failing?”")
    await assistant("list_protection_jobs", limit=3, most=22)
    screen.step(3, f"“Which recovery points does {VM} have?”")
    vm = _find_id(await assistant("list_vms", filter=f"name eq '{VM}'", summary="page", most=8), VM)
    backups = await assistant("list_vm_backups", vmId=vm, limit=5, sort="expiresAt asc", most=24)
    backup = re.search(rf"^({UUID.pattern})\|", backups, re.MULTILINE)  # the first row: the one that expires first
    if backup is None:
        raise InputError("The tour found no expired backup to delete.", hint="Please report this.")
    screen.step(4, "“Delete the one that has expired.” First a preview: nothing is changed")
    preview = await assistant("delete_vm_backup", vmId=vm, backupId=backup[1], confirm="preview", most=24)
    code = CODE.search(preview)
    if code is None:
        raise InputError("The preview gave no code.", hint="Please report this.")
    screen.step(5, "The person agrees: the code goes back, the task is followed to its end")
    await assistant("delete_vm_backup", vmId=vm, backupId=backup[1], confirm=code[0], most=16)
    screen.step(6, "The proof that it is gone, and that the same call once more sends nothing")
    await assistant("get_vm_backup", vmId=vm, backupId=backup[1], most=6)
    await assistant("delete_vm_backup", vmId=vm, backupId=backup[1], confirm=code[0], most=6)


def _find_id(text: str, name: str) -> str:
    row = next((line for line in text.splitlines() if name in line and UUID.search(line)), "")
    match = UUID.search(row)
    if match is None:
        raise InputError(f"The tour found no {name}.", hint="Please report this.")
    return match[0]


def _text(result: CallToolResult) -> str:
    return "\n".join(getattr(part, "text", "") for part in result.content)
