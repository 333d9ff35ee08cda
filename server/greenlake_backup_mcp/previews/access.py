"""What opens or closes a way in: logins shown, remote support, volumes attached; and network changes of appliances.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp.text.sanitize import cell

from .model import Effect, Subject, changes, counted, item_at, names, not_known, objects, quoted, state_of

# argument -> where its present value is: appliances answer in another structure than they are asked in
PLACES = {
    "dns": ("network", "dns"),
    "ntp": ("network", "ntp"),
    "proxy": ("network", "proxy"),
}
ORCHESTRATOR_PLACES = {"network": ("interfaces", "network")}
GATEWAY_SIZES = (
    "maxInCloudDailyProtectedDataInTiB",
    "maxInCloudRetentionDays",
    "maxOnPremDailyProtectedDataInTiB",
    "maxOnPremRetentionDays",
)


def describe_login(s: Subject) -> Effect:
    """A password or one-time code is made and answered."""
    totp = s.tool.name.startswith("generate")
    what = "a one-time code for the console" if totp else "user name and password of the console"
    return Effect(
        title=f"Show {what} of the {s.label}",
        facts=(_about(s),),
        consequences=(
            f"Whoever reads the answer can log in to the appliance: {what}.",
            "This server hides it from the conversation unless it was started with --reveal-secrets.",
        ),
        reversibility="What was shown cannot be taken back" + ("; the code runs out by itself." if totp else "."),
    )


def describe_remote_support(s: Subject) -> Effect:
    """The vendor's way in is opened or closed."""
    wanted = s.arguments.get("remoteAccessEnabled", s.arguments.get("enabled"))
    now = s.resource.get("remoteAccessEnabled")
    opens = wanted is True
    verb = "Open" if opens else "Close" if wanted is False else "Set"
    words = {True: "open", False: "closed", None: "in a state that is not known"}
    return Effect(
        title=f"{verb} the vendor's remote access to the {s.label}",
        facts=(_about(s),),
        consequences=(
            f"It is {words.get(now, 'not known')} now.",
            "HPE support can log in to the appliance from then on." if opens else "HPE support can no longer log in.",
            *(["That is as it is already."] if wanted is not None and wanted == now else []),
        ),
        reversibility="It can be switched back.",
    )


def describe_attach(s: Subject) -> Effect:
    """Backed-up volumes become readable for a host."""
    parts = s.arguments.get("individualBackupIds")
    which = f"{counted(len(parts), 'volume')} of it" if parts else "ALL volumes in it"
    return Effect(
        title=f"Attach the {s.label} to host {quoted(s.arguments.get('hostIqn'))}",
        facts=(_mounted_hosts(s),),
        consequences=(f"That host can read {which}: the data as it was backed up.",),
        reversibility="detach_volume_protection_group_backup ends it; what was read until then was read.",
        unknown=not_known(*s.facts.values()),
    )


def describe_detach(s: Subject) -> Effect:
    """Volumes disappear from a host."""
    iqn = s.arguments.get("hostIqn")
    hosts = s.resource.get("mountedHostsIqn")
    follows = [f"Its volumes disappear from host {quoted(iqn)}; file systems in use on them break."]
    if isinstance(hosts, list) and iqn not in hosts:
        follows.append("That host is not among those it is attached to.")
    return Effect(
        title=f"Detach the {s.label} from host {quoted(iqn)}",
        facts=(_mounted_hosts(s),),
        consequences=tuple(follows),
        reversibility="It can be attached again; data that was not written yet is lost.",
    )


def describe_network_update(s: Subject) -> Effect:
    """Addresses, DNS, NTP or proxy of an appliance change."""
    places = ORCHESTRATOR_PLACES if s.target.kind == "data orchestrator" else PLACES
    body = {n: v for n, v in s.arguments.items() if n in s.tool.arguments and s.tool.arguments[n].place == "body"}
    old = {n: item_at(s.resource, *places.get(n, (n,))) for n in body}
    known = {n: v for n, v in old.items() if v is not None}
    return Effect(
        title=f"Change the {s.label}",
        facts=(_about(s),),
        consequences=(
            *changes(body, known, s.now),
            "Lists are replaced whole.",
            "If the new values are wrong, the appliance is cut off, and nothing that runs through it works.",
        ),
        reversibility="It can be changed back only while the appliance can still be reached.",
        warnings=("network",) if "network" in body or "proxy" in body else (),
    )


