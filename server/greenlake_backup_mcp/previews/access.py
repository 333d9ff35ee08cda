"""What opens or closes a way in: logins shown, remote support, volumes attached; and network changes of appliances.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from .model import Finding, Gravity, Judgement, Subject, counted, item_at, names, not_known, objects, quoted, state_of


def judge_login(s: Subject) -> Judgement:
    """A password or one-time code is made and answered."""
    totp = s.tool.name.startswith("generate")
    what = "a one-time code for the console" if totp else "user name and password of the console"
    return Judgement(
        title=f"Show {what} of the {s.label}",
        facts=(_facts(s),),
        findings=[
            Finding(
                f"Whoever reads the answer can log in to the appliance: {what}.",
                Gravity.GRAVE,
                danger=Danger.SECRET,
            ),
            Finding("This server hides it from the conversation unless it was started with --reveal-secrets."),
        ],
        reversibility="What was shown cannot be taken back" + ("; the code runs out by itself." if totp else "."),
        danger=Danger.SECRET,
    )


def judge_remote_support(s: Subject) -> Judgement:
    """The vendor's way in is opened or closed."""
    wanted = s.arguments.get("remoteAccessEnabled", s.arguments.get("enabled"))
    now = s.resource.get("remoteAccessEnabled")
    opens = wanted is True
    verb = "Open" if opens else "Close" if wanted is False else "Set"
    words = {True: "open", False: "closed", None: "in a state that is not known"}
    does = "HPE support can log in to the appliance from then on." if opens else "HPE support can no longer log in."
    if wanted is None:
        does = "Neither open nor closed is asked for: what the service makes of it is not known."
    return Judgement(
        title=f"{verb} the vendor's remote access to the {s.label}",
        facts=(_facts(s),),
        findings=[
            Finding(does, Gravity.GRAVE if wanted is not False else Gravity.NOTABLE, danger=Danger.DISRUPT),
            Finding(f"It is {words.get(now, 'not known')} now."),
            *([Finding("That is as it is already.")] if wanted is not None and wanted == now else []),
        ],
        reversibility="It can be switched back.",
        danger=Danger.DISRUPT if wanted is False else Danger.SECRET,
    )


def judge_attach(s: Subject) -> Judgement:
    """Backed-up volumes become readable for a host."""
    parts = s.arguments.get("individualBackupIds")
    which = f"{counted(len(parts), 'volume')} of it" if parts else "ALL volumes in it"
    host = quoted(s.arguments.get("hostIqn"))
    return Judgement(
        title=f"Attach the {s.label} to host {host}",
        facts=(_mounted_hosts(s),),
        findings=[
            Finding(
                f"Host {host} can read {which}: the data as it was backed up.",
                Gravity.GRAVE,
                danger=Danger.SECRET,
            )
        ],
        reversibility="detach_volume_protection_group_backup ends it; what was read until then was read.",
        unknown=not_known(*s.facts.values()),
        danger=Danger.SECRET,
    )


def judge_detach(s: Subject) -> Judgement:
    """Volumes disappear from a host."""
    iqn = s.arguments.get("hostIqn")
    hosts = s.resource.get("mountedHostsIqn")
    words = f"Its volumes disappear from host {quoted(iqn)}; file systems in use on them break."
    findings = [Finding(words, Gravity.GRAVE, danger=Danger.DISRUPT)]
    if isinstance(hosts, list) and iqn not in hosts:
        findings.append(Finding("That host is not among those it is attached to.", Gravity.NOTABLE))
    return Judgement(
        title=f"Detach the {s.label} from host {quoted(iqn)}",
        facts=(_mounted_hosts(s),),
        findings=findings,
        reversibility="It can be attached again; data that was not written yet is lost.",
        danger=Danger.DISRUPT,
    )


def judge_network_update(s: Subject) -> Judgement:
    """Addresses, DNS, NTP or proxy of an appliance change."""
    reachable = {"network", "proxy", "dns"} & set(s.arguments)
    words = "If the new values are wrong, the appliance is cut off, and nothing that runs through it works."
    return Judgement(
        title=f"Change the {s.label}",
        facts=(_facts(s),),
        findings=[Finding(words, Gravity.NOTABLE, "network")] if reachable else [],
        reversibility="It can be changed back only while the appliance can still be reached."
        if reachable
        else "It can be changed back.",
        danger=Danger.DISRUPT,
    )


