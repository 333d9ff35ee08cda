"""Which assets a question means: all that are counted, or those of a name, kind, policy, group, place, tag, size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.text import sanitize, suggest

from .estate import Asset, Estate
from .exceptions import matches

ARGUMENTS = ("name", "kind", "policy", "group", "location", "tag", "minGib")


def _locations(asset: Asset) -> Iterable[str | None]:
    parts = ", ".join(filter(None, (asset.datastores, asset.datastore_ids, asset.arrays))).split(", ")
    ids = (asset.vcenter_id, asset.host_id)
    return (asset.vcenter, asset.cluster, asset.host, asset.folder, asset.instance, *ids, *parts)


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
                _refuse_gone(estate, argument, wanted)
                raise _nobody(argument, values[argument], (t for a in selected for t in texts(a) if t))
            selected = matching
    if (least := values.get("minGib")) is not None:
        selected = tuple(a for a in selected if a.size is not None and a.size >= least * 2**30)
    return selected


def _refuse_gone(estate: Estate, argument: str, wanted: str) -> None:
    """InputError for a name that only assets bear which the service lists no longer: they are in no count."""
    gone = [a for a in estate.assets.values() if a.gone is not None and matches(a.name, wanted)]
    if argument == "name" and gone:
        raise InputError(
            f"name: {sanitize.quoted(wanted, 80)} is in no count: {estate.absence(gone[0])}.",
            hint="describe_asset tells which copies of it are left, show_changes since when it is gone.",
        )


def _nobody(argument: str, text: str, offered: Iterable[str]) -> InputError:
    return InputError(
        f"{argument}: no asset has {sanitize.quoted(text, 80)}.{suggest.likely_names(text, offered)}",
        hint="`*` stands for anything: name 'sql-*'. Several arguments narrow each other down. "
        "Assets and their names: query_catalog, SELECT name, kind FROM assets.",
    )


def notes(estate: Estate, values: Mapping[str, Any]) -> list[str]:
    """That a place is one of several of its name, all of which are meant; nothing where it is not."""
    wanted = str(values.get("location") or "").strip().casefold()
    bearers = {(noun, ident, beside) for a in estate.workloads if wanted for noun, name, ident, beside in (
        ("vCenter", a.vcenter, a.vcenter_id, None), ("host", a.host, a.host_id, a.vcenter)
    ) if name and ident and name.casefold() == wanted}  # fmt: skip
    bearers |= {("datastore", d.id, d.vcenter) for d in estate.bearers(wanted, "datastore") if wanted}
    if len(bearers) < 2:
        return []
    each = "; ".join(f"{noun} {ident}{f' in {beside}' if beside else ''}" for noun, ident, beside in sorted(
        bearers, key=str))  # fmt: skip
    return [f"{len(bearers)} places bear this name and all are meant: {each}. One alone: location with its id."]


def words(values: Mapping[str, Any]) -> str:
    """The choice told back: `policy Gold-*, kind vm`; '' for all."""
    return ", ".join(f"{name} {sanitize.quoted(str(values[name]), 60)}" for name in ARGUMENTS if values.get(name))
