"""TABLE of MCP clients: where each keeps its configuration, and how this server is written into it.

Merges: what is in the file stays, a copy of it is kept beside it, and a file that cannot be read is left alone.
Secrets are never written: where a client can take them from the environment or ask for them, it is told to.
Knows files. Must know nothing of MCP or HTTP.
"""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .errors import BackupError

NAME = "greenlake-backup"
SECRET = "GREENLAKE_CLIENT_SECRET"  # noqa: S105  a variable's name
TENANT = {  # what a client must be told of the tenant, and how it may ask for it
    "GREENLAKE_REGION": "HPE GreenLake region: us-west, eu-west, eu-central or ap-northeast",
    "GREENLAKE_WORKSPACE_ID": "HPE GreenLake workspace id (shown on Manage Workspace)",
    "GREENLAKE_CLIENT_ID": "Client id of a personal API client",
    SECRET: "Client secret of the personal API client",
}
FEWER = ("toolsets", "surface", "read_only")  # settings that make the list of tools shorter

Entry = dict[str, Any]


@dataclass(frozen=True)
class Client:
    """One client: its name, its file, where servers stand in it, and how it is told a variable's value."""

    title: str
    file: Callable[[], Path]
    table: str
    entry: Callable[[list[str], Mapping[str, str]], Entry]
    variable: str = ""  # how the file refers to an environment variable; "" where it cannot
    smaller: tuple[str, ...] = ()  # flags that keep the list of tools within the client's limit
    note: str = ""


def _plain(command: list[str], env: Mapping[str, str]) -> Entry:
    return {"command": command[0], "args": command[1:], "env": dict(env)}


def _typed(command: list[str], env: Mapping[str, str]) -> Entry:
    return {"type": "stdio", **_plain(command, env)}


def _desktop() -> Path:
    name = "claude_desktop_config.json"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Claude" / name
    if os.name == "nt":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "Claude" / name
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "Claude" / name


# The appliances are left out: they are set up once, and looked at in the console.
DAILY = "policies,jobs,vms,vm_groups,datastores,mssql,volumes,stores,inventory,tasks,plans"
TABLE: Mapping[str, Client] = {
    "claude-desktop": Client(
        "Claude Desktop",
        _desktop,
        "mcpServers",
        _plain,
        note="Easier: the bundle, which `python3 dev.py pack` makes. It asks for the credentials and keeps the secret "
        "in the system's keychain; in this file you would have to write it in clear.",
    ),
    "claude-code": Client(
        "Claude Code",
        lambda: Path.cwd() / ".mcp.json",
        "mcpServers",
        _typed,
        variable="${%s:-}",  # an unset variable without a default is warned of, or refused
        note="The file is for this directory, and is meant to be shared: the variables are read from the environment.",
    ),
    "vscode": Client(
        "VS Code",
        lambda: Path.cwd() / ".vscode" / "mcp.json",
        "servers",
        _typed,
        variable="${input:%s}",
        smaller=("--toolsets", DAILY),
        note="VS Code gives a model at most 128 tools, of all servers together. The daily toolsets fit; left out are "
        "gateways, storeonces and orchestrators. Instead: --toolsets ..., --read-only, or --surface search (3 tools).",
    ),
    "cursor": Client(
        "Cursor",
        lambda: Path.home() / ".cursor" / "mcp.json",
        "mcpServers",
        _plain,
        variable="${env:%s}",
        smaller=("--surface", "search"),
        note="Cursor is reported to hold about 40 tools: three tools find and call the rest. Or choose --toolsets.",
    ),
    "windsurf": Client(
        "Windsurf",
        lambda: Path.home() / ".codeium" / "windsurf" / "mcp_config.json",
        "mcpServers",
        _plain,
        variable="${env:%s}",
        smaller=("--surface", "search"),
        note="Windsurf is reported to hold 100 tools: three tools find and call the rest. Or choose --toolsets.",
    ),
    "codex": Client(
        "Codex CLI",
        lambda: Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex") / "config.toml",
        "mcp_servers",
        lambda command, env: {"command": command[0], "args": command[1:], "env_vars": list(env)},
        note="Codex passes on the variables named in env_vars: set them where it is started.",
    ),
    "gemini": Client(
        "Gemini CLI",
        lambda: Path.home() / ".gemini" / "settings.json",
        "mcpServers",
        _plain,
        variable="${%s}",
    ),
}


def client(name: str) -> Client:
    """The client of this name; a BackupError names those there are."""
    if name not in TABLE:
        raise BackupError(f"There is no client {name!r}.", hint=f"Clients: {', '.join(TABLE)}.")
    return TABLE[name]