def judge_nic_update(s: Subject) -> Judgement:
    """A network interface of a gateway is added, changed or removed."""
    nic = s.arguments.get("nic") or {}
    present = objects(item_at(s.resource, "network", "nics"))
    known = isinstance(item_at(s.resource, "network", "nics"), list)
    mine = next((n for n in present if n.get("id") == nic.get("id")), None)
    named = quoted(mine.get("networkName") or mine.get("id")) if mine else f"id {cell(str(nic.get('id')))}"
    if "id" not in nic:
        named = "that is not named"
    listed = "; ".join(f"{quoted(n.get('networkName'))} {cell(str(n.get('networkAddress')))}" for n in present)
    findings, forbidden = [], ""
    address = nic.get("networkAddress")
    taken = [n for n in present if address and n.get("networkAddress") == address and n is not mine]
    if taken:
        words = f"The address {cell(str(address))} is that of its own interface {quoted(taken[0].get('networkName'))}."
        findings.append(Finding(words, Gravity.GRAVE, "address in use"))
    if s.tool.name.startswith("create"):
        does, final = f"Add a network interface to the {s.label}", "It can be removed again."
        findings.append(Finding("An address that another machine has cuts that machine off.", Gravity.NOTABLE))
    elif s.tool.name.startswith("delete"):
        does, final = f"Remove network interface {named} from the {s.label}", "It can be added again, set up anew."
        at = f"Its address {cell(str(mine.get('networkAddress')))}" if mine else "Its address"
        findings.append(
            Finding(f"{at} is gone; backups and restores over that network fail.", Gravity.GRAVE, danger=Danger.DISRUPT)
        )
        if len(present) == 1 and mine:
            findings.insert(
                0,
                Finding(
                    "It is the ONLY interface: the gateway is cut off with it.", Gravity.GRAVE, "the only interface"
                ),
            )
            final = "It can be added again only in vCenter: this server reaches the gateway no more."
    else:
        does = f"Change network interface {named} of the {s.label}"
        findings.append(
            Finding("Backups and restores over it break off; wrong values cut the gateway off.", Gravity.NOTABLE)
        )
        if s.arguments.get("force") is None:
            words = "force is not given and DEFAULTS TO TRUE: it is changed on the appliance in any case."
            findings.append(Finding(words, Gravity.NOTABLE))
        final = "It can be changed back only while the gateway can still be reached."
    if not s.tool.name.startswith("create") and mine is None and known:
        forbidden = "The gateway has no interface with that id." if "id" in nic else "No interface is named (nic.id)."
    return Judgement(
        title=does,
        facts=(_facts(s), *([f"its interfaces: {listed}"] if listed else [])),
        findings=findings,
        reversibility=final,
        forbidden=forbidden,
        danger=Danger.DISRUPT,
    )


def judge_resize(s: Subject) -> Judgement:
    """A gateway grows; it never shrinks again."""
    present = {str(d.get("id")) for d in objects(s.resource.get("datastoresInfo"))}
    given, findings = s.arguments.get("datastoreIds"), []
    if isinstance(given, list) and (left_out := present - {str(i) for i in given}):
        words = f"Present datastores that are not in the list, which must contain them: {len(left_out):,}."
        findings.append(Finding(words, Gravity.NOTABLE))
    findings.append(Finding("Whether the gateway restarts for it is not documented."))
    return Judgement(
        title=f"Resize the {s.label}",
        facts=(_facts(s),),
        findings=findings,
        reversibility="Storage can only grow: this cannot be undone.",
        danger=Danger.DISRUPT,
    )


def judge_any(s: Subject) -> Judgement:
    """An operation that nobody has judged: what is known is what it is called and given."""
    operation = s.tool.operation
    key = operation.key if operation else s.tool.name
    return Judgement(
        title=f"Carry out {key}" + (f" on the {s.label}" if s.target.path else ""),
        facts=(_facts(s),) if s.target.found.known else (),
        findings=[Finding(f"{cell(s.tool.description, 400)}")],
        reversibility="This operation is not one this server knows; take it that it cannot be undone.",
        unknown=("what it does beyond its description",),
        danger=s.tool.danger,
    )


def _facts(s: Subject) -> str:
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
