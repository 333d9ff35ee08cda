"""What documents repeat from the code is written by this: `python3 dev.py docs` (`--check`: only say what is stale).

README: tables of settings, clients and tools between markers. ARCHITECTURE: a line per module. manifest.json: the list
of tools. server.json: variables.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "server"))

from greenlake_backup_mcp import settings  # noqa: E402
from greenlake_backup_mcp.cli.parser import ENVIRONMENT_ONLY  # noqa: E402
from greenlake_backup_mcp.client_config import registry as clients  # noqa: E402
from greenlake_backup_mcp.server import app  # noqa: E402
from greenlake_backup_mcp.settings import Settings, variable  # noqa: E402
from greenlake_backup_mcp.tools import toolsets  # noqa: E402
from greenlake_backup_mcp.tools.danger import Danger  # noqa: E402
from greenlake_backup_mcp.tools.registry import Tool  # noqa: E402
from greenlake_backup_mcp.upstream import reading_table  # noqa: E402

SECRET = {"client_secret", "token", "secret", "redis_url"}
REGISTRY = (
    "region",
    "api_base_url",
    "workspace_id",
    "client_id",
    "client_secret",
    "read_only",
    "toolsets",
    "surface",
    "reading",
    "exceptions",
    "timezone",
    "demo",
)


def choices(name: str) -> list[str]:
    """The values a setting can have, where they are few."""
    annotation = Settings.model_fields[name].annotation
    return [c for part in (annotation, *get_args(annotation)) for c in get_args(part) if isinstance(c, str)]


def settings_table() -> str:
    """Every setting: variable, flag, default, meaning."""
    rows = ["| variable | flag | default | meaning |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        flag = "" if name in ENVIRONMENT_ONLY else f"`--{name.replace('_', '-')}`"
        default = "" if field.default in (None, "") else f"`{str(field.default).lower()}`"
        values = f" ({', '.join(choices(name))})" if choices(name) else ""
        rows.append(f"| `{variable(name)}` | {flag} | {default} | {str(field.description).rstrip('.')}{values}. |")
    return "\n".join(rows)


def everything() -> list[Tool]:
    """All tools, as offered by default."""
    return list(app.tool_set(settings.defaults()).offered.values())


def tools_table() -> str:
    """The tools by toolset; those that need a preview and a code are marked."""
    tools = everything()
    rows = ["| toolset | what for | reads | writes | gated |", "|---|---|---|---|---|"]
    for toolset, words in toolsets.TOOLSET_WORDS.items():
        current = [t for t in tools if t.toolset == toolset]
        kinds = (
            [t for t in current if t.danger is Danger.READ],
            [t for t in current if t.danger is Danger.WRITE],
            [t for t in current if t.gated],
        )
        cells = " | ".join("<br>".join(f"`{t.name}`" for t in kind) for kind in kinds)
        rows.append(f"| **{toolset}** ({len(current)}) | {words} | {cells} |")
    reads = sum(t.danger is Danger.READ for t in tools)
    gated = sum(t.gated for t in tools)
    return f"{len(tools)} tools: {reads} read, {len(tools) - reads - gated} write, {gated} are gated.\n\n" + "\n".join(
        rows
    )


def clients_table() -> str:
    """The clients that `config` knows."""
    rows = ["| client | command | what it does |", "|---|---|---|"]
    for name, client in clients.TABLE.items():
        less = f"adds `{' '.join(client.smaller)}`" if client.smaller else ""
        rows.append(f"| {client.title} | `config {name}` | {'; '.join(filter(None, (less, client.note)))} |")
    return "\n".join(rows)


def modules_table() -> str:
    """One line per module: the first sentence of its docstring."""
    package, lines = ROOT / "server" / "greenlake_backup_mcp", []
    for folder in (package, *sorted(p.parent for p in package.rglob("__init__.py") if p.parent != package)):
        name = folder.relative_to(package).as_posix()
        lines += ["", f"**{'.' if name == '.' else name + '/'}** {_summary(folder / '__init__.py')}", ""]
        lines += [f"- `{p.stem}` {_summary(p)}" for p in sorted(folder.glob("*.py")) if not p.stem.startswith("_")]
    return "\n".join(lines[1:])


def _summary(module: Path) -> str:
    text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


def readings_table() -> str:
    """Every reading: its alternatives, what proves one, and what becomes of it."""
    rows = ["| reading | taken first, else | about | proved by | reads can tell |", "|---|---|---|---|---|"]
    words = {"request": "Of requests", "answer": "Of answers", "outcome": "Of outcomes"}
    for side, title in words.items():
        rows.append(f"| **{title}** | | | | |")
        for row in reading_table.TABLE:
            if row.side == side:
                values = f"`{row.values[0]}`, else {', '.join(f'`{value}`' for value in row.values[1:])}"
                seen = "yes" if row.survey else ""
                rows.append(f"| `{row.name}` | {values} | {row.about} | {row.proof} | {seen} |")
    return "\n".join(rows)


def marked(text: str, name: str, content: str) -> str:
    """The text with the content between `<!-- name -->` and `<!-- /name -->`."""
    match = re.sub(
        rf"(<!-- {name}:[^>]*-->\n).*?(<!-- /{name} -->)",
        lambda m: f"{m[1]}{content}\n{m[2]}",
        text,
        count=1,
        flags=re.DOTALL,
    )
    if f"<!-- /{name} -->" not in text:
        raise SystemExit(f"There is no place for {name}.")
    return match


def readme() -> str:
    """README.md as it should be."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, content in (("settings", settings_table()), ("clients", clients_table()), ("tools", tools_table())):
        text = marked(text, name, content)
    return text


def readings() -> str:
    """docs/READINGS.md as it should be."""
    return marked((ROOT / "docs" / "READINGS.md").read_text(encoding="utf-8"), "readings", readings_table())


def architecture() -> str:
    """ARCHITECTURE.md as it should be."""
    return marked((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"), "modules", modules_table())


def manifest() -> str:
    """manifest.json as it should be."""
    content = json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))
    content["tools"] = [{"name": t.name, "description": t.title} for t in everything()]
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def registry() -> str:
    """server.json as it should be."""
    content = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
    for package in content["packages"]:
        package["environmentVariables"] = [_registered(name) for name in REGISTRY]
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _registered(name: str) -> dict[str, Any]:
    field = Settings.model_fields[name]
    answer: dict[str, Any] = {"name": variable(name), "description": field.description, "isRequired": False}
    if name in SECRET:
        answer["isSecret"] = True
    if field.annotation is bool:
        answer |= {"format": "boolean", "default": str(field.default).lower()}
    if choices(name):
        answer["choices"] = choices(name)
    return answer


def documents() -> Iterable[tuple[Path, str]]:
    """Each file that this writes, and what should be in it."""
    return (
        (ROOT / n, made())
        for n, made in (
            ("README.md", readme),
            ("ARCHITECTURE.md", architecture),
            ("docs/READINGS.md", readings),
            ("manifest.json", manifest),
            ("server.json", registry),
        )
    )


def main() -> int:
    """Write what is out of date; with --check only say so, and end with 1."""
    stale = [(file, text) for file, text in documents() if file.read_text(encoding="utf-8") != text]
    for file, text in stale:
        if "--check" not in sys.argv:
            file.write_text(text, encoding="utf-8")
        print(f"{file.name}: {'out of date, run python3 dev.py docs' if '--check' in sys.argv else 'written'}")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    raise SystemExit(main())
