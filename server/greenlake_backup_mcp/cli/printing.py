"""What commands have in common: the settings of their flags, and where they print."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.settings import Settings


def print_message(text: str) -> None:
    """Print to stderr: stdout belongs to the protocol, or to what was asked for."""
    print(text, file=sys.stderr)  # noqa: T201


def print_result(text: str) -> None:
    """Print what was asked for."""
    print(text, flush=True)  # noqa: T201  # in its order with what is said on stderr


async def print_progress(done: float, _total: float | None, words: str) -> None:
    """Print now and then how far it is, to stderr."""
    if int(done) % 50 == 0:
        print_message(f"… {words}")


def load_settings(options: argparse.Namespace) -> Settings:
    """The settings of the flags and the environment, and the log as they want it; SettingsError says what is wrong."""
    flags: dict[str, Any] = {name: getattr(options, name, None) for name in Settings.model_fields}
    loaded = settings.load(**flags)
    call_log.configure(loaded.log_level, as_json=loaded.log_json)
    return loaded
