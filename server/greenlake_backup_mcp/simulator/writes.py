"""TABLE of writers: which function carries out which operation that is not a GET.

To add an operation: write its function in a write_* module and put it here.
"""

from __future__ import annotations

from . import write_copies
from .call import Writer

KINDS = ("VirtualMachine", "Datastore", "MSSQLDatabase", "Vmpg")
WRITERS: dict[str, Writer] = {
    **{f"{kind}{copy}Update": write_copies.update for kind in (*KINDS, "Vpg") for copy in ("Backup", "Snapshot")},
    **{f"Delete{kind}{copy}": write_copies.delete for kind in KINDS for copy in ("Backup", "Snapshot")},
    "RemoveVpgBackup": write_copies.delete,
    "RemoveVpgSnapshot": write_copies.delete,
}
