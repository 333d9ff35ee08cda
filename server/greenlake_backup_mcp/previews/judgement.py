"""TABLE of judgement over the leaves of a difference: how grave each is, what it is called, what must be said with it.

It sorts, names and weighs. It cannot leave out: a leaf without a rule is told as it is. Knows no HTTP, no MCP.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from greenlake_backup_mcp.text import masking
from greenlake_backup_mcp.tools.danger import Danger

from .difference import AGAIN, Element, Leaf
from .leaf_tests import (
    Test,
    both,
    changes_what_is,
    forces,
    has_no_length,
    interval_days,
    is_account,
    is_address,
    is_earlier,
    is_longer,
    is_of,
    is_protected,
    is_set,
    is_shorter,
    is_smaller,
    is_true,
    is_unforced,
    length_days,
    locks_longer,
    loses_element,
    moves,
    outlasts,
    overwrites_files,
    was_set,
)
from .leaf_words import LONGEST, MOST_WHOLE, Wording, without_label
from .model import Change, Gravity, Subject
from .phrases import objects
from .places import ABSENT, MEMBERS

DETAIL, NOTABLE, GRAVE = Gravity.DETAIL, Gravity.NOTABLE, Gravity.GRAVE
# TABLE of silent leaves: that they are given or change is told, their values are not. `masking.is_secret` knows the
# names: passwords, and codes that register an appliance. Two requests that differ in nothing else read the same, and
# still need two codes, since a code is bound to the arguments.
SILENT = masking.is_secret
SILENT_WORDS = {"PATCH": "is changed (not shown)", "PUT": "is changed (not shown)"}


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


_GUEST = "ProtectionStoreGatewayRestartGuestOS", "ProtectionStoreGatewayShutdownGuestOS"
_NIC = "ProtectionStoreGatewayNicCreate", "ProtectionStoreGatewayNicUpdate", "ProtectionStoreGatewayNicDelete"
_SUPPORT = "DataOrchestratorInfosightConfigModify", "ProtectionStoreGatewaySetRemoteSupport"
STOPS = ("DataOrchestratorReboot", "DataOrchestratorShutdown", *_GUEST)
STORES = ("ProtectionStoreDelete", "ProtectionStoreGatewayDelete", "StoreOnceDelete")  # say themselves what is lost
NO_LENGTH = "Neither a number nor a unit of time is given: how long that is, no document says."
OUTLAST = "The lock would outlast the expiry; the service is expected to refuse that."
LOCK = "Nobody can delete such a copy, or let it expire, before that, whatever it costs; a lock cannot be taken back."
RIGHTS = "It runs on that application host with the rights of the service there."
ACCOUNT = "If the new values are wrong, every backup and restore through it fails."
CUT_OFF = "If the new values are wrong, it is cut off, and nothing that runs through it works."
ENDLESS = "How long new copies are kept then is not documented: for ever, or as the service decides."
DROPPED = "Whoever is dropped loses the group's protection."
MOVED = "New copies go there from then on; the first of each asset is a full one."
OPENED = "HPE support can log in to the appliance from then on."
GROWS = "Storage can only grow; the service is expected to refuse that."
CLOCK = "While an appliance's clock is wrong, copies expire and locks end before their time; nothing brings those back."
THROUGH = "All that leaves for the cloud goes through it from then on, with its credentials."
SHOWN_TO = "The stored account is presented to whatever answers there; that cannot be taken back."
RECORD_ONLY = "With force: false only the cloud's record of it is corrected."
NO_STORE = "The tier has no store to write to then."
NO_SOURCE = "Which copies those of the schedule are made from then is not documented."
OTHER_KIND = "The assets under it are of another kind; the service is expected to refuse."
ADDRESS = "networkAddress|gateway|subnetMask|networkType|addressType|defaultGateway|hostname|nic|enabled"
PROXY, NAMES = r"proxy(?:\..*)?", r"(?:dns|nameServers|searchDomains)(?:\..*)?"
CLOCKS = r"(?:dateTime\.(?!timezone).*|ntp|ntp\..*|ntpServers)"
NO_RECOVERY = "NO_RECOVERY: the database stays unusable until someone finishes the recovery."
CLAUSE, SENTENCE = "(a finding with a short form)", "(a finding)"
# TABLE: which kind of grave change, or finding, has the first line of a preview.
KINDS = (
    *("ACCESS", "PROGRAM", "LOST", "ENDS EARLIER", "LOCK", CLAUSE, "OVERWRITTEN", "UNUSABLE", "WEAKER", "SHORTER"),
    *("RETENTION", "RARER", "STORE", "SOURCE", "CLOCK", "PROXY", SENTENCE, "ADDRESS", "NAMES", "ACCOUNT", "MEMBERS"),
    *("APPLICATION", "HOST", "FORCE"),
)
RANK = {kind: n for n, kind in enumerate(KINDS)}
# TABLE: kinds that hold for as many assets as the thing that changes is for.
SPREADING = ("LOST", "LOCK", "SHORTER", "RETENTION", "WEAKER", "RARER", "STORE", "SOURCE", "APPLICATION")
# TABLE: the first rule that holds speaks for a leaf.
RULES: tuple[Rule, ...] = (
    _grave("protections|schedules|nic", "LOST", loses_element),
    _grave("assets|members", "LOST", both(loses_element, is_protected), DROPPED),
    _grave("assets|members", "LOST", loses_element),
    _grave(r"(?:pre|post)ScriptInfo(?:\..*)?", "PROGRAM", is_set, RIGHTS),
    _grave("lockFor", "LOCK", has_no_length, NO_LENGTH),
    _grave("expireAfter", "RETENTION", has_no_length, NO_LENGTH),
    _grave("lockFor", "LOCK", both(locks_longer, outlasts), f"{LOCK} {OUTLAST}"),
    _grave("lockFor|lockedUntil", "LOCK", locks_longer, LOCK),
    _grave("lockFor", "WEAKER", is_shorter(length_days, of_none=False), "New copies can be deleted sooner."),
    _grave("expireAfter", "SHORTER", both(is_shorter(length_days, of_none=True), outlasts), OUTLAST),
    _grave("expireAfter", "SHORTER", is_shorter(length_days, of_none=True)),
    _grave("expireAfter", "RETENTION", loses_element, ENDLESS),
    _notable("expireAfter", both(was_set, is_longer(length_days)), "Copies take up their room so long."),
    _grave("expiresAt", "ENDS EARLIER", is_earlier, danger=Danger.DESTROY),
    _grave("schedule", "RARER", both(was_set, is_longer(interval_days))),
    _notable("schedule", changes_what_is),
    _grave("force", "FORCE", forces(*STORES)),
    _grave("force", "FORCE", forces(*STOPS), "What is running is not waited for; force: false waits."),
    _grave("force", "FORCE", forces("ProtectionStoreGatewayRecover"), "The old gateway may be alive."),
    _grave("force", "FORCE", forces("ProtectionStoreGatewayNicUpdate"), "It is changed in any case."),
    _grave("force", "FORCE", forces(), "The service does not stop at what else depends on it."),
    _grave("cascadedelete", "FORCE", forces()),
    _grave(r"dynamicMemberFilter(?:\..*)?", "MEMBERS", lambda leaf, s: changes_what_is(leaf, s) and leaf.after != {}),
    _grave("remoteAccessEnabled|enabled", "ACCESS", both(is_of(*_SUPPORT), is_true), OPENED, Danger.SECRET),
    _notable("remoteAccessEnabled|enabled", is_of(*_SUPPORT), "HPE support can no longer log in."),
    _notable("networkAddress", is_of(_NIC[0]), "A machine that has that address already is cut off by it."),
    _grave(ADDRESS, "ADDRESS", both(is_of(_NIC[1]), is_address, is_unforced), RECORD_ONLY),
    _grave(ADDRESS, "ADDRESS", both(is_of(_NIC[1]), is_address), f"Backups and restores over it break off. {CUT_OFF}"),
    _grave(ADDRESS, "ADDRESS", both(is_of(_NIC[2]), is_address), "Backups and restores over that network fail."),
    _grave(
        ADDRESS, "ADDRESS", both(is_of("ApplicationHostUpdate", "StoreOnceUpdate"), is_address), f"{CUT_OFF} {SHOWN_TO}"
    ),
    _grave(ADDRESS, "ADDRESS", is_address, CUT_OFF),
    _grave(PROXY, "PROXY", changes_what_is, THROUGH),
    _grave(CLOCKS, "CLOCK", changes_what_is, CLOCK),
    _grave(NAMES, "NAMES", both(changes_what_is, loses_element), CUT_OFF),
    _grave(r"credentials(?:\..*)?", "ACCOUNT", is_account, ACCOUNT),
    _grave("hostIqn", "HOST", Rule.test, danger=Danger.WRITE),
    _notable(NAMES, changes_what_is, CUT_OFF),
    _grave("protectionStoreId", "STORE", loses_element, NO_STORE),
    _grave("sourceProtectionScheduleId", "SOURCE", loses_element, NO_SOURCE),
    _grave("applicationType", "APPLICATION", moves, OTHER_KIND),
    _notable("datastoreIds", loses_element, "The list must contain the present ones.", "LOST"),
    _notable(".*", loses_element, kind="LOST"),
    _notable("max(?:InCloud|OnPrem).*|cpu|ramInGiB|storageInTiB", is_smaller, GROWS),
    _notable("powerOn|powerOnVmsAfterRestore", is_true),
    _notable("fullBackup", is_true, "It takes as much room as the asset holds."),
    _grave("recoveryMode", "UNUSABLE", lambda leaf, _: leaf.after == "NO_RECOVERY", NO_RECOVERY),
    _notable("restoreType|fileRestoreMethod|recoveryMode|restoreUntil|restoreWithTailLog"),
    _grave("absoluteSourcePath|absoluteTargetPath", "OVERWRITTEN", overwrites_files),
    _notable("newPath|originalPath|absoluteSourcePath|absoluteTargetPath|username"),
    _grave("protectionStoreId", "STORE", moves, MOVED),
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
    wording = Wording(s.id_names, s.now, MOST_WHOLE if gravity else LONGEST)  # what weighs is told whole
    group, name = wording.place(leaf)
    before, after = (wording.value(leaf.name, side) for side in (leaf.before, leaf.after))
    if isinstance(leaf.path[-1], Element) and leaf.after is ABSENT:
        whole = isinstance(leaf.before, Mapping) and leaf.name not in MEMBERS
        before = wording.whole(without_label(leaf.name, leaf.before)) if whole else ""
    elif isinstance(leaf.path[-1], Element) and leaf.before is ABSENT:
        after = "named again" if AGAIN in str(leaf.path[-1].key) else "added"
    if leaf.before is ABSENT and leaf.after is not ABSENT and s.method in ("PATCH", "PUT") and group == "":
        before = "not set" if s.target.result.available else "not known"
    if SILENT(leaf.name):
        before, after = "", "is gone" if leaf.after is ABSENT else SILENT_WORDS.get(s.method, "is given (not shown)")
    if leaf.default:
        after += " (left out; that is the default)"
    whom = f"For {s.held_by}." if kind in SPREADING and gravity is GRAVE and s.held_by else ""
    note = rule.note if rule else ""
    return Change(name, before, after, gravity, kind, leaf.dotted, group, whom, note), danger


def judge_all(s: Subject) -> Iterator[tuple[Change, Danger]]:
    """Every leaf of the difference as a row, gravest first, in the request's order otherwise."""
    longest = sorted(s.difference.leaves, key=lambda leaf: -(leaf.name == "lockFor" and (length_days(leaf.after) or 0)))
    rows = [judge_leaf(leaf, s) for leaf in longest]
    return iter(sorted(rows, key=lambda row: (-row[0].gravity, RANK.get(row[0].kind, len(RANK)))))
