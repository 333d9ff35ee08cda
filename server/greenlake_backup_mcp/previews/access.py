"""What opens or closes a way in: logins shown, remote support, volumes attached; and network changes of appliances.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from .model import Finding, PreviewSpec, Subject, grave, notable
from .phrases import describe_resource, item_at, objects, quoted


def _log_in(s: Subject) -> Iterator[Finding]:
    words = f"Whoever reads the answer can log in to the appliance: {_login(s)}."
    yield grave(words, danger=Danger.SECRET)
    yield Finding("This server hides it from the conversation unless it was started with --reveal-secrets.")


def _login(s: Subject) -> str:
    return "a one-time code for the console" if _is_one_time(s) else "user name and password of the console"


def _is_one_time(s: Subject) -> bool:
    return s.tool.name.startswith("generate")


def _support(s: Subject) -> Iterator[Finding]:
    """The vendor's way in is opened or closed; how it is now is in the difference."""
    wanted = _wanted(s)
    if wanted is False:
        yield notable("HPE support can no longer log in.")
    elif wanted is True:
        yield grave("HPE support can log in to the appliance from then on.", danger=Danger.SECRET)
    else:
        words = "Neither open nor closed is asked for: what the service makes of it is not known."
        yield grave(words, danger=Danger.SECRET)
    if wanted is not None and wanted == s.resource.get("remoteAccessEnabled"):
        yield Finding("That is as it is already.")


def _wanted(s: Subject) -> Any:
    return s.arguments.get("remoteAccessEnabled", s.arguments.get("enabled"))


def _attach(s: Subject) -> Iterator[Finding]:
    """Backed-up volumes become readable for a host."""
    parts = s.arguments.get("individualBackupIds")
    which = f"{units.plural(len(parts), 'volume')} of it" if parts else "ALL volumes in it"
    words = f"Host {quoted(s.arguments.get('hostIqn'))} can read {which}: the data as it was backed up."
    yield grave(words, danger=Danger.SECRET)


def _detach(s: Subject) -> Iterator[Finding]:
    """Volumes disappear from a host."""
    iqn, hosts = s.arguments.get("hostIqn"), s.resource.get("mountedHostsIqn")
    yield grave(f"Its volumes disappear from host {quoted(iqn)}; file systems in use on them break.")
    if isinstance(hosts, list) and iqn not in hosts:
        yield notable("That host is not among those it is attached to.")


# --- addresses --------------------------------------------------------------------------------------------------------


def _network(s: Subject) -> Iterator[Finding]:
    """Addresses, DNS, NTP or proxy of an appliance change."""
    if _cuts_off(s):
        words = "If the new values are wrong, the appliance is cut off, and nothing that runs through it works."
        yield notable(words, "network")


def _cuts_off(s: Subject) -> bool:
    return bool({"network", "proxy", "dns"} & set(s.arguments))


def _add_nic(s: Subject) -> Iterator[Finding]:
    yield from _own_address(s)
    yield notable("An address that another machine has cuts that machine off.")


def _change_nic(s: Subject) -> Iterator[Finding]:
    yield from _own_address(s)
    yield notable("Backups and restores over it break off; wrong values cut the gateway off.")


def _remove_nic(s: Subject) -> Iterator[Finding]:
    if _is_only(s):
        yield grave("It is the ONLY interface: the gateway is cut off with it.", "the only interface")
    address = (_interface(s) or {}).get("networkAddress", "")
    yield grave(f"Its address {cell(str(address))} is gone; backups and restores over that network fail.")


def _own_address(s: Subject) -> Iterator[Finding]:
    """That another interface of the gateway has the address already."""
    address = item_at(s.arguments, "nic", "networkAddress")
    others = [n for n in _interfaces(s) if n is not _interface(s) and n.get("networkAddress") == address]
    for other in others[:1] if address else ():
        words = f"The address {cell(str(address))} is that of its own interface {quoted(other.get('networkName'))}."
        yield grave(words, "address in use")


def _is_only(s: Subject) -> bool:
    return len(_interfaces(s)) == 1 and _interface(s) is not None


