"""TABLE of what the published description spells otherwise than ours, which corrected it (openapi/errata.json).

What it would send is accepted as an argument and translated into the form that tools show; what has no place there is
kept beside it, so that it is previewed and bound to the code like all else. The published body is made from that form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from greenlake_backup_mcp.errors import InputError

BESIDE = "asPublished"
"""The argument that holds what a call gave in the published form and ours has no place for; never shown in a schema."""

Body = dict[str, Any]


@dataclass(frozen=True)
class PublishedName:
    """A property as published and, where there is one, its place in our form.

    `within` leads to the objects that hold it, through lists. `described` may lead further in, and the published name
    is then sent as well. `derive` makes its value of a body that does not tell it; None: it is not sent.
    """

    operations: tuple[str, ...]
    published: str
    described: str = ""
    within: str = ""
    derive: Callable[[Mapping[str, Any]], Any] = lambda _body: None

    @property
    def moves(self) -> bool:
        """Whether it stands in the place of ours, and not beside it."""
        return bool(self.described) and "/" not in self.described


def _disk_labels(body: Mapping[str, Any]) -> list[str] | None:
    disks = [d.get("recoveryPointDiskDetails") for d in body.get("restoreDiskDetails") or () if isinstance(d, Mapping)]
    return [d["diskLabel"] for d in disks if isinstance(d, Mapping) and d.get("diskLabel")] or None


POLICIES = ("DataManagementTemplateCreate", "DataManagementTemplateReplace", "DataManagementTemplateUpdate")
NAMES = (
    PublishedName(POLICIES, "hostID", "hostId", "protections/schedules/preScriptInfo"),
    PublishedName(POLICIES, "hostID", "hostId", "protections/schedules/postScriptInfo"),
    PublishedName(("VolumeProtectionGroupCreate",), "VolumeProtectionGroupType", "volumeProtectionGroupType"),
    PublishedName(("StoreOnceCreate",), "username", "credentials/username"),
    PublishedName(("StoreOnceCreate",), "password", "credentials/password"),
    # required of the request without being a property; every snapshot that answers show has this one value
    PublishedName(("VpgSnapshotCreate",), "snapshotType", derive=lambda _body: "SNAPSHOT"),
    PublishedName(("VirtualMachineDisksRestore",), "diskIds", derive=_disk_labels),
)
RESTORES = frozenset({"VirtualMachineRestore", "VirtualMachineDisksRestore", "DatastoreRestoreFromCopy"})
"""Restores of which the published description requires both a backup and a snapshot."""
WORDS = {"CLOUD_BACKUP": "CLOUDBACKUP"}  # of a group's restore, alone among all that name this kind of copy
KEEP_FOLDERS = {"backupId": "retainOrignalDirectoryStructure", "snapshotId": "retainOriginalDirectoryStructure"}
"""Restores of files spell it by what they restore from."""


def names_of(operation: str) -> tuple[PublishedName, ...]:
    """The rows of an operation."""
    return tuple(row for row in NAMES if operation in row.operations)


def holders(body: Any, within: str) -> Iterator[Body]:
    """The objects of a body that may hold a property."""
    if isinstance(body, list):
        for item in body:
            yield from holders(item, within)
    elif isinstance(body, dict) and not within:
        yield body
    elif isinstance(body, dict):
        step, _, rest = within.partition("/")
        yield from holders(body.get(step), rest)


def accept(operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments in the form that the tool shows; InputError where both forms are given and differ.

    May be asked again for what it returned: before and after texts are read as JSON.
    """
    filled = deepcopy(dict(arguments))
    beside = filled.pop(BESIDE, {})
    for row in names_of(operation):
        for holder in holders(filled, row.within):
            if row.published in holder:
                value = holder.pop(row.published)
                if row.described:
                    _place(holder, row, value)
                else:
                    beside = {**beside, row.published: value}
    if operation in RESTORES and _is_id(filled.get("backupId")) and _is_id(filled.get("snapshotId")):
        beside = {**beside, "snapshotId": filled.pop("snapshotId")}
    if isinstance(disks := beside.get("diskIds"), str) and disks.startswith("["):
        with suppress(ValueError):
            beside = {**beside, "diskIds": json.loads(disks)}
    if isinstance(beside.get("diskIds"), list) and not filled.get("restoreDiskDetails"):
        filled["restoreDiskDetails"] = [
            {"recoveryPointDiskDetails": {"diskLabel": disk}, "vmDiskDetails": {"diskLabel": disk}}
            for disk in beside["diskIds"]
        ]
    _check(filled, beside)
    if operation == "VirtualMachineFileRestore":
        _respell_folders(filled)
    if operation == "VmpgRestore":
        for holder in holders(filled, "recoveryInfo"):
            kind = holder.get("recoveryPointType")
            if isinstance(kind, str) and kind in WORDS:
                holder["recoveryPointType"] = WORDS[kind]
    return {**filled, BESIDE: beside} if beside else filled


