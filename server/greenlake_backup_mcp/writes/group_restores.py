"""A group's restore, member by member: whether each came back, under its name, where and as it was asked for.

Reads at most two lists and two names, and never raises for what the service answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import sanitize, units

from . import comparison, contradictions
from .asked_names import write_asked_names
from .expectations import NO_CONTENT, VIRTUALIZATION, body_of
from .made_resources import new_items
from .polling import WriteContext
from .read_back import ReadBack, read_page
from .verdicts import Verdict, cannot_be_told, list_labels, unproven

TOOL = "restore_vm_protection_group"
VMS = f"{VIRTUALIZATION}/virtual-machines"
MOST = 8  # members in a line, lines
MOST_MADE = 40  # members by name and id
Item = Mapping[str, Any]
Members = Mapping[str, Item]  # by id


async def judge_members(context: WriteContext, group: ReadBack) -> Verdict:
    """What became of the members of a VM protection group that were to be restored."""
    body = body_of(context.sent)
    overrides = {str(one.get("resourceId")): one for one in body.get("recoveryInfo") or () if isinstance(one, Mapping)}
    members = {str(one.get("id")): one for one in group.item.get("assets") or () if isinstance(one, Mapping)}
    if overrides and not body.get("restoreAllResources"):
        members = {identity: one for identity, one in members.items() if identity in overrides}
    if not members:
        why = group.problem or ("it shows none of those to restore" if group.item else "it is not there")
        return unproven(f"the group's members are not known ({why})")
    if body.get("restoreType") == "ALTERNATE":
        return await _beside(context, body, members, overrides)
    return await _over(context, members)


async def _over(context: WriteContext, members: Members) -> Verdict:
    """Members overwritten: what their states say."""
    path = context.target.path if context.target else ""
    query = ("filter", f"vmProtectionGroupsInfo/id eq '{path.rpartition('/')[2]}'")
    page = await read_page(context.api, VMS, query, ("limit", "1000"))
    items = [item for item in page.items if str(item.get("id")) in members]
    total = len(members)
    if page.problem or len(items) < total:
        why = page.problem or f"{total - len(items)} of {total} are not in the list"
        return unproven(f"its members' states could not be read ({why})")
    against, outcome = _contradictions(context, items)
    content = cannot_be_told([NO_CONTENT])
    if not against:
        return Verdict(Outcome.DONE, "", (f"All {total} members are in a good state.", *content))
    wrong = sum(map(len, against.values()))
    if outcome is Outcome.FAILED and wrong < total:
        outcome = Outcome.PARTLY
    clause = f"failed in part: {wrong} of {total} members" if wrong < total else "its members' states contradict that"
    first = f"The states of {wrong} of {total} members contradict a success."
    return Verdict(outcome, f"but {clause}", (first, *_grouped(against), *content))


async def _beside(context: WriteContext, body: Item, members: Members, overrides: Members) -> Verdict:
    """New VMs: each by its name, held against what was asked for it."""
    prefix, postfix = str(body.get("namePrefix") or ""), str(body.get("namePostfix") or "")
    names = {identity: f"{prefix}{_name(one)}{postfix}" for identity, one in members.items()}
    named = bool(prefix or postfix)
    new, problem = await new_items(context, VMS, tuple(names.values()) if named else ())
    if problem and not new:
        return unproven(f"what it made could not be looked for ({problem})")
    by_name = {str(item.get("displayName") or item.get("name")): item for item in new}
    if not named:  # the service chose the names: each begins or ends with the member's
        names = {i: next((name for name in by_name if _name(one) in name), "") for i, one in members.items()}
    made = {identity: item for identity, name in names.items() if (item := by_name.get(name))}
    missing = [names[identity] or _called(one) for identity, one in members.items() if identity not in made]
    differing, same, unknown = _compare_all(context, body, made, overrides)
    against, worst_state = _contradictions(context, list(made.values()))
    total, items = len(members), list(made.values())
    lines = [f"- not made: {name}" for name in missing[:MOST]]
    lines += [f"- not made: {len(missing) - MOST} more"] if len(missing) > MOST else []
    asked = [body.get("targetInfo"), *overrides.values()]
    lines += [*await write_asked_names(context, asked, _grouped(differing)), *_grouped(against)]
    called = units.first_few([_called(item) for item in items], MOST_MADE)
    summary = [f"Made: {len(made)} of {total} VMs{f': {called}' if made else ''}."]
    labels = [label if n == len(made) else f"{label} ({n} of them)" for label, n in same.items()]
    summary += [f"As asked: {list_labels(labels)}."] if labels else []
    summary += cannot_be_told([*unknown, NO_CONTENT])
    if missing and (others := [item for item in new if item not in items]):
        clause = f"but {len(missing)} of {total} members are not there under the names asked for"
        listed = units.first_few([_called(item) for item in others], MOST)
        return Verdict(Outcome.DIFFERS, clause, (f"DIFFERS: new under other names: {listed}.", *lines, *summary))
    if missing and made:
        clause = f"but failed in part: {len(missing)} of {total} members were not made"
        first = f"Failed in part: {len(missing)} of {total} were not made."
        return Verdict(Outcome.PARTLY, clause, (first, *lines, *summary))
    if missing:
        return Verdict(
            Outcome.FAILED, f"but none of {total} members was made", ("Nothing new was found.", *lines, *summary)
        )
    if against:
        count = sum(map(len, against.values()))
        outcome = Outcome.PARTLY if worst_state is Outcome.FAILED and count < total else worst_state
        return Verdict(outcome, f"but the states of {count} of {total} contradict that", (*lines, *summary))
    if differing:
        count = len({str(item.get("id")) for group in differing.values() for item in group})
        return Verdict(Outcome.DIFFERS, f"but {count} of {total} DIFFER from what was asked for", (*lines, *summary))
    return Verdict(Outcome.DONE, "as asked" if same else "", tuple(summary))


def _compare_all(
    context: WriteContext, body: Item, made: Members, overrides: Members
) -> tuple[dict[str, list[Item]], Counter[str], dict[str, None]]:
    """What differs, with the VMs that do; what is as asked, of how many; and what nobody can tell."""
    differing: dict[str, list[Item]] = {}
    same: Counter[str] = Counter()
    unknown: dict[str, None] = {}
    for identity, item in made.items():
        asked = _asked(body, overrides.get(identity, {}))
        compared = comparison.compare(asked, item, context.expectation, None)
        for clause in compared.different:
            differing.setdefault(f"DIFFERS: {clause}", []).append(item)
        same.update(compared.same)
        unknown |= dict.fromkeys(compared.unknown)
    return differing, same, unknown


def _contradictions(context: WriteContext, items: Sequence[Item]) -> tuple[dict[str, list[Item]], Outcome]:
    """What states contradict a success, each with the VMs that are so; and what that makes of the outcome."""
    result: dict[str, list[Item]] = {}
    outcome = Outcome.DONE
    for item in items:
        if contradiction := contradictions.find_contradiction(item, context.since, context.api.now()):
            result.setdefault(f"Its state contradicts that: {contradiction.state}", []).append(item)
            outcome = contradiction.outcome if outcome in (Outcome.DONE, Outcome.RUNNING) else outcome
    return result, outcome


def _grouped(clauses: Mapping[str, Sequence[Item]]) -> list[str]:
    """Each clause once, with how many and which it is about."""
    lines = []
    for clause, items in clauses.items():
        names = units.first_few([sanitize.quoted(_name(item), 80) for item in items], MOST)
        lines.append(f"- {clause}: {units.plural(len(items), 'VM')}: {names}")
    return lines[: 2 * MOST] + ([f"- and {len(lines) - 2 * MOST} more"] if len(lines) > 2 * MOST else [])


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
