"""Where this server keeps files of its own: the platform's directory for state, one name per tenant and client.

Knows the settings that say which tenant it is; must know nothing of what the files hold.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from .settings import Settings

NAME = "greenlake-backup-mcp"


def state_directory(settings: Settings) -> Path:
    """The directory of this user's state, not made yet: ~/.local/state on Linux, Application Support on a Mac."""
    if settings.state_dir is not None:
        return settings.state_dir
    import platformdirs  # noqa: PLC0415  tools/list does not need it

    return platformdirs.user_state_path(NAME, appauthor=False)


def private_file(settings: Settings, name: str) -> Path:
    """A file of this user alone in the directory of state, made where it is missing (directory 0700, file 0600).

    Raises OSError where there is no such place, or where the file is somebody else's.
    """
    directory = state_directory(settings)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / name
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        if os.name == "posix":
            owner = os.fstat(descriptor)
            if owner.st_uid != os.geteuid():
                raise PermissionError(f"{path} belongs to another user")
            if owner.st_mode & 0o077:
                os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
    return path


def tenant_key(settings: Settings) -> str:
    """What tells one tenant and API client from another in a file's name, without telling what they are."""
    parts = (settings.region, settings.api_base_url, settings.workspace_id, settings.token_url, settings.client_id)
    where = "\n".join(part or "" for part in parts)
    return hashlib.sha256(where.encode()).hexdigest()[:16]
