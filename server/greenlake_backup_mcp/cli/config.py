"""`config`: what a client must be told of this server, shown or written into its file."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.errors import InputError, SettingsError
from greenlake_backup_mcp.settings import Settings

from .printing import print_message, print_result

FILES = ("spec", "state_dir", "audit_log", "tokens_file")  # settings that are paths


def config(options: argparse.Namespace) -> int:
    """Print or write what a client must be told of this server."""
    from greenlake_backup_mcp.client_config import files, registry  # noqa: PLC0415

    client = registry.client(options.client)
    _must_start(options)
    entry = registry.entry(client, _flags(options), os.environ)
    if options.write:
        file, copy = files.write(client, entry)
        print_message(
            f"{client.title}: {file} holds {registry.NAME}." + (f" What it was before: {copy}" if copy else "")
        )
        print_message(f"Restart {client.title} to see it.")
    else:
        print_message(f"{client.title} reads {registry.config_path(client)}; --write puts this there:\n")
        print_result(files.snippet(client, entry))
    if client.note:
        print_message(client.note)
    if entry.get("env", {}).get(registry.SECRET) == "":
        print_message(f"{registry.SECRET} is left empty: fill it in. It is never written for you.")
    return 0


def _must_start(options: argparse.Namespace) -> None:
    """Raise BackupError for flags with which the client's server would answer nothing but what is wrong."""
    from greenlake_backup_mcp.server import app  # noqa: PLC0415

    if options.http:
        raise SettingsError(
            "A client starts this server on its own stdin and stdout, and --http makes it serve a port instead.",
            hint="Leave --http out; or start `serve --http` yourself, and give the client its URL.",
        )
    flags = {name: getattr(options, name, None) for name in Settings.model_fields}
    # Without the environment, which is that of this shell and not the client's; the secret of an id is there too.
    app.tool_set(settings.load(environment=False, **{**flags, "client_id": None}))


def _flags(options: argparse.Namespace) -> list[str]:
    """The flags of settings that were given, as they would be typed."""
    flags: list[str] = []
    for name in Settings.model_fields:
        value = getattr(options, name, None)
        if isinstance(value, bool):
            flags.append(f"--{'' if value else 'no-'}{name.replace('_', '-')}")
        elif value is not None:
            flags += [f"--{name.replace('_', '-')}", _absolute(value) if name in FILES else str(value)]
    return flags


def _absolute(path: str) -> str:
    """The path from the root: the client starts the server in a directory of its own."""
    try:
        return str(Path(path).absolute())
    except OSError:
        raise InputError("The directory you stand in is gone.", hint="Go to one that exists.") from None
