"""Where this server keeps files of its own: the platform's directory for state, one name per tenant and client.

Knows the settings that say which tenant it is; must know nothing of what the files hold.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from .settings import Settings

NAME = "greenlake-backup-mcp"


def state_directory(settings: Settings) -> Path:
    """The directory of this user's state, not made yet: ~/.local/state on Linux, Application Support on a Mac."""
    import platformdirs  # noqa: PLC0415  tools/list does not need it

    return platformdirs.user_state_path(NAME, appauthor=False)


def tenant_key(settings: Settings) -> str:
    """What tells one tenant and API client from another in a file's name, without telling what they are."""
    parts = (settings.region, settings.api_base_url, settings.workspace_id, settings.token_url, settings.client_id)
    where = "\n".join(part or "" for part in parts)
    return hashlib.sha256(where.encode()).hexdigest()[:16]
