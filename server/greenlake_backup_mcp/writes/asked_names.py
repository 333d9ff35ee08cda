"""The names of what was asked for by id, read where something else is there, so that both are told by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from . import leaf_values
from .expectations import OWN, VIRTUALIZATION
from .polling import WriteContext
from .read_back import read_page

MOST = 2  # reads
COLLECTIONS = {  # TABLE: the leaf of a request → the list of what it names; some have no read of one alone
    "clusterId": f"{VIRTUALIZATION}/hypervisor-clusters",
    "hostId": f"{VIRTUALIZATION}/hypervisor-hosts",
    "datastoreId": f"{VIRTUALIZATION}/datastores",
    "folderId": f"{VIRTUALIZATION}/hypervisor-folders",
    "hypervisorManagerId": f"{VIRTUALIZATION}/hypervisor-managers",
    "instanceId": f"{OWN}/mssql-instances",
    "protectionPolicyId": f"{OWN}/protection-policies",
    "protectionStoreId": f"{OWN}/protection-stores",
}


async def write_asked_names(context: WriteContext, asked: Any, lines: Sequence[str]) -> tuple[str, ...]:
    """The lines of what differs, with names for what `asked` (a part of the request) gives by id. Reads at most two."""
    differing = [pair for pair in dict.fromkeys(_ids(asked)) if any(f" asked {pair[1]}," in line for line in lines)]
    for collection, identity in differing[:MOST]:
        page = await read_page(context.api, collection, ("filter", f"id eq '{identity}'"), ("limit", "1"))
        for item in page.items[:1]:
            name = leaf_values.write_name(item)
            lines = [line.replace(f" asked {identity},", f" asked {name},") for line in lines]
    return tuple(lines)


def _ids(asked: Any) -> Iterator[tuple[str, str]]:
    if isinstance(asked, dict):
        for name, value in asked.items():
            if name in COLLECTIONS and isinstance(value, str):
                yield COLLECTIONS[name], value
            yield from _ids(value)
    elif isinstance(asked, list):
        for one in asked:
            yield from _ids(one)
