"""The names of what was asked for by id, read where something else was made, so that both are told by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


async def read_asked_names(context: WriteContext, asked: Mapping[str, Any], differing: str) -> dict[str, str]:
    """Names by id of what was asked for and stands by its id in the text of what differs."""
    result: dict[str, str] = {}
    for collection, identity in dict.fromkeys(_ids(asked)):
        if identity in differing and len(result) < MOST:
            page = await read_page(context.api, collection, ("filter", f"id eq '{identity}'"), ("limit", "1"))
            for item in page.items[:1]:
                result[identity] = leaf_values.write_name(item)
    return result


def _ids(asked: Any) -> Iterator[tuple[str, str]]:
    if isinstance(asked, Mapping):
        for name, value in asked.items():
            if name in COLLECTIONS and isinstance(value, str):
                yield COLLECTIONS[name], value
            yield from _ids(value)
    elif isinstance(asked, list):
        for one in asked:
            yield from _ids(one)
