"""What each list is said to take is what is known of the service (../shared/domain/filters.json, if it is there)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from greenlake_backup_mcp.lists import capabilities
from greenlake_backup_mcp.tools import registry

FACTS = Path(__file__).parents[3] / "shared" / "domain" / "filters.json"
LISTS = {t.operation.id: t.operation for t in registry.tools() if t.lists and t.operation}
KNOWN: dict[str, dict[str, Any]] = (
    {name.partition("@")[0]: row for name, row in json.loads(FACTS.read_text(encoding="utf-8")).items()}
    if FACTS.exists()
    else {}
)
UNHELD = {  # documented as filters though no item has them: what they would compare is not known, so `where` is offered
    "MSSQLDatabaseBackupList": {"storageSystemInfo/name", "verified"},
    "MSSQLDatabaseSnapshotList": {
        "consistency", "storageSystemInfo/id", "storageSystemInfo/name", "storageSystemInfo/type", "verified",
    },
    "DataManagementTemplatesList": {"protections/applicationType"},
}  # fmt: skip
pytestmark = pytest.mark.skipif(not KNOWN, reason="../shared is not here")


@pytest.mark.parametrize("name", LISTS)
def test_a_list_takes_what_is_known_of_it(name: str) -> None:
    row, able = KNOWN[name], capabilities.capabilities_of(LISTS[name])
    operators = {{"in": "holds"}.get(o, o) for o in (*row["operators"], *row["combinators"])}
    # Membership, x in ('a','b'), is documented for all of data-services, though not at each list.
    assert able.operators - operators <= ({"in"} if row["service"] == "data-services" and operators else set())
    assert operators <= able.operators
    assert able.select == bool(row["select_supported"])
    assert able.sort == bool(row["sort_supported"])
    bounds = {name: (row.get(name) or {}).get("maximum") for name in ("limit", "offset")}
    if able.paged and bounds["limit"]:
        assert able.limit == bounds["limit"]
    assert able.offset == bounds["offset"]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_filtered_by_what_is_known(name: str) -> None:
    assert set(capabilities.capabilities_of(LISTS[name]).attributes or ()) == set(
        KNOWN[name]["attributes"]
    ) - UNHELD.get(name, set())
