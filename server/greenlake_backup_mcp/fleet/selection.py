"""Which assets a question means: all that are counted, or those of a name, kind, policy, group, place, tag, size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.text import sanitize, suggest

from .exceptions import matches
from .facts import Asset, Estate

ARGUMENTS = ("name", "kind", "policy", "group", "location", "tag", "minGib")


def _locations(asset: Asset) -> Iterable[str | None]:
    parts = f"{asset.datastores or ''}, {asset.arrays or ''}".split(", ")
    return (asset.vcenter, asset.cluster, asset.host, asset.folder, asset.instance, *parts)


# what of an asset a text is compared with; `*` stands for anything, upper and lower case are one
_TEXTS: Mapping[str, Callable[[Asset], Iterable[str | None]]] = {
    "name": lambda a: (a.name, a.id),
    "policy": lambda a: (text for c in a.covers for text in (c.job.policy, c.job.policy_id)),
    "group": lambda a: (text for o in a.owners for text in (o.name, o.id)),
    "location": _locations,
    "tag": lambda a: a.tags,
}


def select(estate: Estate, values: Mapping[str, Any]) -> tuple[Asset, ...]:
    """The assets meant, each once. InputError where a name, policy, group, place or tag is nobody's, with near ones."""
    kind = values.get("kind")
    selected = tuple(
        a for a in estate.assets.values() if a.gone is None and a.kind == kind
    ) if kind else estate.workloads  # fmt: skip
    for argument, texts in _TEXTS.items():
        if wanted := str(values.get(argument) or "").strip():
            matching = tuple(a for a in selected if any(t and matches(t, wanted) for t in texts(a)))
            if not matching:
                raise _nobody(argument, values[argument], (t for a in selected for t in texts(a) if t))
            selected = matching
    if (least := values.get("minGib")) is not None:
        selected = tuple(a for a in selected if a.size is not None and a.size >= least * 2**30)
    return selected


def _nobody(argument: str, text: str, offered: Iterable[str]) -> InputError:
    names = sorted(set(offered))
    near = suggest.near_names(text, names, 3) or [n for n in names if text.casefold() in n.casefold()][:3]
    likely = " or ".join(sanitize.quoted(n, 80) for n in near)
    return InputError(
        f"{argument}: no asset has {sanitize.quoted(text, 80)}." + (f" Did you mean {likely}?" if near else ""),
        hint="`*` stands for anything: name 'sql-*'. Several arguments narrow each other down. "
        "Assets and their names: query_catalog, SELECT name, kind FROM assets.",
    )


def words(values: Mapping[str, Any]) -> str:
    """The choice told back: `policy Gold-*, kind vm`; '' for all."""
    return ", ".join(f"{name} {sanitize.quoted(str(values[name]), 60)}" for name in ARGUMENTS if values.get(name))
