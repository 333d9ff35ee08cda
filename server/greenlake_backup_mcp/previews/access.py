"""What opens or closes a way in: logins shown, remote support, volumes attached; and network changes of appliances.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from .model import Finding, PreviewSpec, Subject, grave, notable
from .phrases import counted, describe_resource, item_at, objects, quoted


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
    which = f"{counted(len(parts), 'volume')} of it" if parts else "ALL volumes in it"
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


def _nic(s: Subject) -> Iterator[Finding]:
    """A network interface of a gateway is added, changed or removed."""
    mine, present = _interface(s), _interfaces(s)
    address = item_at(s.arguments, "nic", "networkAddress")
    for other in [n for n in present if address and n.get("networkAddress") == address and n is not mine][:1]:
        words = f"The address {cell(str(address))} is that of its own interface {quoted(other.get('networkName'))}."
        yield grave(words, "address in use")
    if s.method == "POST" and s.tool.name.startswith("create"):
        yield notable("An address that another machine has cuts that machine off.")
    elif s.tool.name.startswith("delete"):
        if len(present) == 1 and mine:
            yield grave("It is the ONLY interface: the gateway is cut off with it.", "the only interface")
        address = f"Its address {cell(str(mine.get('networkAddress')))}" if mine else "Its address"
        yield grave(f"{address} is gone; backups and restores over that network fail.")
    else:
        yield notable("Backups and restores over it break off; wrong values cut the gateway off.")


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


def _nic_title(s: Subject) -> str:
    if s.tool.name.startswith("create"):
        return f"Add a network interface to the {s.label}"
    mine, identity = _interface(s), item_at(s.arguments, "nic", "id")
    which = "that is not named" if identity is None else f"id {cell(str(identity))}"
    which = quoted(mine.get("networkName") or mine.get("id")) if mine else which
    verb, where = ("Remove", "from") if s.tool.name.startswith("delete") else ("Change", "of")
    return f"{verb} network interface {which} {where} the {s.label}"


def _nic_way_back(s: Subject) -> str:
    if s.tool.name.startswith("create"):
        return "It can be removed again."
    if not s.tool.name.startswith("delete"):
        return "It can be changed back only while the gateway can still be reached."
    if len(_interfaces(s)) == 1 and _interface(s):
        return "It can be added again only in vCenter: this server reaches the gateway no more."
    return "It can be added again, set up anew."


def _nic_missing(s: Subject) -> str:
    readable = isinstance(item_at(s.resource, "network", "nics"), list)
    if s.tool.name.startswith("create") or _interface(s) is not None or not readable:
        return ""
    named = item_at(s.arguments, "nic", "id") is not None
    return "The gateway has no interface with that id." if named else "No interface is named (nic.id)."


def _resize(s: Subject) -> Iterator[Finding]:
    """A gateway grows; it never shrinks again."""
    wanted = s.arguments.get("datastoreIds")
    missing = {str(d.get("id")) for d in objects(s.resource.get("datastoresInfo"))} - set(map(str, wanted or ()))
    if isinstance(wanted, list) and missing:
        yield notable(f"Present datastores that are not in the list, which must contain them: {len(missing):,}.")
    yield Finding("Whether the gateway restarts for it is not documented.")


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
NIC = PreviewSpec(_nic_title, _nic, _nic_way_back, _nic_facts, _nic_missing)
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
    "ProtectionStoreGatewayNicCreate": NIC,
    "ProtectionStoreGatewayNicUpdate": NIC,
    "ProtectionStoreGatewayNicDelete": NIC,
    "ProtectionStoreGatewayStorage": PreviewSpec(
        "Resize the {target}", _resize, "Storage can only grow: this cannot be undone."
    ),
}
