"""A group's restore, member by member: whether each came back, under its name, where and as it was asked for.

Reads at most two lists, and never raises for what the service answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import sanitize

from . import comparison, contradictions
from .expectations import VIRTUALIZATION
from .made_resources import new_items
from .polling import WriteContext
from .read_back import ReadBack, read_page
from .verification import Verdict

VMS = f"{VIRTUALIZATION}/virtual-machines"
MOST = 8  # members in one answer
Item = Mapping[str, Any]


async def judge_members(context: WriteContext, group: ReadBack) -> Verdict:
    """What became of the members of a VM protection group that were to be restored."""
    body = context.sent.body if context.sent and isinstance(context.sent.body, Mapping) else {}
    if not group.item:
        why = group.problem or "it is not there"
        return Verdict(Outcome.UNKNOWN, "", (f"Outcome unknown: the group's members are not known ({why}).",))
    overrides = {str(one.get("resourceId")): one for one in body.get("recoveryInfo") or () if isinstance(one, Mapping)}
    members = [one for one in group.item.get("assets") or () if isinstance(one, Mapping)]
    if overrides and not body.get("restoreAllResources"):
        members = [one for one in members if str(one.get("id")) in overrides]
    if body.get("restoreType") == "ALTERNATE":
        return await _beside(context, body, members, overrides)
    return await _over(context, members)


async def _over(context: WriteContext, members: list[Item]) -> Verdict:
    """Members overwritten: what their states say."""
    path = context.target.path if context.target else ""
    query = ("filter", f"vmProtectionGroupsInfo/id eq '{path.rpartition('/')[2]}'")
    page = await read_page(context.api, VMS, query, ("limit", "1000"))
    by_id = {str(item.get("id")): item for item in page.items}
    missing = [one for one in members if str(one.get("id")) not in by_id]
    if page.problem or missing:
        why = page.problem or f"{len(missing)} of {len(members)} are not in the list"
        return Verdict(Outcome.UNKNOWN, "", (f"Outcome unknown: its members' states could not be read ({why}).",))
    wrong = []
    outcome = Outcome.DONE
    for one in members:
        compared = contradictions.find_contradiction(by_id[str(one.get("id"))], context.since, context.api.now())
        if compared:
            wrong.append(f"- {_called(one)}: {compared.sentence}")
            outcome = compared.outcome if outcome in (Outcome.DONE, Outcome.RUNNING) else outcome
    if not wrong:
        return Verdict(Outcome.DONE, "", (f"All {len(members)} members are in a good state.",))
    if outcome is Outcome.FAILED and len(wrong) < len(members):
        outcome = Outcome.PARTLY
    clause = f"but failed in part: {len(wrong)} of {len(members)} members"
    first = f"Failed in part: the states of {len(wrong)} of {len(members)} members contradict a success."
    return Verdict(outcome, clause, (first, *wrong[:MOST], *_more(wrong)))


async def _beside(context: WriteContext, body: Item, members: list[Item], overrides: Mapping[str, Item]) -> Verdict:
    """New VMs: each by its name, held against what was asked for it."""
    prefix, postfix = str(body.get("namePrefix") or ""), str(body.get("namePostfix") or "")
    named = bool(prefix or postfix)
    names = {str(one.get("id")): f"{prefix}{_name(one)}{postfix}" for one in members}
    new, problem = await new_items(context, VMS, tuple(names.values()) if named else ())
    if problem and not new:
        return Verdict(Outcome.UNKNOWN, "", (f"Outcome unknown: what it made could not be looked for ({problem}).",))
    by_name = {str(item.get("displayName") or item.get("name")): item for item in new}
    if not named:  # the service chose the names: each begins or ends with the member's
        names = {str(one.get("id")): next((n for n in by_name if _name(one) in n), "") for one in members}
    made, lines, differing = [], [], 0
    for one in members:
        item = by_name.get(names[str(one.get("id"))])
        if item is None:
            lines.append(f"- not made: {names[str(one.get('id'))] or _called(one)}")
            continue
        made.append(item)
        asked = _asked(body, overrides.get(str(one.get("id")), {}))
        compared = comparison.compare(asked, item, context.expectation, None)
        against = contradictions.find_contradiction(item, context.since, context.api.now())
        differing += bool(compared.different or against)
        lines += [f"- {_called(item)} DIFFERS: {clause}" for clause in compared.different]
        lines += [f"- {_called(item)}: {against.sentence}"] if against else []
    missing = len(members) - len(made)
    called = ", ".join(_called(item) for item in made[:MOST])
    called += f" and {len(made) - MOST} more" if len(made) > MOST else ""
    summary = f"Made: {len(made)} of {len(members)} VMs{f': {called}' if made else ''}."
    details = (*lines[:MOST], *_more(lines))
    if missing:
        outcome = Outcome.FAILED if not made else Outcome.PARTLY
        clause = f"but failed in part: {missing} of {len(members)} members were not made"
        return Verdict(
            outcome, clause, (f"Failed in part: {missing} of {len(members)} were not made.", *details, summary)
        )
    if differing:
        return Verdict(
            Outcome.DIFFERS, f"but {differing} of {len(members)} DIFFER from what was asked for", (*details, summary)
        )
    return Verdict(Outcome.DONE, "as asked", (summary,))


def _asked(body: Item, override: Item) -> dict[str, Any]:
    """What was asked of one member: the group's place, its own instead, and whether it runs."""
    asked = {**(body.get("targetInfo") or {}), **(override.get("targetInfoOverrides") or {})}
    if "powerOn" not in asked and isinstance(body.get("powerOnVmsAfterRestore"), bool):
        asked["powerOn"] = body["powerOnVmsAfterRestore"]
    return asked


def _name(one: Item) -> str:
    return str(one.get("name") or one.get("displayName") or one.get("id"))


def _called(one: Item) -> str:
    return f"{sanitize.quoted(_name(one), 80)} (id {sanitize.cell(str(one.get('id')))})"


def _more(lines: list[str]) -> tuple[str, ...]:
    return (f"- and {len(lines) - MOST} more",) if len(lines) > MOST else ()
