"""What was probably meant by a name that there is not: tools, arguments, attributes, addresses.

Clients put their own name before a tool's (`greenlake-backup__list_vms`), and models spell in other conventions
(`LIST_VMS`, `listVms`). A name is whatever a caller sent, so only its beginning is compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from . import sanitize

LONGEST = 120  # characters of a name that are compared: no name of ours is longer
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PREFIX = re.compile(r".*(?:__|[.:/])", re.DOTALL)


def near_names(name: str, names: Iterable[str], most: int = 3, cutoff: float = 0.5) -> list[str]:
    """The likeliest of `names`, at most `most`; one that differs only in spelling or prefix stands alone."""
    candidates = list(names)
    whole = name[:LONGEST]
    paths = any("/" in k for k in candidates)  # attributes and addresses: their beginnings are no prefix of a client
    bare = whole if paths else _PREFIX.sub("", whole) or whole
    for form in (whole, bare):
        if same := [k for k in candidates if _letters(k) == _letters(form)]:
            return same[:1]
    words = _HUMP.sub("_", bare).lower().replace("-", "_")
    folded = {k.lower(): k for k in candidates}
    return [folded[k] for k in get_close_matches(words, folded, most, cutoff)]


def suggestion(name: str, names: Iterable[str], most: int = 3, cutoff: float = 0.5) -> str:
    """`Did you mean list_vms?`: `most` of `names`, alike by `cutoff` (0 to 1) or more; "" where nothing is near."""
    near = near_names(name, names, most, cutoff)
    return f"Did you mean {' or '.join(near)}?" if near else ""


def likely_names(name: str, names: Iterable[str], most: int = 4) -> str:
    """` Did you mean "db-prod-01" or "db-prod-02"?` of names of the tenant: other people's text, quoted; "" for none.

    Those that are spelt nearly alike, then those that contain what was written.
    """
    wanted, candidates = name.strip().casefold(), sorted(set(names))
    part = [one for one in candidates if wanted and wanted in one.casefold()]
    near = list(dict.fromkeys([*near_names(name, candidates, cutoff=0.6), *part]))[:most]
    return f" Did you mean {' or '.join(sanitize.quoted(one, 80) for one in near)}?" if near else ""


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