def describe_nic_update(s: Subject) -> Effect:
    """A network interface of a gateway is added, changed or removed."""
    nic = s.arguments.get("nic") or {}
    present = objects(item_at(s.resource, "network", "nics"))
    mine = next((n for n in present if n.get("id") == nic.get("id")), None)
    named = quoted(mine.get("networkName") or mine.get("id")) if mine else f"id {cell(str(nic.get('id')))}"
    listed = "; ".join(f"{quoted(n.get('networkName'))} {cell(str(n.get('networkAddress')))}" for n in present)
    wanted = {n: v for n, v in nic.items() if n != "id"}
    if s.tool.name.startswith("create"):
        does, follows = f"Add a network interface to the {s.label}", list(changes(wanted, {}, s.now))
        follows = [line.replace(" (its present value is not known)", "") for line in follows]
        follows.append("An address that another machine has cuts that machine off.")
        final, missing = "It can be removed again.", False
    elif s.tool.name.startswith("delete"):
        address = cell(str(mine.get("networkAddress"))) if mine else "not known"
        does = f"Remove network interface {named} from the {s.label}"
        follows = [f"Its address {address} is gone; backups and restores over that network fail."]
        if len(present) == 1:
            follows.append("It is the ONLY interface.")
        final, missing = "It can be added again, with its settings given anew.", mine is None
    else:
        does = f"Change network interface {named} of the {s.label}"
        follows = list(changes(wanted, mine or {}, s.now))
        follows.append("Backups and restores over it break off; wrong values cut the gateway off.")
        if s.arguments.get("force") is None:
            follows.append("force is not given and DEFAULTS TO TRUE: it is changed on the appliance in any case.")
        final, missing = "It can be changed back only while the gateway can still be reached.", mine is None
    known = isinstance(item_at(s.resource, "network", "nics"), list)
    return Effect(
        title=does,
        facts=(_about(s), *([f"its interfaces: {listed}"] if listed else [])),
        consequences=tuple(follows),
        reversibility=final,
        forbidden="The gateway has no interface with that id." if missing and known else "",
    )


def describe_resize(s: Subject) -> Effect:
    """A gateway grows; it never shrinks again."""
    body = {n: v for n, v in s.arguments.items() if n in s.tool.arguments and s.tool.arguments[n].place == "body"}
    old = {**_mapping(s.resource.get("size")), "override": s.resource.get("override")}
    now = s.resource.get("datastoresInfo")
    present = {str(d.get("id")) for d in objects(now)}
    follows = list(changes({n: v for n, v in body.items() if n != "datastoreIds"}, old, s.now))
    given = body.get("datastoreIds")
    if isinstance(given, list):
        left_out = present - {str(i) for i in given}
        before = f"{len(present):,}" if isinstance(now, list) else "not known how many"
        follows.append(f"Datastores: {before} now, {len(given):,} then.")
        if left_out:
            follows.append(
                f"Present datastores not in the list, which must contain them: {', '.join(sorted(left_out))}."
            )
    follows.append("Whether the gateway restarts for it is not documented.")
    return Effect(
        title=f"Resize the {s.label}",
        facts=(_about(s),),
        consequences=tuple(follows),
        reversibility="Storage can only grow: this cannot be undone.",
    )


def describe_any(s: Subject) -> Effect:
    """An operation that nobody has judged: what is known is what it is called and given."""
    operation = s.tool.operation
    key = operation.key if operation else s.tool.name
    body = {n: v for n, v in s.arguments.items() if n != "confirm"}
    known = s.target.found.known
    return Effect(
        title=f"Carry out {key}" + (f" on the {s.label}" if s.target.path else ""),
        facts=(_about(s),) if known else (),
        consequences=(
            f"{cell(s.tool.description, 400)}",
            *changes(body, s.resource, s.now),
        ),
        reversibility="This operation is not one this server knows; take it that it cannot be undone.",
        unknown=("what it does beyond its description",),
    )


def _about(s: Subject) -> str:
    parts = [state_of(s.resource) or "state not known"]
    known = [name for name in ("connectionState", "softwareVersion", "serialNumber") if s.resource.get(name)]
    parts += [f"{name} {cell(str(s.resource[name]))}" for name in known]
    return "; ".join(parts)


def _mounted_hosts(s: Subject) -> str:
    hosts = s.resource.get("mountedHostsIqn")
    to = "to which hosts it is attached is not known"
    if isinstance(hosts, list):
        to = f"attached to {', '.join(quoted(h) for h in hosts[:12]) or 'no host'}"
    stores = objects(s.resource.get("protectionStoreInfo"))
    return "; ".join(
        [state_of(s.resource) or "state not known", to, *([f"in store {names(stores)}"] if stores else [])]
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
