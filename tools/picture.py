"""Renders docs/conversation.svg from a conversation that takes place now: `.venv/bin/python tools/picture.py`.

A client calls the server over the simulated tenant; every line shown is one of its answers. The questions are ours.
Lines and ends of lines are left out, and ids are shortened: each with an ellipsis where it is done.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "server"))

from mcp import Client  # noqa: E402

from greenlake_backup_mcp import settings  # noqa: E402
from greenlake_backup_mcp.observability import call_log  # noqa: E402
from greenlake_backup_mcp.server import app  # noqa: E402

VM = "web-legacy-03"  # owns a backup that expired and is still there
WIDTH, LINE, LETTERS = 1000, 19, 122
UUID = re.compile(r"\b([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
COLOURS = {"back": "#0d1117", "card": "#161b22", "edge": "#30363d", "person": "#1f6feb", "white": "#ffffff"}
INK = {"tool": "#79c0ff", "plain": "#c9d1d9", "dim": "#8b949e", "bad": "#ffa198", "good": "#7ee787", "code": "#ffd33d"}


@dataclass(frozen=True)
class Turn:
    """What a person says, or a call with the lines of its answer that are shown."""

    question: str = ""
    call: str = ""
    lines: tuple[str, ...] = ()


async def conversation() -> list[Turn]:
    """The turns, as they come about now."""
    call_log.configure("error")
    turns: list[Turn] = []
    async with Client(app.create(settings.load(demo=True))) as client:

        async def ask(tool: str, keep: str, **arguments: Any) -> str:
            result = await client.call_tool(tool, arguments)
            text = "\n".join(getattr(part, "text", "") for part in result.content)
            answer = "  ".join(f"{name}: {value}" for name, value in arguments.items())
            turns.append(Turn(call=f"{tool}  {answer}", lines=tuple(select_lines(text.splitlines(), keep))))
            return text

        turns.append(Turn(question="What is failing?"))
        await ask("list_protection_jobs", r"^\d|^operational|^With a problem|^- ", limit=0)
        turns.append(Turn(question=f"Which backups of {VM} expire next?"))
        row = await ask("list_vms", r"^\d+ VM|^id|^[0-9a-f]{8}-", filter=f"name eq '{VM}'")
        vm = _first(UUID, row)
        keep = r"^\d+ VM|^Expiry|^In all|^id\||^[0-9a-f]{8}-"
        backups = await ask("list_vm_backups", keep, vmId=vm, sort="expiresAt asc", limit=3)
        backup = _first(re.compile(rf"^{UUID.pattern}\|", re.M), backups).rstrip("|")
        turns.append(Turn(question="Delete the one that has expired."))
        keep = r"^(?!Simulated|Show the person)."
        preview = await ask("delete_vm_backup", keep, vmId=vm, backupId=backup, confirm="preview")
        code = _first(re.compile(r"\b[A-Z2-7]{4}-[A-Z2-7]{4}\b"), preview)
        turns.append(Turn(question="Yes, do."))
        await ask("delete_vm_backup", r"^(?!Simulated).", vmId=vm, backupId=backup, confirm=code)
    return turns


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    if match is None:
        raise SystemExit(f"Not found in the answer: {pattern.pattern}\n{text}")
    return match[0]


def select_lines(lines: Iterable[str], keep: str) -> Iterable[str]:
    """The lines to keep; one with dots for any number of others between them."""
    dropped = False
    for line in lines:
        if re.search(keep, line):
            if dropped:
                yield "⋯"
            dropped = False
            yield line
        elif line.strip() and not line.startswith("Simulated"):
            dropped = True
    if dropped:
        yield "⋯"


def shortened(text: str) -> str:
    """The text with short ids, at most as wide as the picture."""
    text = UUID.sub(r"\1…", text)
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"


def ink(line: str) -> str:
    """The colour of a line of an answer."""
    if re.match(r"- \d+ (?:×|others)|With a problem|This cannot be undone", line):
        return INK["bad"]
    if re.match(r"It is done|PREVIEW: nothing", line):
        return INK["good"]
    if line.startswith("To do exactly this"):
        return INK["code"]
    return INK["dim"] if line == "⋯" or line.startswith("id|") else INK["plain"]


def drawn(turns: Iterable[Turn]) -> str:
    """The picture."""
    parts: list[str] = []
    y = 24
    for turn in turns:
        if turn.question:
            width = round(7.6 * len(turn.question)) + 40
            x = WIDTH - 24 - width
            parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="36" rx="18" fill="{COLOURS["person"]}"/>')
            parts.append(
                f'<text x="{x + width / 2}" y="{y + 23}" class="said" text-anchor="middle" '
                f'fill="{COLOURS["white"]}">{escape(turn.question)}</text>'
            )
            y += 50
            continue
        height = LINE * (len(turn.lines) + 1) + 24
        parts.append(
            f'<rect x="24" y="{y}" width="{WIDTH - 48}" height="{height}" rx="10" '
            f'fill="{COLOURS["card"]}" stroke="{COLOURS["edge"]}"/>'
        )
        words = [("▸ " + turn.call, INK["tool"])] + [(line, ink(line)) for line in turn.lines]
        for number, (words_, colour) in enumerate(words):
            top = y + 25 + LINE * number
            answer = escape(shortened(words_))
            parts.append(f'<text x="40" y="{top}" fill="{colour}" xml:space="preserve">{answer}</text>')
        y += height + 14
    style = (
        "text{font:12.5px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}"
        "text.said{font:15px -apple-system,'Segoe UI',Helvetica,Arial,sans-serif}"
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 10}" width="{WIDTH}" height="{y + 10}">'
        f"<style>{style}</style>"
        f'<rect width="{WIDTH}" height="{y + 10}" rx="12" fill="{COLOURS["back"]}"/>'
    )
    return "\n".join([head, *parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    file = ROOT / "docs" / "conversation.svg"
    file.write_text(drawn(asyncio.run(conversation())), encoding="utf-8")
    print(f"{file}: written")
