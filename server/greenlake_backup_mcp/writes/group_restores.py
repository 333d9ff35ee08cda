"""A group's restore, member by member: whether each came back, under its name, where and as it was asked for.

Reads at most two lists, and never raises for what the service answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import sanitize, units

from . import comparison, contradictions
from .asked_names import read_asked_names
from .expectations import NO_CONTENT, VIRTUALIZATION
from .made_resources import new_items
from .polling import WriteContext
from .read_back import ReadBack, read_page
from .verdicts import UNPROVEN, Verdict, list_labels

TOOL = "restore_vm_protection_group"
VMS = f"{VIRTUALIZATION}/virtual-machines"
MOST = 8  # members in a line, lines
MOST_MADE = 40  # members by name and id
Item = Mapping[str, Any]


async def judge_members(context: WriteContext, group: ReadBack) -> Verdict:
    """What became of the members of a VM protection group that were to be restored."""
    body = context.sent.body if context.sent and isinstance(context.sent.body, Mapping) else {}
    if not group.item:
        why = group.problem or "it is not there"
        return Verdict(Outcome.UNKNOWN, UNPROVEN, (f"Outcome unknown: the group's members are not known ({why}).",))
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
        return Verdict(Outcome.UNKNOWN, UNPROVEN, (f"Outcome unknown: its members' states could not be read ({why}).",))
    against, outcome = _contradictions(context, [by_id[str(one.get("id"))] for one in members])
    content = f"Cannot be told: {NO_CONTENT}."
    if not against:
        return Verdict(Outcome.DONE, "", (f"All {len(members)} members are in a good state.", content))
    wrong = sum(map(len, against.values()))
    if outcome is Outcome.FAILED and wrong < len(members):
        outcome = Outcome.PARTLY
    clause = f"but failed in part: {wrong} of {len(members)} members" if wrong < len(members) else ""
    first = f"The states of {wrong} of {len(members)} members contradict a success."
    return Verdict(outcome, clause or "but its members' states contradict that", (first, *_grouped(against), content))


async def _beside(context: WriteContext, body: Item, members: list[Item], overrides: Mapping[str, Item]) -> Verdict:
    """New VMs: each by its name, held against what was asked for it."""
    prefix, postfix = str(body.get("namePrefix") or ""), str(body.get("namePostfix") or "")
    named = bool(prefix or postfix)
    names = {str(one.get("id")): f"{prefix}{_name(one)}{postfix}" for one in members}
    new, problem = await new_items(context, VMS, tuple(names.values()) if named else ())
    if problem and not new:
        return Verdict(
            Outcome.UNKNOWN, UNPROVEN, (f"Outcome unknown: what it made could not be looked for ({problem}).",)
        )
    by_name = {str(item.get("displayName") or item.get("name")): item for item in new}
    if not named:  # the service chose the names: each begins or ends with the member's
        names = {str(one.get("id")): next((n for n in by_name if _name(one) in n), "") for one in members}
    made = {str(one.get("id")): item for one in members if (item := by_name.get(names[str(one.get("id"))]))}
    missing = [names[str(one.get("id"))] or _called(one) for one in members if str(one.get("id")) not in made]
    differing, same, unknown = _compare_all(context, body, made, overrides)
    if differing:  # told by name
        asked = [body.get("targetInfo") or {}, *overrides.values()]
        names_of = await read_asked_names(context, {"all": asked}, " ".join(differing))
        differing, same, unknown = _compare_all(replace(context, names=names_of), body, made, overrides)
    against, worst_state = _contradictions(context, list(made.values()))
    total = len(members)
    lines = [f"- not made: {name}" for name in missing[:MOST]]
    lines += [f"- not made: {len(missing) - MOST} more"] if len(missing) > MOST else []
    lines += [*_grouped(differing), *_grouped(against)]
    called = ", ".join(_called(item) for item in list(made.values())[:MOST_MADE])
    called += f" and {len(made) - MOST_MADE} more" if len(made) > MOST_MADE else ""
    summary = [f"Made: {len(made)} of {total} VMs{f': {called}' if made else ''}."]
    labels = [label if n == len(made) else f"{label} ({n} of them)" for label, n in same.items()]
    summary += [f"As asked: {list_labels(labels)}."] if labels else []
    summary.append(f"Cannot be told: {list_labels([*unknown, NO_CONTENT])}.")
    others = [item for item in new if all(item is not one for one in made.values())]
    if missing and others:
        clause = f"but {len(missing)} of {total} members are not there under the names asked for"
        first = f"DIFFERS: new under other names: {', '.join(map(_called, others[:MOST]))}{_and_more(others)}."
        return Verdict(Outcome.DIFFERS, clause, (first, *lines, *summary))
    if missing:
        first = f"Failed in part: {len(missing)} of {total} were not made." if made else "Nothing new was found."
        clause = f"but failed in part: {len(missing)} of {total} members were not made"
        clause = clause if made else f"but none of {total} members was made"
        return Verdict(Outcome.PARTLY if made else Outcome.FAILED, clause, (first, *lines, *summary))
    if against:
        count = sum(map(len, against.values()))
        outcome = Outcome.PARTLY if worst_state is Outcome.FAILED and count < total else worst_state
        return Verdict(outcome, f"but the states of {count} of {total} contradict that", (*lines, *summary))
    if differing:
        count = len({str(item.get("id")) for items in differing.values() for item in items})
        return Verdict(Outcome.DIFFERS, f"but {count} of {total} DIFFER from what was asked for", (*lines, *summary))
    return Verdict(Outcome.DONE, "as asked" if same else "", tuple(summary))


def _compare_all(
    context: WriteContext, body: Item, made: Mapping[str, Item], overrides: Mapping[str, Item]
) -> tuple[dict[str, list[Item]], dict[str, int], dict[str, None]]:
    """What differs, with the VMs that do; what is as asked, of how many; and what nobody can tell."""
    differing: dict[str, list[Item]] = {}
    same: dict[str, int] = {}
    unknown: dict[str, None] = {}
    for identity, item in made.items():
        asked = _asked(body, overrides.get(identity, {}))
        compared = comparison.compare(asked, item, context.expectation, None, context.names)
        for clause in compared.different:
            differing.setdefault(f"DIFFERS: {clause}", []).append(item)
        same |= {label: same.get(label, 0) + 1 for label in compared.same}
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
        names = ", ".join(sanitize.quoted(_name(item), 80) for item in items[:MOST])
        lines.append(f"- {clause}: {units.plural(len(items), 'VM')}: {names}{_and_more(items)}")
    return lines[: 2 * MOST] + ([f"- and {len(lines) - 2 * MOST} more"] if len(lines) > 2 * MOST else [])


def _and_more(items: Sequence[Item]) -> str:
    return f" and {len(items) - MOST} more" if len(items) > MOST else ""


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
