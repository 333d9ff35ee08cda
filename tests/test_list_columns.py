"""Every column of the table of judgement reads what the description of its list has."""

from __future__ import annotations

import pytest

from greenlake_backup_mcp import catalog
from greenlake_backup_mcp.lists import abilities, items, judgement

LISTS = {t.operation.id: t.operation for t in catalog.tools() if t.lists and t.operation}
ROWS = [
    (operation, resource) for resource in judgement.TABLE for operation in resource.operations if operation in LISTS
]


@pytest.mark.parametrize(("operation", "resource"), ROWS, ids=[operation for operation, _ in ROWS])
def test_every_column_reads_what_is_described(operation: str, resource: judgement.Resource) -> None:
    described = abilities.kinds(abilities.item_schema(LISTS[operation]))
    assert described
    for column in resource.every:
        if column.read is items.first:  # alternatives, of which the list may have one
            assert set(column.paths) & set(described), column
        else:
            assert set(column.paths) <= set(described), column


def test_every_list_has_a_row_in_the_table() -> None:
    assert set(LISTS) == {operation for operation, _ in ROWS}
