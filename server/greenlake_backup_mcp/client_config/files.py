"""What a client's file says of this server, merged into it.

What is in the file stays, a copy of it is kept beside it, and a file that is not understood is left alone.
Knows JSON, TOML and files; what a client is told is in registry.py. Must know nothing of MCP or HTTP.
"""

from __future__ import annotations

import errno
import json
import os
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from greenlake_backup_mcp.errors import SettingsError

from .registry import NAME, SECRET, TENANT, TENANT_SETTINGS, Client, Entry, config_path, why_unknown


def snippet(client: Client, entry: Entry) -> str:
    """The part of the client's file that tells of this server."""
    return _toml(client, entry) if config_path(client).suffix == ".toml" else _json(_render_file(client, {}, entry))


def write(client: Client, entry: Entry) -> tuple[Path, Path | None]:
    """Merge the entry into the client's file: the file, and the copy of what it was before."""
    file = config_path(client)
    before = _text(file)
    try:
        after = (
            _merge_toml(client, before, entry, file)
            if file.suffix == ".toml"
            else _merge_json(client, before, entry, file)
        )
        return file, None if after == before else _replace(file, before, after)
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: a link to itself, or JSON nested without end
        raise SettingsError(
            f"{file} cannot be changed: {why_unknown(error)}. It was left as it is.",
            hint=f"Add this by hand:\n{snippet(client, entry)}",
        ) from None


def _replace(file: Path, before: str, after: str) -> Path | None:
    """Put the new text in the place of the former at once; the copy of that."""
    content = after.encode()
    copy = None
    target = file.resolve()  # a link stays one
    if target.is_symlink():  # since Python 3.13 resolving a link to itself raises nothing
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    target.parent.mkdir(parents=True, exist_ok=True)
    if before:
        copy = target.with_name(f"{target.name}.{datetime.now(UTC):%Y%m%dT%H%M%S%f}.bak")
        copy.write_text(before, encoding="utf-8")
        copy.chmod(target.stat().st_mode & 0o777)
    fresh = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        fresh.touch(mode=0o600)
        fresh.write_bytes(content)
        if before:
            fresh.chmod(target.stat().st_mode & 0o777)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    return copy


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig") if file.exists() else ""
    except (OSError, RuntimeError, UnicodeDecodeError) as error:
        reason = "it is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else why_unknown(error)
        raise SettingsError(f"{file} cannot be read: {reason}.", hint="It was left as it is.") from None


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _merge_json(client: Client, before: str, entry: Entry, file: Path) -> str:
    try:
        content = json.loads(before) if before.strip() else {}
    except ValueError:
        content = None
    odd = _unusable_file(client, content)
    if odd or content is None:
        raise SettingsError(
            f"{file} is not {odd}: it was left as it is.", hint=f"Add this by hand:\n{snippet(client, entry)}"
        )
    merged = _render_file(client, content, entry)
    return before if merged == content else _json(merged)


def _unusable_file(client: Client, content: Any) -> str:
    """What the file would have to be for the entry to fit in; "" where it is so."""
    if not isinstance(content, dict) or not isinstance(content.get(client.table, {}), dict):
        return f"plain JSON with an object {client.table} (comments, perhaps)"
    mine = content.get(client.table, {}).get(NAME, {})
    if not isinstance(mine, dict) or not isinstance(mine.get(client.env, {}), dict):
        return f"one where {NAME} is an object, and its {client.env} one too"
    asks = client.variable.startswith("${input:")
    return "one where inputs is a list" if asks and not isinstance(content.get("inputs", []), list) else ""


def _render_file(client: Client, content: Mapping[str, Any], entry: Entry) -> dict[str, Any]:
    """The content with the entry in it. What a person filled in before, and other keys of theirs, stay.

    A demo takes the tenant's variables away: beside them the server would refuse every call.
    """
    servers = dict(content.get(client.table, {}))
    old: dict[str, Any] = servers.get(NAME, {})
    gone = TENANT_SETTINGS if _is_demo(entry) else ()
    new = entry.get(client.env, {})
    values = {n: value for n, value in old.get(client.env, {}).items() if (value or n not in new) and n not in gone}
    servers[NAME] = {**old, **entry}
    if client.env in entry or values:
        servers[NAME][client.env] = {**new, **values}
    whole = {**content, client.table: servers}
    wanted = [n for n in TENANT if f"${{input:{n}}}" in servers[NAME].get(client.env, {}).values()]
    if wanted:
        inputs = list(content.get("inputs", []))
        ids = [i.get("id") for i in inputs if isinstance(i, dict)]
        inputs += [
            {"type": "promptString", "id": n, "description": TENANT[n], "password": n == SECRET}
            for n in wanted
            if n not in ids
        ]
        whole["inputs"] = inputs
    return whole


def _is_demo(entry: Entry) -> bool:
    return "--demo" in (entry.get("args") or entry["command"])


def _toml(client: Client, entry: Entry) -> str:
    lines = [f"[{client.table}.{NAME}]"]
    lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items()]
    return "\n".join(lines) + "\n"


def _merge_toml(client: Client, before: str, entry: Entry, file: Path) -> str:
    """A new entry is added at the end; of one that is there the keys are set. The rest is not touched."""
    try:
        content = tomllib.loads(before)
        odd = "" if isinstance(content.get(client.table, {}), dict) else f"one where {client.table} is a table"
    except tomllib.TOMLDecodeError as error:
        content, odd = {}, f"valid TOML ({error})"
    if odd:
        raise SettingsError(
            f"{file} is not {odd}: it was left as it is.", hint=f"Add this by hand:\n{_toml(client, entry)}"
        )
    old = content.get(client.table, {}).get(NAME)
    if old is None:
        after = before + ("\n" if before and not before.endswith("\n") else "") + ("\n" if before else "")
        after += _toml(client, entry)
    else:
        after = _replace_in_toml(client, before, entry) if isinstance(old, dict) else ""
    table = old if isinstance(old, dict) else {}
    rest = {
        **content,
        client.table: {**content.get(client.table, {}), NAME: _without_tenant({**table, **entry}, entry)},
    }
    try:
        same = tomllib.loads(after) == rest
    except tomllib.TOMLDecodeError:
        same = False
    if not same:  # an entry in a spelling that is not ours, or one that is no table
        raise SettingsError(
            f"{file} tells of {NAME} in a way that cannot be changed safely: it was left as it is.",
            hint=f"Put this in its place by hand:\n{_toml(client, entry)}",
        )
    return after


def _replace_in_toml(client: Client, before: str, entry: Entry) -> str:
    """The text with the keys of the entry in the table that is there; other keys, tables and comments stay."""
    import tomlkit  # noqa: PLC0415  only this command needs it

    document = tomlkit.parse(before)
    servers: Any = document[client.table]
    server = servers[NAME]
    for key, value in entry.items():
        if server.get(key) != value:
            server[key] = value
    if _is_demo(entry) and isinstance(server.get("env"), dict):
        for name in TENANT_SETTINGS:
            server["env"].pop(name, None)
    return tomlkit.dumps(document)


def _without_tenant(merged: Entry, entry: Entry) -> Entry:
    if not _is_demo(entry) or not isinstance(merged.get("env"), dict):
        return merged
    return {**merged, "env": {n: v for n, v in merged["env"].items() if n not in TENANT_SETTINGS}}