def entry(of: Client, flags: Sequence[str], environment: Mapping[str, str]) -> Entry:
    """What the client is told of this server: its command, with flags that keep to the client's limit."""
    chosen = any(flag in (f"--{name.replace('_', '-')}" for name in FEWER) for flag in flags)
    command = [sys.executable, "-m", "greenlake_backup_mcp", "serve", *flags, *(() if chosen else of.smaller)]
    if "--demo" in flags:
        return of.entry(command, {})
    known = {name: environment.get(name, "") for name in TENANT}
    env = {name: of.variable % name if of.variable else "" if name == SECRET else known[name] for name in TENANT}
    return of.entry(command, env)


def snippet(of: Client, told: Entry) -> str:
    """The part of the client's file that tells of this server."""
    return _toml(of, told) if of.file().suffix == ".toml" else _json(_whole(of, {}, told))


def write(of: Client, told: Entry) -> tuple[Path, Path | None]:
    """Merge the entry into the client's file: the file, and the copy of what it was before."""
    file = of.file()
    before = _text(file)
    after = _merged_toml(of, before, told, file) if file.suffix == ".toml" else _merged_json(of, before, told, file)
    if after == before:
        return file, None
    copy = None
    target = file.resolve()  # a link stays one
    target.parent.mkdir(parents=True, exist_ok=True)
    if before:
        copy = target.with_name(f"{target.name}.{datetime.now(UTC):%Y%m%dT%H%M%S%f}.bak")
        copy.write_text(before, encoding="utf-8")
        copy.chmod(target.stat().st_mode & 0o777)
    fresh = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        fresh.touch(mode=0o600)
        fresh.write_text(after, encoding="utf-8")
        if before:
            fresh.chmod(target.stat().st_mode & 0o777)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    return file, copy


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig") if file.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError(f"{file} cannot be read: {error}.", hint="It was left as it is.", kind="settings") from None


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _merged_json(of: Client, before: str, told: Entry, file: Path) -> str:
    try:
        content = json.loads(before) if before.strip() else {}
    except ValueError:
        content = None
    if not isinstance(content, dict) or not isinstance(content.get(of.table, {}), dict):
        raise BackupError(
            f"{file} is not plain JSON with an object {of.table} (comments, perhaps): it was left as it is.",
            hint=f"Add this by hand:\n{snippet(of, told)}",
            kind="settings",
        )
    merged = _whole(of, content, told)
    return before if merged == content else _json(merged)


def _whole(of: Client, content: Mapping[str, Any], told: Entry) -> dict[str, Any]:
    """The content with the entry in it. What a person filled in before, and other keys of theirs, stay."""
    servers = dict(content.get(of.table, {}))
    found = servers.get(NAME)
    old: dict[str, Any] = found if isinstance(found, dict) else {}
    kept = {name: value for name, value in old.get("env", {}).items() if value or name not in told.get("env", {})}
    servers[NAME] = {**old, **told}
    if "env" in told or kept:
        servers[NAME]["env"] = {**told.get("env", {}), **kept}
    whole = {**content, of.table: servers}
    wanted = [n for n in TENANT if f"${{input:{n}}}" in servers[NAME].get("env", {}).values()]
    if wanted:
        asked = list(content.get("inputs", []))
        known = {i.get("id") for i in asked if isinstance(i, dict)}
        asked += [
            {"type": "promptString", "id": n, "description": TENANT[n], "password": n == SECRET}
            for n in wanted
            if n not in known
        ]
        whole["inputs"] = asked
    return whole


def _toml(of: Client, told: Entry) -> str:
    lines = [f"[{of.table}.{NAME}]"]
    lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in told.items()]
    return "\n".join(lines) + "\n"


def _merged_toml(of: Client, before: str, told: Entry, file: Path) -> str:
    """Text is added at the end, or put in the place of the former entry; the rest is not touched."""
    try:
        content = tomllib.loads(before)
    except tomllib.TOMLDecodeError as error:
        raise BackupError(
            f"{file} is not valid TOML ({error}): it was left as it is.",
            hint=f"Add this by hand:\n{_toml(of, told)}",
            kind="settings",
        ) from None
    if content.get(of.table, {}).get(NAME) == told:
        return before
    headings = (f"[{of.table}.{NAME}]", f'[{of.table}."{NAME}"]')
    lines, out, mine = before.splitlines(keepends=True), [], False
    for line in lines:
        if line.lstrip().startswith("["):
            mine = line.split("#")[0].strip() in headings
        if not mine:
            out.append(line)
    after = "".join(out)
    after += ("\n" if after and not after.endswith("\n") else "") + ("\n" if after else "") + _toml(of, told)
    try:
        rest = {**content, of.table: {**content.get(of.table, {}), NAME: told}}
        same = tomllib.loads(after) == rest
    except (tomllib.TOMLDecodeError, TypeError):
        same = False
    if not same:  # an entry in a spelling that is not ours: inline, dotted, with tables of its own
        raise BackupError(
            f"{file} tells of {NAME} in a way that cannot be changed safely: it was left as it is.",
            hint=f"Put this in its place by hand:\n{_toml(of, told)}",
            kind="settings",
        )
    return after
