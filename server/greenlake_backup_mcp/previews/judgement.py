"""TABLE of judgement over the leaves of a difference: how grave each is, what it is called, what must be said with it.

It sorts, names and weighs. It cannot leave out: a leaf without a rule is told as it is. Knows no HTTP, no MCP.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from greenlake_backup_mcp.text import masking, units
from greenlake_backup_mcp.tools.danger import Danger

from . import leaf_words
from .difference import Element, Leaf
from .model import Change, Gravity, Subject
from .phrases import objects
from .places import ABSENT

DETAIL, NOTABLE, GRAVE = Gravity.DETAIL, Gravity.NOTABLE, Gravity.GRAVE
DAYS = {"HOURS": 1 / 24, "DAYS": 1.0, "WEEKS": 7.0, "MONTHS": 30.44, "YEARS": 365.25}
PERIODS = {"BY_MINUTES": 1 / 1440, "HOURLY": 1 / 24, "DAILY": 1.0, "WEEKLY": 7.0, "MONTHLY": 30.44}

# TABLE of silent leaves: that they are given or change is told, their values are not. `masking.is_secret` knows the
# names: passwords, and codes that register an appliance. Two requests that differ in nothing else read the same, and
# still need two codes, since a code is bound to the arguments.
SILENT = masking.is_secret
SILENT_WORDS = {"PATCH": "is changed (not shown)", "PUT": "is changed (not shown)"}

Test = Callable[[Leaf, Subject], bool]


@dataclass(frozen=True)
class Rule:
    """One judgement: leaves whose names match, where the test holds, are of this kind and gravity."""

    names: re.Pattern[str]
    kind: str
    gravity: Gravity
    danger: Danger = Danger.WRITE
    test: Test = lambda _leaf, _subject: True
    note: str = ""  # a sentence that belongs to it


def _grave(names: str, kind: str, test: Test, note: str = "", danger: Danger = Danger.DISRUPT) -> Rule:
    return Rule(re.compile(rf"(?:^|\.)(?:{names})$"), kind, GRAVE, danger, test, note)


def _notable(names: str, test: Test = Rule.test, note: str = "", kind: str = "") -> Rule:
    return Rule(re.compile(rf"(?:^|\.)(?:{names})$"), kind, NOTABLE, Danger.WRITE, test, note)


def length_days(value: Any) -> float | None:
    """A length of time of the API in days; None where it is none."""
    if not isinstance(value, Mapping) or (number := units.number(value.get("value"))) is None:
        return None
    return number * DAYS.get(str(value.get("unit")), 1.0)


def interval_days(plan: Any) -> float | None:
    """How far apart the runs of a schedule are, in days."""
    if not isinstance(plan, Mapping) or not isinstance(plan.get("repeatInterval"), Mapping):
        return None
    interval = plan["repeatInterval"]
    every, on = units.number(interval.get("every")), interval.get("on")
    period = PERIODS.get(str(plan.get("recurrence")))
    if every is None or period is None:
        return None
    often = len(on) if isinstance(on, list) and on and plan["recurrence"] in ("WEEKLY", "MONTHLY") else 1
    return every * period / often


def _set(leaf: Leaf, _s: Subject) -> bool:
    return leaf.after is not ABSENT


def _changes_what_is(leaf: Leaf, s: Subject) -> bool:
    """Whether something that exists changes, or the operation is no create."""
    return leaf.before is not ABSENT or not s.tool.name.startswith("create_")


def _is_true(leaf: Leaf, _s: Subject) -> bool:
    return leaf.after is True


def _loses_element(leaf: Leaf, _subject: Subject) -> bool:
    """Whether something that the resource has is in the request no more: an element, a value, a part of a list."""
    if isinstance(leaf.before, list) and isinstance(leaf.after, list):
        return any(item not in leaf.after for item in leaf.before)
    return leaf.before not in (ABSENT, None, "", [], {}) and leaf.after in (ABSENT, None)


def _longer(measure: Callable[[Any], float | None]) -> Test:
    return lambda leaf, _s: (measure(leaf.after) or 0) > (measure(leaf.before) or 0)


def _shorter(measure: Callable[[Any], float | None], *, of_none: bool) -> Test:
    """Whether a length becomes shorter; `of_none`: where there was none, any length is shorter."""

    def test(leaf: Leaf, s: Subject) -> bool:
        before, after = measure(leaf.before), measure(leaf.after)
        if after is None:
            return before is not None and not of_none
        if before is None and any(isinstance(step, Element) and step.before is ABSENT for step in leaf.path):
            return False  # the whole thing is new, or what it is now is not known
        return after < before if before is not None else of_none and _changes_what_is(leaf, s)

    return test


def _is_longer_than_now(leaf: Leaf, s: Subject) -> bool:
    return leaf.before is not ABSENT and _longer(length_days)(leaf, s)


def _later(leaf: Leaf, s: Subject) -> bool:
    after, before = units.parse_time(leaf.after), units.parse_time(leaf.before)
    return after is not None and after > s.now and (before is None or after > before)


def _earlier(leaf: Leaf, _s: Subject) -> bool:
    after, before = units.parse_time(leaf.after), units.parse_time(leaf.before)
    return after is not None and (before is None or after < before)


def _locks_longer(leaf: Leaf, s: Subject) -> bool:
    return _longer(length_days)(leaf, s) or _later(leaf, s)


def _rarer(leaf: Leaf, s: Subject) -> bool:
    return leaf.before is not ABSENT and _longer(interval_days)(leaf, s)


def _is_address(leaf: Leaf, s: Subject) -> bool:
    own = "nic" in leaf.names or leaf.names[:1] in (("networkAddress",), ("network",))
    return own and _changes_what_is(leaf, s) and not {"proxy", "nameServers"} & set(leaf.names)


def _is_account(leaf: Leaf, s: Subject) -> bool:
    return _changes_what_is(leaf, s) and "proxy" not in leaf.names


def _forces(*operations: str) -> Test:
    """Whether force is asked for, or is the default, of one of these operations; of any where none is named."""
    return lambda leaf, s: leaf.after is True and (not operations or s.operation in operations)


_GUEST = "ProtectionStoreGatewayRestartGuestOS", "ProtectionStoreGatewayShutdownGuestOS"
STOPS = ("DataOrchestratorReboot", "DataOrchestratorShutdown", *_GUEST)
STORES = ("ProtectionStoreDelete", "ProtectionStoreGatewayDelete", "StoreOnceDelete")  # say themselves what is lost
LOCK = "Nobody can delete such a copy, or let it expire, before that, whatever it costs; a lock cannot be taken back."
RIGHTS = "It runs on that application host with the rights of the service there."
ACCOUNT = "If the new values are wrong, every backup and restore through it fails."
TWICE = "A second machine with the same name, addresses and identity runs then."
ADDRESS = "networkAddress|gateway|subnetMask|networkType|addressType|defaultGateway|hostname|nic|enabled"
NO_RECOVERY = "NO_RECOVERY: the database stays unusable until someone finishes the recovery."
# TABLE: which kind of grave change is told first.
KINDS = ("PROGRAM", "LOST", "ENDS EARLIER", "LOCK", "WEAKER", "SHORTER", "RARER", "ADDRESS", "ACCOUNT")
RANK = {kind: n for n, kind in enumerate(KINDS)}
# TABLE: the first rule that holds speaks for a leaf.
RULES: tuple[Rule, ...] = (
    _grave("protections|schedules", "LOST", _loses_element),
    _grave("assets|members", "LOST", _loses_element, "It loses the group's protection."),
    _grave(r"(?:pre|post)ScriptInfo(?:\..*)?", "PROGRAM", _set, RIGHTS),
    _grave("lockFor|lockedUntil", "LOCK", _locks_longer, LOCK),
    _grave("lockFor", "WEAKER", _shorter(length_days, of_none=False), "New copies can be deleted sooner."),
    _grave("expireAfter", "SHORTER", _shorter(length_days, of_none=True)),
    _notable("expireAfter", _is_longer_than_now, "Copies take up their room so long."),
    _grave("expiresAt", "ENDS EARLIER", _earlier, danger=Danger.DESTROY),
    _grave("schedule", "RARER", _rarer),
    _notable("schedule", _changes_what_is),
    _grave("force", "FORCE", _forces(*STORES)),
    _grave("force", "FORCE", _forces(*STOPS), "What is running is not waited for; force: false waits."),
    _grave("force", "FORCE", _forces("ProtectionStoreGatewayRecover"), "The old gateway may be alive."),
    _grave("force", "FORCE", _forces("ProtectionStoreGatewayNicUpdate"), "It is changed in any case."),
    _grave("force", "FORCE", _forces(), "The service does not stop at what else depends on it."),
    _grave("cascadedelete", "FORCE", _forces()),
    _grave(r"dynamicMemberFilter(?:\..*)?", "MEMBERS", _changes_what_is),
    _grave(ADDRESS, "ADDRESS", _is_address),
    _grave(r"credentials(?:\..*)?", "ACCOUNT", _is_account, ACCOUNT),
    _grave("hostIqn", "HOST", Rule.test, danger=Danger.WRITE),
    _notable(r"(?:proxy|dns|ntp|nameServers|searchDomains|ntpServers|dateTime)(?:\..*)?", _changes_what_is),
    _notable("datastoreIds", _loses_element, "The list must contain the present ones.", "LOST"),
    _notable(".*", _loses_element, kind="LOST"),
    _notable("powerOn|powerOnVmsAfterRestore", _is_true, TWICE),
    _notable("fullBackup", _is_true, "It takes as much room as the asset holds."),
    _notable("recoveryMode", lambda leaf, _: leaf.after == "NO_RECOVERY", NO_RECOVERY),
    _notable("restoreType|fileRestoreMethod|recoveryMode|restoreUntil|restoreWithTailLog"),
    _notable("newPath|originalPath|absoluteSourcePath|absoluteTargetPath|username"),
    _notable("protectionStoreId|protectionPolicyId|datastoreId|hostId|clusterId|instanceId"),
)


def _against_policy(leaf: Leaf, s: Subject) -> Leaf:
    """A job's override with what its policy says: what it changes, though the job is new."""
    keys = [str(step.key) for step in leaf.path if isinstance(step, Element)]
    if leaf.names[:2] != ("overrides", "protections") or len(keys) != 2 or len(leaf.names) != 4:
        return leaf
    for tier in objects(s.read("policy").resource.get("protections")):
        for x in objects(tier.get("schedules")) if str(tier.get("id")) == keys[0] else ():
            if str(x.get("scheduleId")) == keys[1] and leaf.name in x:
                return replace(leaf, before=x[leaf.name])
    return leaf


