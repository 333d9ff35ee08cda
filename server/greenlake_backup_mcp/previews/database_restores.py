"""What an SQL database meets where it is restored to: itself, another one of that name, files that exist; and its log.

SQL Server takes names and paths without regard to case, and names without the blanks at their ends.
"""

from __future__ import annotations

import ntpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.text.sanitize import clean
from greenlake_backup_mcp.tools.danger import Danger

from .model import Finding, Subject, grave, notable
from .phrases import as_shown, item_at, label, listed, objects, quoted
from .restore_places import overwritten

_PLAIN = re.compile(r"[a-z]:\\[^:~]+")  # no share, stream, short name, nor a path from somewhere else
SYSTEM = ("master", "model", "msdb", "tempdb", "resource")  # which SQL Server itself lives on


def tail_of_log(s: Subject) -> Iterator[Finding]:
    """What becomes of what a database's log holds and no backup has yet."""
    if s.arguments.get("restoreWithTailLog"):
        yield Finding("The tail of the log is kept first (restoreWithTailLog).")
    else:
        words = "The tail of the log that no backup has yet is LOST (restoreWithTailLog is not set)."
        yield grave(words, danger=Danger.DESTROY)


def onto_databases(s: Subject) -> Iterator[Finding]:
    """What an ALTERNATE restore of a database overwrites where it goes, as far as names and file paths tell."""
    to = s.arguments.get("targetDatabaseInfo")
    to = to if isinstance(to, Mapping) else {}
    own = item_at(s.resource, "instanceInfo", "id")
    where, name = to.get("instanceId") or own, as_shown(to.get("name") or s.resource.get("name"))
    files = objects(to.get("databaseFilePaths"))
    present = {_file(one.get("originalPath")) for one in files}
    taken = [one for one in files if _file(one.get("newPath")) in present]
    new = [path for one in files if (path := _file(one.get("newPath")))]
    if where == own and name == as_shown(s.resource.get("name")):
        yield overwritten(s, f"the present {s.name}, which has that name and instance", s.name)
        yield from () if s.arguments.get("restoreWithTailLog") else tail_of_log(s)
    elif where == own and taken:
        which = listed(quoted(one.get("newPath")) for one in taken)
        yield overwritten(s, f"the present {s.name} in its files {which}", s.name)
    elif name in SYSTEM:
        words = f"OVERWRITES {quoted(to.get('name'), 30)}, a SYSTEM DATABASE: without it nothing on the instance runs."
        yield grave(words, "overwrites", words, Danger.DESTROY)
    elif where == own and not all(map(_PLAIN.fullmatch, new)):
        words = (
            "A path is written so that it may lead to the present files: whether they are OVERWRITTEN, nobody can tell."
        )
        yield grave(words, "overwrites", words, Danger.DESTROY)
    elif where == own and len(new) < max(len(files), 1):
        yield notable("Where its files go is left to the service; the present ones lie on the same host.")
    if len(set(new)) < len(new):
        yield notable("Two of its files have the same new path; the service is expected to refuse that.")
    for one in s.read("namesakes").items:
        there = as_shown(one.get("name")) == name and item_at(one, "instanceInfo", "id") == where
        if there and one.get("id") != s.resource.get("id"):
            which = f"the {label('SQL database', one)} that has that name there"
            yield overwritten(s, which, f"SQL database {quoted(one.get('name'), 50)}", foreign=True)


def no_instance(s: Subject) -> str:
    """That the instance it would go to does not exist; "" where it does, or is not named."""
    asked = item_at(s.arguments, "targetDatabaseInfo", "instanceId")
    missing = any(result.missing for name, result in s.facts.items() if name.endswith(f"/mssql-instances/{asked}"))
    missing |= asked == s.resource.get("id")  # which is not read for its name
    return "The SQL instance to restore to does not exist." if asked and missing else ""


def _file(path: Any) -> str:
    r"""A path as Windows takes it: `D:/Data./x/../b.mdf ` is `d:\data\b.mdf`; "" for none."""
    steps = clean(str(path or "")).strip().replace("/", "\\").split("\\")
    plain = "\\".join(step if step in (".", "..") else step.rstrip(" .") for step in steps)
    return ntpath.normcase(ntpath.normpath(plain)) if plain else ""
