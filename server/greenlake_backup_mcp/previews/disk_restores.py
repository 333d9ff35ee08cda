"""What a restore writes into a VM that exists: disks over its disks, files into its guest.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from .model import Finding, PreviewSpec, Subject, grave, notable
from .phrases import as_shown, item_at, listed, objects, quoted
from .restore_places import is_over, name_into, overwritten
from .restores import OVERWRITTEN, RESTORE, unusable, warnings

HARMLESS = {  # ways to restore files that lose none
    "KEEPASBACKUP": "Files that are there are kept under another name.",
    "SKIP": "Files that are there are left alone.",
}


def _restore_disks(s: Subject) -> Iterator[Finding]:
    details, foreign = objects(s.arguments.get("restoreDiskDetails")), s.read("into").available
    onto = [str(disk) for one in details if (disk := item_at(one, "vmDiskDetails", "diskLabel"))]
    which = f"{'disk' if len(onto) == 1 else 'disks'} {listed(map(quoted, onto))}"
    if more := len(details) - len(onto):
        which = f"{which} and {more:,} more" if onto else units.plural(more, "disk")
        which += f" ({'the one' if more == 1 else 'those'} whose label is not given: which, the service decides)"
    brief, vm = units.plural(len(details), "disk") if details else "ALL disks", name_into(s)
    holds = "they hold" if len(details) != 1 else "it holds"
    what = f"{which} of {vm}" if details else f"disks of {vm}, ALL of them (none is named)"
    yield overwritten(
        s, what, f"{which if len(onto) == 1 == len(details) else brief} of {vm}", foreign=foreign, holds=holds
    )
    for label_of, count in Counter(map(as_shown, onto)).items():
        if count > 1:
            yield notable(f"{count} disks go onto disk {quoted(label_of)}: which of them it is then, no document says.")
    if is_over(s) and s.arguments.get("targetVmId") not in (None, "", s.resource.get("id")):
        words = f"restoreType is PARENT, and targetVmId names another VM than the {s.label}"
        yield grave(f"{words}: which of the two is overwritten, no document says.", "two VMs", danger=Danger.DESTROY)
    if (s.read("into").resource if foreign else s.resource).get("state") == "DELETED":
        yield notable("That VM is DELETED in its vCenter: the service is expected to refuse, since it has no disks.")
    yield from warnings(s)


def _restore_files(s: Subject) -> Iterator[Finding]:
    method, paths = str(s.arguments.get("fileRestoreMethod")), objects(s.arguments.get("filePathInfo"))
    if method in HARMLESS:
        yield Finding(HARMLESS[method])
    else:
        where = f"below {units.plural(len(paths), 'path')} in the {name_into(s)}"
        words = f"Files that are there are OVERWRITTEN {where}."
        if method != "OVERWRITE":
            words = f"What becomes of files that are there is not known ({cell(method)}), {where}."
        yield grave(words, "overwrites files", words, Danger.DESTROY)
    yield from warnings(s)


def _source(s: Subject) -> str:
    """Whose recovery point it is, where that is not the target."""
    return f"a recovery point of the {s.label}" if s.read("into").available else "a recovery point of it"


def _overwrites_files(s: Subject) -> bool:
    return s.arguments.get("fileRestoreMethod") not in HARMLESS


TABLE: Mapping[str, PreviewSpec] = {
    "VirtualMachineDisksRestore": replace(
        RESTORE,
        title=lambda s: f"Overwrite disks of the {name_into(s)} from {_source(s)}",
        findings=_restore_disks,
        reversibility=OVERWRITTEN,
        forbidden=lambda s: unusable(s, overwrites=True),
    ),
    "VirtualMachineFileRestore": replace(
        RESTORE,
        title=lambda s: f"Write files into the guest of the {name_into(s)} from {_source(s)}",
        findings=_restore_files,
        reversibility=lambda s: (
            "Overwritten files cannot be brought back." if _overwrites_files(s) else "They can be deleted again."
        ),
        forbidden=lambda s: unusable(s, overwrites=_overwrites_files(s)),
    ),
}
