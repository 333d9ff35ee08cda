"""What each list is said to take is what is known of the service."""

from __future__ import annotations

import pytest

from greenlake_backup_mcp.lists import capabilities
from greenlake_backup_mcp.tools import registry
from tests.support import facts

LISTS = {t.operation.id: t.operation for t in registry.tools() if t.lists and t.operation}
KNOWN = facts.filters()
UNHELD = {  # documented as filters though no item has them: what they would compare is not known, so `where` is offered
    "MSSQLDatabaseBackupList": {"storageSystemInfo/name", "verified"},
    "MSSQLDatabaseSnapshotList": {
        "consistency", "storageSystemInfo/id", "storageSystemInfo/name", "storageSystemInfo/type", "verified",
    },
    "DataManagementTemplatesList": {"protections/applicationType"},
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_a_list_takes_what_is_known_of_it(name: str) -> None:
    row, able = KNOWN[name], capabilities.capabilities_of(LISTS[name])
    operators = {{"in": "holds"}.get(o, o) for o in (*row["operators"], *row["combinators"])}
    # Membership, x in ('a','b'), is documented for all of data-services, though not at each list.
    assert able.operators - operators <= ({"in"} if row["service"] == "data-services" and operators else set())
    assert operators <= able.operators
    assert able.select == bool(row["select"])
    assert able.sort == bool(row["sort"])
    if able.paged and row["limit"]:
        assert able.limit == row["limit"]
    assert able.offset == row["offset"]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_filtered_by_what_is_known(name: str) -> None:
    assert set(capabilities.capabilities_of(LISTS[name]).attributes or ()) == set(
        KNOWN[name]["attributes"]
    ) - UNHELD.get(name, set())
