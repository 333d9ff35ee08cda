"""What a new protection job sets going at once: its first runs, how much they copy, the room in their stores.

Reads only, and never raises for what the service answers.
"""

from __future__ import annotations

from greenlake_backup_mcp.lists.views import extractors
from greenlake_backup_mcp.text import sanitize, units
from greenlake_backup_mcp.upstream.client import ApiClient, Request

from . import parts as parts_of
from .expectations import OWN
from .parts import Parts
from .polling import WriteContext
from .read_back import ReadBack, read_back
from .runs import asset_of, schedule_tasks, tiers_of
from .task_model import Task

MOST_STORES = 2  # whose room is read
NEARLY_FULL = 85  # percent of a store that a first run should be warned of


async def describe_first_runs(context: WriteContext, made: ReadBack, parts: Parts) -> list[str]:
    """What a new job sets going at once: its first runs, how much they copy at most, the room in their stores.

    Nothing where something else was made, or the job could not be read.
    """
    if context.tool != "create_protection_job" or not made.item:
        return []
    api, since, job = context.api, context.since or context.api.now(), made.item
    asset = asset_of(job, Task(""))
    begun, problem = parts.tasks, ""
    if not begun:
        begun, problem = await schedule_tasks(api, asset, since)
    if begun:
        heading = f"It set going at once ({len(begun)} first runs, {parts_of.count_states(begun)}):"
        lines = [heading, *parts_of.describe_tasks(begun)]
    else:
        why = f" ({problem})" if problem else ""
        lines = [f"No first run of it is to be seen yet{why}; a new job usually begins one at once."]
    resource = await read_back(api, context.reader(asset)) if asset else ReadBack()
    sizes = (extractors.total_bytes(resource.item, [path]) for path in ("capacityInBytes", "sizeInBytes"))
    amount = next(filter(None, sizes), None)
    if amount:
        lines.append(f"The first backup copies all of the asset: at most {units.size(amount)} (its provisioned size).")
    ids = dict.fromkeys(one for tier in tiers_of(job) for one in extractors.values_at(tier, "protectionStoreInfo/id"))
    for store in list(ids)[:MOST_STORES]:
        lines.append(await _room(api, str(store), amount))
    if len(ids) > MOST_STORES:
        lines.append(f"The room of {units.plural(len(ids) - MOST_STORES, 'more store')} was not looked at.")
    return lines


async def _room(api: ApiClient, store: str, amount: int | None) -> str:
    """How full a store is, and whether what comes may exceed its room."""
    result = await read_back(api, Request("ProtectionStoreById", "GET", f"{OWN}/protection-stores/{store}", reads=True))
    name = sanitize.cell(str(result.item.get("displayName") or result.item.get("name") or store))
    percent = extractors.fill(result.item, ["sizeOnDiskInBytes", "maxCapacityInBytes"])
    free = extractors.used_of(result.item, ["maxCapacityInBytes", "sizeOnDiskInBytes"])
    if percent is None and result.item.get("protectionStoreType") == "CLOUD":
        return f"Store {name}: a cloud store has no fixed room."
    if percent is None or free is None:
        return f"Store {name}: its room is not known{f' ({result.problem})' if result.problem else ''}."
    warning = ""
    if amount and amount > free:
        warning = "; WARNING: less than the first backup may need"
    elif percent >= NEARLY_FULL:
        warning = "; WARNING: nearly full"
    return f"Store {name}: {percent} % full, {units.size(free)} free{warning}."
