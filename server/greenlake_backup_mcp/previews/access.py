"""What opens or closes a way in: logins shown, remote support, volumes attached; and network changes of appliances.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from . import in_use
from .leaf_tests import is_smaller
from .leaf_words import Wording
from .model import MOST_FIRST, Finding, PreviewSpec, Subject, grave, notable
from .phrases import item_at, label, objects, quoted
from .reads import ReadSpec, Target, kind_of, parent_path
from .recovery_point_facts import recovery_point_facts

REACHED = "It can be changed back only while the appliance can still be reached."


LOGINS = {  # by operation: what it shows
    "OTPCreate": "a one-time code for the console",
    "ProtectionStoreGatewayGetConsoleUser": "user name and password of the console",
}


def _log_in(s: Subject) -> Iterator[Finding]:
    words = f"Whoever reads the answer can log in to the appliance: {LOGINS[s.operation]}."
    yield grave(words, danger=Danger.SECRET)
    yield Finding("This server hides it from the conversation unless it was started with --reveal-secrets.")


def _support(s: Subject) -> Iterator[Finding]:
    if not any(name in s.arguments for name in ("remoteAccessEnabled", "enabled")):
        words = "Neither open nor closed is asked for: what the service makes of it is not known."
        yield grave(words, danger=Danger.SECRET)


def _support_title(s: Subject) -> str:
    wanted = s.arguments.get("remoteAccessEnabled", s.arguments.get("enabled"))
    return f"{ {True: 'Open', False: 'Close'}.get(wanted, 'Set') } the vendor's remote access to the {s.label}"


def _undo_of_network(s: Subject) -> str:
    back = REACHED if {"network", "proxy", "dns", "nic"} & set(s.arguments) else "It can be changed back."
    clocks = {"dateTime", "ntp"} & set(s.arguments)
    return f"{back} What expires or is unlocked by a wrong clock meanwhile cannot." if clocks else back


# --- volumes at hosts -------------------------------------------------------------------------------------------------


def _group_read(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The group that a backup is of."""
    parent = parent_path(target.path)
    return [ReadSpec("asset", f"the {kind_of(parent)}", parent)]


def _attach(s: Subject) -> Iterator[Finding]:
    """Backed-up volumes become readable for a host."""
    parts, every = s.arguments.get("individualBackupIds"), objects(s.read("asset").resource.get("assets"))
    which = f"{units.plural(len(parts), 'volume')} of it" if parts else "ALL volumes in it"
    count = f" ({len(every):,})" if every and not parts else ""
    words = f"Host {quoted(s.arguments.get('hostIqn'))} can read {which}{count}: the data as it was backed up."
    yield grave(words, danger=Danger.SECRET)
    if s.arguments.get("hostIqn") in (s.resource.get("mountedHostsIqn") or ()):
        yield notable("It is attached to that host already.")


def _detach(s: Subject) -> Iterator[Finding]:
    """Volumes disappear from a host."""
    iqn, hosts = s.arguments.get("hostIqn"), s.resource.get("mountedHostsIqn")
    yield grave(f"Its volumes disappear from host {quoted(iqn)}; file systems in use on them break.")
    if isinstance(hosts, list) and iqn not in hosts:
        yield notable("That host is not among those it is attached to.")


def _copy_facts(s: Subject) -> Iterator[str]:
    if (group := s.read("asset")).available:
        yield f"of {label(group.words.removeprefix('the '), group.resource)}"
    hosts = s.resource.get("mountedHostsIqn")
    attached = [f"attached to {', '.join(map(quoted, hosts)) or 'no host'}"] if isinstance(hosts, list) else []
    yield "; ".join([*recovery_point_facts(s.resource, s.now), *attached])


# --- interfaces -------------------------------------------------------------------------------------------------------


def _remove_nic(s: Subject) -> Iterator[Finding]:
    if _is_only(s):
        yield grave("It is the ONLY interface: the gateway is cut off with it.", "the only interface")
    address = cell(str((_interface(s) or {}).get("networkAddress", "")))
    yield grave("", short=f"Address {address} is gone; backups and restores over that network fail.")


def _is_only(s: Subject) -> bool:
    return len(_interfaces(s)) == 1 and _interface(s) is not None


