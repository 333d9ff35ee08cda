"""TABLE of MCP clients: where each keeps its configuration, and what it is told of this server.

Secrets are never told: where a client can take them from the environment or ask for them, it is told to.
Knows where files are; files.py changes them. Must know nothing of MCP or HTTP.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greenlake_backup_mcp.errors import InputError, SettingsError

NAME = "greenlake-backup"
SECRET = "GREENLAKE_CLIENT_SECRET"  # noqa: S105  a variable's name
TENANT = {  # what a client must be told of the tenant, and how it may ask for it
    "GREENLAKE_REGION": "HPE GreenLake region: us-west, eu-west, eu-central or ap-northeast",
    "GREENLAKE_WORKSPACE_ID": "HPE GreenLake workspace id (shown on Manage Workspace)",
    "GREENLAKE_CLIENT_ID": "Client id of a personal API client",
    SECRET: "Client secret of the personal API client",
}
TENANT_SETTINGS = (
    *TENANT,
    "GREENLAKE_API_BASE_URL",
    "GREENLAKE_TOKEN_URL",
    "GREENLAKE_TOKEN",
)  # what a demo goes without
READ_ONLY_SETTINGS = ("toolsets", "surface", "read_only")  # settings that make the list of tools shorter

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
    env: str = "env"  # where the variables of a server stand
    note: str = ""


def _plain(command: list[str], env: Mapping[str, str]) -> Entry:
    return {"command": command[0], "args": command[1:], "env": dict(env)}


def _typed(command: list[str], env: Mapping[str, str]) -> Entry:
    return {"type": "stdio", **_plain(command, env)}


def _opencode(command: list[str], env: Mapping[str, str]) -> Entry:
    return {"type": "local", "command": command, "enabled": True, "environment": dict(env)}


def _copilot(command: list[str], env: Mapping[str, str]) -> Entry:
    return {"type": "local", **_plain(command, env), "tools": ["*"]}


def _desktop() -> Path:
    name = "claude_desktop_config.json"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Claude" / name
    if os.name == "nt":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "Claude" / name
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "Claude" / name


# GPT models take at most 128 tools, of all servers together. The appliances and volumes are left out: those are set up
# once and looked at in the console, these are protected by fewer.
DAILY_TOOLSETS = "fleet,policies,jobs,vms,vm_groups,datastores,mssql,stores,inventory,tasks,plans"
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
        note="The file is for this directory; the variables are read from the environment. The command in it is of "
        "this machine: before you share the file, put one there that the others have too.",
    ),
    "vscode": Client(
        "VS Code",
        lambda: Path.cwd() / ".vscode" / "mcp.json",
        "servers",
        _typed,
        variable="${input:%s}",
        smaller=("--toolsets", DAILY_TOOLSETS),
        note="VS Code gives a model at most 128 tools, of all servers together. The daily toolsets fit; left out are "
        "volumes, gateways, storeonces and orchestrators. Instead: --toolsets ..., --read-only, or --surface search "
        "(7 tools).",
    ),
    "cursor": Client(
        "Cursor",
        lambda: Path.home() / ".cursor" / "mcp.json",
        "mcpServers",
        _plain,
        variable="${env:%s}",
        smaller=("--surface", "search"),
        note="Cursor is reported to hold about 40 tools: seven answer over the estate, find and call the rest. "
        "Or choose --toolsets.",
    ),
    "windsurf": Client(
        "Windsurf",
        lambda: Path.home() / ".codeium" / "windsurf" / "mcp_config.json",
        "mcpServers",
        _plain,
        variable="${env:%s}",
        smaller=("--surface", "search"),
        note="Windsurf is reported to hold 100 tools: seven answer over the estate, find and call the rest. "
        "Or choose --toolsets.",
    ),
    "codex": Client(
        "Codex CLI",
        lambda: Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex") / "config.toml",
        "mcp_servers",
        lambda command, env: {"command": command[0], "args": command[1:], "env_vars": list(env)},
        smaller=("--toolsets", DAILY_TOOLSETS),
        note="Codex passes on the variables named in env_vars: set them where it is started. Its GPT models take at "
        "most 128 tools: the daily toolsets fit.",
    ),
    "gemini": Client(
        "Gemini CLI",
        lambda: Path.home() / ".gemini" / "settings.json",
        "mcpServers",
        _plain,
        variable="${%s}",
    ),
    "opencode": Client(
        "opencode",
        lambda: Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "opencode" / "opencode.json",
        "mcp",
        _opencode,
        variable="{env:%s}",
        smaller=("--toolsets", DAILY_TOOLSETS),
        env="environment",
        note="The daily toolsets fit every model; with one that takes more tools, drop that flag.",
    ),
    "copilot": Client(
        "Copilot CLI",
        lambda: Path(os.environ.get("COPILOT_HOME") or Path.home() / ".copilot") / "mcp-config.json",
        "mcpServers",
        _copilot,
        variable="${%s}",
        smaller=("--toolsets", DAILY_TOOLSETS),
        note="The daily toolsets keep within the 128 tools of GPT models.",
    ),
    "qwen": Client(
        "qwen-code",
        lambda: Path.home() / ".qwen" / "settings.json",
        "mcpServers",
        _plain,
        variable="${%s}",
        smaller=("--toolsets", DAILY_TOOLSETS),
    ),
}


def client(name: str) -> Client:
    """The client of this name; a BackupError names those there are."""
    if name not in TABLE:
        raise InputError(f"There is no client {name!r}.", hint=f"Clients: {', '.join(TABLE)}.")
    return TABLE[name]


def entry(client: Client, flags: Sequence[str], environment: Mapping[str, str]) -> Entry:
    """What the client is told of this server: its command, with flags that keep to the client's limit."""
    chosen = any(flag in (f"--{name.replace('_', '-')}" for name in READ_ONLY_SETTINGS) for flag in flags)
    # -P: a client starts it in any directory, and a mcp.py or logging.py that lies there is not to be run
    start = (sys.executable, "-P", "-m", "greenlake_backup_mcp", "serve")
    command = [*start, *flags, *(() if chosen else client.smaller)]
    if "--demo" in flags:
        return client.entry(command, {})
    values = {name: environment.get(name, "") for name in TENANT}
    env = {
        name: client.variable % name if client.variable else "" if name == SECRET else values[name] for name in TENANT
    }
    return client.entry(command, env)


def config_path(client: Client) -> Path:
    """The client's file; a BackupError where there is no home, or no directory to stand in."""
    try:
        return client.file()
    except (OSError, RuntimeError) as error:
        raise SettingsError(
            f"Where {client.title} keeps its file cannot be told: {why_unknown(error)}.",
            hint="Nothing was written. Go to a directory that exists, with HOME set.",
        ) from None


def why_unknown(error: Exception) -> str:
    """What went wrong, without the name of an exception."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error).rstrip(".")
