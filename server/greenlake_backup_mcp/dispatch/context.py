"""What every call needs: the way to the service, the tools there are and those offered, consent, what is remembered.

Must know nothing of what a call does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from greenlake_backup_mcp.consent.plan_runs import PlanRuns
from greenlake_backup_mcp.consent.proposals import Consent
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.tools import roles
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream import client
from greenlake_backup_mcp.writes.remembered import WriteMemory

from .catalog_source import CatalogSource


@dataclass(frozen=True)
class CallContext:
    """What every call needs: the way to the service, the tools there are and those offered, and consent."""

    api: client.ApiClient
    tools: Mapping[str, Tool]  # all there are
    enabled: Mapping[str, Tool]  # those this server offers
    consent: Consent
    catalog: CatalogSource
    plans: PlanRuns
    role: roles.Role = "destroy"  # of the caller; without logins it is whoever started this server
    memory: WriteMemory = field(default_factory=WriteMemory)
    problem: BackupError | None = None  # why nothing can be called: told as each call's result, not by a dead server

    @property
    def settings(self) -> Settings:
        """The settings of this server."""
        return self.api.settings