def _interfaces(s: Subject) -> list[Mapping[str, Any]]:
    return objects(item_at(s.resource, "network", "nics"))


def _interface(s: Subject) -> Mapping[str, Any] | None:
    """The interface that a call names."""
    identity = item_at(s.arguments, "nic", "id")
    return next((n for n in _interfaces(s) if identity and n.get("id") == identity), None)


def _which(s: Subject) -> str:
    mine, identity = _interface(s), item_at(s.arguments, "nic", "id")
    which = "that is not named" if identity is None else f"id {cell(str(identity))}"
    return quoted(mine.get("networkName") or mine.get("id")) if mine else which


def _nic_missing(s: Subject) -> str:
    if _interface(s) is not None or not isinstance(item_at(s.resource, "network", "nics"), list):
        return ""
    named = item_at(s.arguments, "nic", "id") is not None
    return "The gateway has no interface with that id." if named else "No interface is named (nic.id)."


# --- storage ----------------------------------------------------------------------------------------------------------


def _resize(s: Subject) -> Iterator[Finding]:
    """A gateway gets other limits; less than it has is not what the service gives."""
    wording = Wording(s.id_names, s.now)
    less = [
        f"{leaf.name} {wording.value(leaf.name, leaf.before)} → {wording.value(leaf.name, leaf.after)}"
        for leaf in s.difference.leaves
        if is_smaller(leaf, s)
    ]
    if less:
        tail = "; the service is expected to refuse."
        forms = [f"ASKS FOR LESS: {units.first_few(less, n)}{tail}" for n in range(len(less), 0, -1)]
        short = next((form for form in forms if len(form) <= MOST_FIRST), f"ASKS FOR LESS than it has{tail}")
        yield grave("", "asks for less", short)
    yield Finding("Whether the gateway restarts for it is not documented.")


LOGIN = PreviewSpec(
    lambda s: f"Show {LOGINS[s.operation]} of the {s.label}", _log_in, "What was shown cannot be taken back."
)
SUPPORT = PreviewSpec(_support_title, _support, "It can be switched back.")
NETWORK = PreviewSpec(
    "Change the {target}",
    in_use.address_in_use,
    _undo_of_network,
    reads=in_use.address_reads,
)
REMOVE_NIC = PreviewSpec(
    lambda s: f"Remove network interface {_which(s)} from the {s.label}",
    _remove_nic,
    lambda s: (
        "It can be added again only in vCenter: this server reaches the gateway no more."
        if _is_only(s)
        else "It can be added again, set up anew."
    ),
    forbidden=_nic_missing,
)
TABLE: Mapping[str, PreviewSpec] = {
    **dict.fromkeys(LOGINS, LOGIN),
    "DataOrchestratorInfosightConfigModify": SUPPORT,
    "ProtectionStoreGatewaySetRemoteSupport": SUPPORT,
    "VpgBackupAttach": PreviewSpec(
        lambda s: f"Attach the {s.label} to host {quoted(s.arguments.get('hostIqn'))}",
        _attach,
        "detach_volume_protection_group_backup ends it; what was read until then was read.",
        _copy_facts,
        reads=_group_read,
    ),
    "VpgBackupDetach": PreviewSpec(
        lambda s: f"Detach the {s.label} from host {quoted(s.arguments.get('hostIqn'))}",
        _detach,
        "It can be attached again; data that was not written yet is lost.",
        _copy_facts,
        reads=_group_read,
    ),
    "DataOrchestratorModify": NETWORK,
    "ProtectionStoreGatewayUpdate": NETWORK,
    "ProtectionStoreGatewayNicCreate": replace(
        NETWORK, title="Add a network interface to the {target}", reversibility="It can be removed again."
    ),
    "ProtectionStoreGatewayNicUpdate": replace(
        NETWORK, title=lambda s: f"Change network interface {_which(s)} of the {s.label}", forbidden=_nic_missing
    ),
    "ProtectionStoreGatewayNicDelete": REMOVE_NIC,
    "ProtectionStoreGatewayStorage": PreviewSpec(
        "Resize the {target}",
        _resize,
        "Storage can only grow: this cannot be undone.",
    ),
}