def _interfaces(s: Subject) -> list[Mapping[str, Any]]:
    return objects(item_at(s.resource, "network", "nics"))


def _interface(s: Subject) -> Mapping[str, Any] | None:
    """The interface that a call names."""
    identity = item_at(s.arguments, "nic", "id")
    return next((n for n in _interfaces(s) if identity and n.get("id") == identity), None)


def _nic_facts(s: Subject) -> Iterator[str]:
    yield describe_resource(s.resource)
    if nics := _interfaces(s):
        listed = (f"{quoted(n.get('networkName'))} {cell(str(n.get('networkAddress')))}" for n in nics)
        yield f"its interfaces: {'; '.join(listed)}"


def _which(s: Subject) -> str:
    mine, identity = _interface(s), item_at(s.arguments, "nic", "id")
    which = "that is not named" if identity is None else f"id {cell(str(identity))}"
    return quoted(mine.get("networkName") or mine.get("id")) if mine else which


def _nic_missing(s: Subject) -> str:
    if _interface(s) is not None or not isinstance(item_at(s.resource, "network", "nics"), list):
        return ""
    named = item_at(s.arguments, "nic", "id") is not None
    return "The gateway has no interface with that id." if named else "No interface is named (nic.id)."


LOGIN = PreviewSpec(
    lambda s: f"Show {_login(s)} of the {s.label}",
    _log_in,
    lambda s: f"What was shown cannot be taken back{'; the code runs out by itself' if _is_one_time(s) else ''}.",
)
_VERBS = {True: "Open", False: "Close"}
SUPPORT = PreviewSpec(
    lambda s: f"{_VERBS.get(_wanted(s), 'Set')} the vendor's remote access to the {s.label}",
    _support,
    "It can be switched back.",
)
NETWORK = PreviewSpec(
    "Change the {target}",
    _network,
    lambda s: f"It can be changed back{' only while the appliance can still be reached' if _cuts_off(s) else ''}.",
)
ADD_NIC = PreviewSpec("Add a network interface to the {target}", _add_nic, "It can be removed again.", facts=_nic_facts)
CHANGE_NIC = PreviewSpec(
    lambda s: f"Change network interface {_which(s)} of the {s.label}",
    _change_nic,
    "It can be changed back only while the gateway can still be reached.",
    _nic_facts,
    _nic_missing,
)
ONLY = "It can be added again only in vCenter: this server reaches the gateway no more."
REMOVE_NIC = PreviewSpec(
    lambda s: f"Remove network interface {_which(s)} from the {s.label}",
    _remove_nic,
    lambda s: ONLY if _is_only(s) else "It can be added again, set up anew.",
    _nic_facts,
    _nic_missing,
)
TABLE: Mapping[str, PreviewSpec] = {
    "OTPCreate": LOGIN,
    "ProtectionStoreGatewayGetConsoleUser": LOGIN,
    "DataOrchestratorInfosightConfigModify": SUPPORT,
    "ProtectionStoreGatewaySetRemoteSupport": SUPPORT,
    "VpgBackupAttach": PreviewSpec(
        lambda s: f"Attach the {s.label} to host {quoted(s.arguments.get('hostIqn'))}",
        _attach,
        "detach_volume_protection_group_backup ends it; what was read until then was read.",
    ),
    "VpgBackupDetach": PreviewSpec(
        lambda s: f"Detach the {s.label} from host {quoted(s.arguments.get('hostIqn'))}",
        _detach,
        "It can be attached again; data that was not written yet is lost.",
    ),
    "DataOrchestratorModify": NETWORK,
    "ProtectionStoreGatewayUpdate": NETWORK,
    "ProtectionStoreGatewayNicCreate": ADD_NIC,
    "ProtectionStoreGatewayNicUpdate": CHANGE_NIC,
    "ProtectionStoreGatewayNicDelete": REMOVE_NIC,
    "ProtectionStoreGatewayStorage": PreviewSpec(
        "Resize the {target}",
        lambda _subject: (Finding("Whether the gateway restarts for it is not documented."),),
        "Storage can only grow: this cannot be undone.",
    ),
}
