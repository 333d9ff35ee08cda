"""One truth after everything was written that can be, however one asks; other readings in `python -m tests.history`."""

from __future__ import annotations

from greenlake_backup_mcp.simulator.switches import Switches

from .invariants import contradictions, snapshot
from .relations import broken_relations
from .written import written


def test_a_tenant_to_which_everything_was_written_contradicts_itself_nowhere() -> None:
    tenant, broken = written(7, Switches())
    assert broken == []
    shot = snapshot(tenant)
    assert broken_relations(shot) == {}
    assert contradictions(shot) == {}