def judge_leaf(leaf: Leaf, s: Subject) -> tuple[Change, Danger]:
    """A leaf as a row, and what it costs. Every leaf becomes a row."""
    leaf = _against_policy(leaf, s)
    rule = next((r for r in RULES if r.names.search(".".join(leaf.names)) and r.test(leaf, s)), None)
    kind, gravity, danger = (rule.kind, rule.gravity, rule.danger) if rule else ("", DETAIL, Danger.WRITE)
    group, name = leaf_words.describe_place(leaf, s.id_names)
    before, after = (
        leaf_words.describe_value(leaf.name, side, s.id_names, s.now) for side in (leaf.before, leaf.after)
    )
    if isinstance(leaf.path[-1], Element):
        if leaf.after is ABSENT and isinstance(leaf.before, Mapping):
            inside = leaf_words.without_label(leaf.name, leaf.before)
            before = (
                leaf_words.describe_all(inside, s.id_names, s.now) if leaf.name in ("protections", "schedules") else ""
            )
        elif leaf.before is ABSENT:
            after = "added" if isinstance(leaf.after, Mapping) or s.resource else ""
    if leaf.before is ABSENT and leaf.after is not ABSENT and s.method in ("PATCH", "PUT") and group == "":
        before = "not set" if s.target.result.available else "not known"
    if SILENT(leaf.name):
        before, after = "", "is gone" if leaf.after is ABSENT else SILENT_WORDS.get(s.method, "is given (not shown)")
    if leaf.default:
        after += " (left out; that is the default)"
    note = rule.note if rule else ""
    if kind in ("LOST", "SHORTER", "WEAKER", "RARER") and gravity is GRAVE and s.held_by:
        note = f"For {s.held_by}. {note}".strip()
    change = Change(name, before, after, gravity, kind, leaf.dotted, group, note)
    return change, danger


def judge_all(s: Subject) -> Iterator[tuple[Change, Danger]]:
    """Every leaf of the difference as a row, gravest first, in the request's order otherwise."""
    rows = [judge_leaf(leaf, s) for leaf in s.difference.leaves]
    return iter(sorted(rows, key=lambda row: (-row[0].gravity, RANK.get(row[0].kind, len(RANK)))))
