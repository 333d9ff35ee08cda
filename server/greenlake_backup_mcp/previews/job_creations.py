"""What putting an asset under a policy does: the policy's tiers and the request's overrides; what protects it already.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell

from . import in_use, times
from .difference import Leaf, leaves_between
from .model import Finding, PreviewSpec, Subject, grave, notable
from .phrases import item_at, label, name_of, names, objects, quoted
from .places import store_of
from .reads import KINDS, OWN, VIRTUALIZATION, WHOLE, ReadSpec, Target, asset_path, identity_of, literal, path_of
from .schedule_facts import contradiction, id_of, list_ids, schedules_of
from .tenant_facts import STORES, stores, unreachable

LATE = timedelta(days=1)  # until a job's first run, beyond which its asset is as good as not protected
MOST_HOLDERS = 10  # of what an asset is part of that are read
TOLD = ("scheduleId", "name", "schedule", "expireAfter", "lockFor", "preScriptInfo", "postScriptInfo")  # of a schedule
# TABLE: what a policy must be made for, by the collection of the asset
APPLICATIONS = {
    **dict.fromkeys(("virtual-machines", "datastores", "virtual-machine-protection-groups"), "VMWARE"),
    **dict.fromkeys(("mssql-databases", "mssql-database-protection-groups"), "MSSQL"),
    "volume-protection-groups": "HPE_ARRAY_VOLUME",
}


def _reads(arguments: Mapping[str, Any], _target: Target) -> list[ReadSpec]:
    """The policy, the asset, the jobs that it has already, and what protects its members."""
    identity, collection = str(_asset(arguments).get("id")), _collection(arguments)
    query = (("filter", f"assetInfo/id eq {literal(identity)}"), ("limit", "100"))
    reads = [
        ReadSpec("policy", "the policy", path_of(OWN, "protection-policies", arguments.get("protectionPolicyId"))),
        ReadSpec("jobs", "the jobs of the asset", f"{OWN}/protection-jobs", query),
        ReadSpec("asset", "the asset", asset_path(collection, identity)),
        STORES,
    ]
    if collection != "datastores":
        return [*reads, *in_use.member_reads(collection)]
    query = (("filter", f"appInfo/vmware/datastoresInfo/id eq {literal(identity)}"), *WHOLE)
    return [*reads, ReadSpec("members", "what protects its VMs now", f"{VIRTUALIZATION}/virtual-machines", query)]


def _further_reads(s: Subject) -> list[ReadSpec]:
    """What the asset is part of, whose jobs protect it too; and the hosts that the policy runs programs on."""
    uris = [(f"holder {n}", holder, str(holder.get("resourceUri"))) for n, holder in enumerate(_holders(s))]
    reads = [ReadSpec(n, f"what protects {name_of(h)}", u) for n, h, u in uris if u.startswith((OWN, VIRTUALIZATION))]
    if any(
        x.get(name) for _, x in schedules_of(s.read("policy").resource) for name in ("preScriptInfo", "postScriptInfo")
    ):
        reads.append(ReadSpec("hosts", "names", f"{OWN}/application-hosts", WHOLE, quiet=True))
    return reads[:MOST_HOLDERS]


def _implied(s: Subject) -> Iterator[Leaf]:
    """What the policy does to the asset, but for what the request overrides, which the request itself tells."""
    overrides = s.arguments.get("overrides")
    changed = {id_of(one): one[1] for one in schedules_of(overrides)} if isinstance(overrides, Mapping) else {}
    tiers = [
        {
            **{n: tier[n] for n in ("id", "type", "protectionStoreInfo") if n in tier},
            "schedules": [
                {n: x[n] for n in TOLD if n in x and (n == "scheduleId" or n not in changed.get(id_of((tier, x)), {}))}
                for x in objects(tier.get("schedules"))
            ],
        }
        for tier in objects(s.read("policy").resource.get("protections"))
    ]
    return leaves_between({}, {"protections": tiers} if tiers else {})


def _create(s: Subject) -> Iterator[Finding]:
    yield from _protected_already(s)
    asset, collection = s.read("asset").resource, _collection(s.arguments)
    inside = objects(asset.get("assets")) or objects(asset.get("members"))
    inside = s.read("members").items if collection == "datastores" else inside
    yield from in_use.protected_members(s, {in_use.identify(m) for m in inside}, _asset(s.arguments).get("id"))
    wanted = str(s.read("policy").resource.get("applicationType") or "")
    if wanted and wanted != APPLICATIONS.get(collection, wanted):
        yield notable(f"The policy is made for {cell(wanted)}; the service is expected to refuse it for this asset.")
    yield from _first_runs(s)
    yield from _overrides(s)
    tiers = objects(s.read("policy").resource.get("protections"))
    yield from unreachable(stores(s), map(store_of, tiers))


def _first_runs(s: Subject) -> Iterator[Finding]:
    """When the first runs begin; a late beginning leaves the asset without protection, though it seems to have it."""
    begin = units.parse_time(s.arguments.get("effectiveFromDateTime")) or s.now
    when, count = times.describe_when(begin, s.now), len(schedules_of(s.read("policy").resource))
    if begin - s.now > LATE:
        words = f"NOTHING PROTECTS IT BEFORE {when}"
        yield grave(
            f"{words}: there are no runs until then, though it counts as protected.", "a late start", f"{words}."
        )
    else:
        first = "A first run begins" if count < 2 else f"The first runs of its {count:,} schedules begin"
        yield Finding(f"{first} {'at once' if begin <= s.now else f'on {when}'}.")


def _overrides(s: Subject) -> Iterator[Finding]:
    """Which schedules a request overrides that the policy does not have."""
    held = [(str(tier.get("id")), id_of((tier, x))) for tier, x in schedules_of(s.read("policy").resource)]
    overrides = s.arguments.get("overrides")
    asked = schedules_of(overrides) if isinstance(overrides, Mapping) and held else []
    if strange := [one for one in asked if (str(one[0].get("id")), id_of(one)) not in held]:
        yield notable(f"The policy does not have what is overridden in its tiers: {list_ids(strange)}.")


def _protected_already(s: Subject) -> Iterator[Finding]:
    """What protects the asset already: jobs of its own, or what it is part of."""
    asset, holders = s.read("asset").resource, _holders(s)
    held = [s.read(f"holder {n}") for n in range(len(holders))]
    leaving = {identity_of(path)[1] for path in s.leaving}  # a plan may end the present job first
    jobs = [job for job in s.read("jobs").items if job.get("id") not in leaving]
    policies = [item_at(job, "protectionPolicyInfo", "name") for job in jobs]
    through = "" if policies or not holders else f" {_as_part_of(holders)} {names(holders)}"
    if not policies:
        by = [
            item_at(one, "protectionJobInfo", "protectionPolicyInfo", "name")
            for one in (asset, *(h.resource for h in held))
            if item_at(one, "protectionJobInfo", "id") not in leaving
        ]
        policies = [policy for policy in by if policy][:1]
    for policy in policies:
        words = f"It is PROTECTED ALREADY{through}, by policy {quoted(policy)}: two jobs then copy it."
        yield grave(words, "protected already", words, kind="LOST")
    if not holders or policies:
        return
    if all(one.available for one in held) and not asset.get("protectionPolicyAppliedAtInfo"):
        yield Finding(f"It is a member of {names(holders)}, which no job protects.")
    else:
        words = f"It stands {_as_part_of(holders)} {names(holders)}; whether that protects it already is not known."
        yield grave(words, "may be protected already")


def _holders(s: Subject) -> list[Mapping[str, Any]]:
    """What protects the asset as a part of it, where the service says; else the groups that it is a member of."""
    asset = s.read("asset").resource
    if applied := objects(asset.get("protectionPolicyAppliedAtInfo")):
        return [one for one in applied if one.get("id") != asset.get("id")]
    return [group for name in in_use.GROUPS for group in objects(asset.get(name))][:MOST_HOLDERS]


def _as_part_of(holders: list[Mapping[str, Any]]) -> str:
    return "on datastore" if holders[0].get("type") == "DATASTORE" else "as a member of"


def _impossible(s: Subject) -> str:
    overrides = s.arguments.get("overrides")
    if s.read("policy").missing:
        return "There is no such policy."
    return contradiction(overrides) if isinstance(overrides, Mapping) else ""


def _asset(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    asset = arguments.get("assetInfo")
    return asset if isinstance(asset, Mapping) else {}


def _collection(arguments: Mapping[str, Any]) -> str:
    """The collection of the asset that a request protects."""
    return str(_asset(arguments).get("type") or "virtualization/virtual-machine").rpartition("/")[2] + "s"


def _title(s: Subject) -> str:
    policy, collection = s.read("policy").resource, _collection(s.arguments)
    kind = KINDS.get(collection, collection.removesuffix("s"))
    who = label(kind, s.read("asset").resource, str(_asset(s.arguments).get("id")))
    return f"Protect the {who} by policy {name_of(policy or {'id': s.arguments.get('protectionPolicyId')})}"


TABLE: Mapping[str, PreviewSpec] = {
    "DataManagementJobCreate": PreviewSpec(
        _title,
        _create,
        "delete_protection_job takes it back; copies made until then stay until they expire.",
        forbidden=_impossible,
        reads=_reads,
        further=(_further_reads,),
        implied=_implied,
    )
}