def _check(arguments: Mapping[str, Any], beside: Mapping[str, Any]) -> None:
    """Refuse what no request as published can hold, and disks that are not those of our form."""
    if beside.get("snapshotType", "SNAPSHOT") != "SNAPSHOT":
        raise InputError("snapshotType can only be SNAPSHOT.", hint="Leave it out.")
    disks = beside.get("diskIds", [])
    if not isinstance(disks, list) or not all(isinstance(disk, str) for disk in disks):
        raise InputError("diskIds must be a list of texts.", hint="Give restoreDiskDetails instead.")
    details = arguments.get("restoreDiskDetails")
    if disks and isinstance(details, list) and sorted(_disk_labels(arguments) or ()) != sorted(disks):
        why = "diskIds and restoreDiskDetails name the disks to restore and differ."
        raise InputError(why, hint="Give restoreDiskDetails alone.")


def as_given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that `accept` returned as a caller may give them: they are accepted to the same again."""
    calls = arguments.get("calls")
    if isinstance(calls, list):
        return {**arguments, "calls": [{**call, "arguments": as_given(call["arguments"])} for call in calls]}
    return {**{name: value for name, value in arguments.items() if name != BESIDE}, **arguments.get(BESIDE, {})}


def _place(holder: Body, row: PublishedName, value: Any) -> None:
    """Put a value where our form has it."""
    *steps, last = row.described.split("/")
    for step in steps:
        inner = holder.setdefault(step, {})
        if not isinstance(inner, dict):
            raise InputError(f"{step} must be an object.", hint=f"Give {row.described.replace('/', '.')} alone.")
        holder = inner
    if holder.get(last) not in (None, "", value):
        raise InputError(
            f"{row.published} and {row.described.replace('/', '.')} are the same and differ.",
            hint=f"Give {row.described.replace('/', '.')} alone.",
        )
    holder[last] = value


def _respell_folders(arguments: Body) -> None:
    right = next((word for name, word in KEEP_FOLDERS.items() if arguments.get(name)), None)
    for word in KEEP_FOLDERS.values():
        if right and word != right and word in arguments and arguments.get(right) in (None, arguments[word]):
            arguments[right] = arguments.pop(word)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def published_body(operation: str, body: Any, beside: Mapping[str, Any]) -> Any:
    """A body of our form in the published spelling; made of that form and of what was given beside it alone."""
    filled = deepcopy(body)
    for row in names_of(operation):
        for holder in holders(filled, row.within):
            value: Any = holder
            for step in row.described.split("/") if row.described else ():
                value = value.get(step) if isinstance(value, dict) else None
            if not row.described:
                value = beside.get(row.published, row.derive(holder))
            if row.moves:
                holder.pop(row.described, None)
            if value is not None:
                holder[row.published] = value
    return filled
