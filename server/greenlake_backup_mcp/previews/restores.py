"""What a restore overwrites or makes, from which recovery point, and what is lost by it.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from . import restore_sources, tenant_facts
from .model import Finding, Gravity, Judgement, Subject, counted, item_at, label, name_of, not_known, objects, quoted
from .reads import OWN, VIRTUALIZATION, ReadSpec, Target, identity_of, literal, path_of

MOST_COPIES = 20  # of a group restore that are read
PLACES = ("targetVmInfo", "targetDatastoreInfo", "targetDatabaseInfo", "targetInfo")
STORES = ReadSpec("stores", "the protection stores", f"{OWN}/protection-stores", (("limit", "2000"),))


def reads_for(arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The copy that is used (the code is bound to it), and what is there already where it would go."""
    collection, identity = identity_of(target.path)
    found = [
        ReadSpec("copy", f"the {place[:-1]}", path_of(OWN, collection, identity, place, arguments[name]), decides=True)
        for name, place in restore_sources.COPIES.items()
        if isinstance(arguments.get(name), str) and arguments[name]
    ][:1]
    for number, one in enumerate(objects(arguments.get("recoveryInfo"))[:MOST_COPIES]):
        place = "snapshots" if one.get("recoveryPointType") == "SNAPSHOT" else "backups"
        path = path_of(
            OWN, members(target, one.get("resourceId")), one.get("resourceId"), place, one.get("recoveryPointId")
        )
        found.append(ReadSpec(f"copy {number}", f"recovery point {number + 1}", path, decides=True))
    vm = arguments.get("targetVmId") or item_at(arguments, "targetInfo", "virtualMachineId")
    if isinstance(vm, str) and vm and vm != identity:
        found.append(
            ReadSpec("into", "the VM restored into", path_of(VIRTUALIZATION, "virtual-machines", vm), decides=True)
        )
    return [*found, *_namesakes(arguments, target), STORES, tenant_facts.TASKS]


def _namesakes(arguments: Mapping[str, Any], target: Target) -> Iterator[ReadSpec]:
    """What has the name already that the call gives to what it makes."""
    if arguments.get("restoreType") != "ALTERNATE":
        return
    place = {"VM": "virtual-machines", "datastore": "datastores"}.get(target.kind)
    name = next((n for p in PLACES if (n := item_at(arguments, p, "name"))), None)
    if isinstance(name, str) and place:
        query = (("filter", f"name eq {literal(name)}"), ("limit", "20"))
        path = path_of(VIRTUALIZATION, place)
        yield ReadSpec("namesakes", f"whether a {target.kind} of that name exists", path, query)
    elif isinstance(name, str) and target.kind == "SQL database":
        words = "whether a database of that name exists"
        yield ReadSpec("namesakes", words, f"{OWN}/mssql-databases", (("limit", "1000"),))


def members(group: Target, member: Any) -> str:
    """The collection that a member of a group is in; its recovery points are found below it."""
    kinds = [str(a.get("type")) for a in objects(group.resource.get("assets")) if a.get("id") == member]
    return "datastores" if kinds and kinds[0].endswith("datastore") else "virtual-machines"


def judge_restore(s: Subject) -> Judgement:
    """A VM, datastore, database or volume group comes back, over itself or beside itself."""
    over = s.arguments.get("restoreType") != "ALTERNATE"
    findings: list[Finding] = []
    onto = [] if over else [*_onto_itself(s), *_exists(s)]
    if over:
        findings += [restore_sources.overwritten(s, f"the present {s.name}", s.name), *restore_sources.chain(s)]
        reversibility = "What is overwritten cannot be brought back, unless a recovery point of it is taken first."
    else:
        lost = any(f.danger is Danger.DESTROY for f in onto)
        stays = [] if lost else [Finding(f"The present {s.target.kind} stays as it is; a second one is made.")]
        findings += [*onto, *stays, *_left_open(s)]
        reversibility = "What is made can be removed again, outside this server."
        if lost:
            reversibility = "What is overwritten cannot be brought back, unless a recovery point of it is taken first."
    findings += restore_sources.unnamed(s)
    findings += [*restore_sources.options(s, over=over), *restore_sources.warnings(s), *tenant_facts.running(s)]
    where = "OVER ITSELF" if over else "ONTO WHAT IS THERE" if any("overwrites" in f.warning for f in onto) else ""
    return Judgement(
        title=f"Restore the {s.label} {where or 'to a new place'}",
        facts=restore_sources.facts(s),
        findings=findings,
        reversibility=reversibility,
        unknown=not_known(s.target.found, *s.target.uses.values(), *_asked(s)),
        forbidden=restore_sources.unusable_reasons(s, overwrites=over),
        danger=Danger.DESTROY if over else Danger.DISRUPT,
    )


def judge_disk_restore(s: Subject) -> Judgement:
    """Single virtual disks are overwritten."""
    into = s.found("into")
    other = s.arguments.get("targetVmId")
    where = label("VM", into.resource, str(other)) if other and other != s.resource.get("id") else s.label
    pairs = [
        f"{quoted(item_at(d, 'recoveryPointDiskDetails', 'diskLabel'))} over "
        f"{quoted(item_at(d, 'vmDiskDetails', 'diskLabel'))}"
        for d in objects(s.arguments.get("restoreDiskDetails"))
    ]
    disks = ", ".join(pairs[:12]) + (f" and {len(pairs) - 12:,} more" if len(pairs) > 12 else "")
    what = f"disks of {where}, {disks or 'ALL of them (none is named)'}"
    return Judgement(
        title=f"Overwrite disks of the {where} from a recovery point of the {s.label}",
        facts=restore_sources.facts(s),
        findings=[
            restore_sources.overwritten(s, what, f"disks of {where}"),
            *restore_sources.warnings(s),
            *tenant_facts.running(s),
        ],
        reversibility="What is overwritten cannot be brought back, unless a recovery point of it is taken first.",
        unknown=not_known(s.target.found, *s.target.uses.values()),
        forbidden=restore_sources.unusable_reasons(s, overwrites=True),
        danger=Danger.DESTROY,
    )


def judge_file_restore(s: Subject) -> Judgement:
    """Files are written into a guest."""
    method = str(s.arguments.get("fileRestoreMethod"))
    into = s.found("into")
    vm = item_at(s.arguments, "targetInfo", "virtualMachineId")
    where = label("VM", into.resource, str(vm)) if vm and vm != s.resource.get("id") else s.label
    files = counted(len(objects(s.arguments.get("filePathInfo"))), "path")
    words = {
        "KEEPASBACKUP": "Files that are there are kept under another name.",
        "SKIP": "Files that are there are left alone.",
    }
    overwrites = method not in words
    told = words.get(method, f"{files}: files that are there are OVERWRITTEN.")
    if overwrites and method != "OVERWRITE":
        told = f"What happens to files that are there is not known ({cell(method)})."
    return Judgement(
        title=f"Write files from a recovery point into the guest of the {where}",
        facts=restore_sources.facts(s),
        findings=[
            Finding(
                told,
                Gravity.GRAVE if overwrites else Gravity.DETAIL,
                "overwrites files" if overwrites else "",
                danger=Danger.DESTROY if overwrites else Danger.DISRUPT,
            ),
            Finding("The guest is entered with the account given."),
            *restore_sources.warnings(s),
        ],
        reversibility="Overwritten files cannot be brought back." if overwrites else "The files can be deleted again.",
        unknown=not_known(s.target.found, *s.target.uses.values()),
        forbidden=restore_sources.unusable_reasons(s, overwrites=overwrites),
        danger=Danger.DESTROY if overwrites else Danger.DISRUPT,
    )


# --- phrases ----------------------------------------------------------------------------------------------------------


def _asked(s: Subject) -> list[Any]:
    return [f for name, f in s.facts.items() if name == "namesakes"]


def _onto_itself(s: Subject) -> Iterator[Finding]:
    """An ALTERNATE restore whose place is that of the original."""
    if s.target.kind != "SQL database":
        return
    to = s.arguments.get("targetDatabaseInfo")
    to = to if isinstance(to, Mapping) else {}
    here = item_at(s.resource, "instanceInfo", "id")
    same_instance = to.get("instanceId") in (None, here)
    same_name = str(to.get("name") or s.resource.get("name")).casefold() == str(s.resource.get("name")).casefold()
    paths = objects(to.get("databaseFilePaths"))
    same_files = [p for p in paths if _path(p.get("newPath")) == _path(p.get("originalPath"))]
    if same_instance and same_name:
        yield restore_sources.overwritten(s, f"the present {s.name}, which has that name and instance", s.name)
        yield from restore_sources.options(s, over=True) if not s.arguments.get("restoreWithTailLog") else ()
    elif same_instance and same_files:
        listed = ", ".join(quoted(p.get("newPath")) for p in same_files[:6])
        yield restore_sources.overwritten(s, f"the present {s.name} in its files {listed}", s.name)
    elif same_instance and not paths:
        words = "Where its files go is left to the service; the present ones lie on the same host."
        yield Finding(words, Gravity.NOTABLE)


def _path(value: Any) -> str:
    return str(value).replace("/", "\\").casefold()


def _exists(s: Subject) -> Iterator[Finding]:
    """What has the name already."""
    name = next((n for p in PLACES if (n := item_at(s.arguments, p, "name"))), None)
    if s.target.kind == "SQL database":
        instance = item_at(s.arguments, "targetDatabaseInfo", "instanceId") or item_at(s.resource, "instanceInfo", "id")
        found = [
            d
            for d in s.found("namesakes").items
            if str(d.get("name")).casefold() == str(name).casefold()
            and item_at(d, "instanceInfo", "id") == instance
            and d.get("id") != s.resource.get("id")
        ]
        for one in found:
            yield restore_sources.overwritten(s, f"the {label('SQL database', one)} that has that name there")
        return
    for one in s.found("namesakes").items:
        if str(one.get("name")).casefold() == str(name).casefold():
            yield Finding(
                f"A {s.target.kind} named {quoted(name)} EXISTS (id {cell(str(one.get('id')))}): the service refuses, "
                "makes a second of that name, or overwrites it; no document says which.",
                Gravity.GRAVE,
                "the name exists",
                f"A {s.target.kind} named {name_of(one)} EXISTS; what becomes of it, no document says.",
                Danger.DESTROY,
            )


def _left_open(s: Subject) -> Iterator[Finding]:
    """What a new VM needs and the call leaves open: the documents do not say what the service then does."""
    if s.target.kind != "VM":
        return
    target = s.arguments.get("targetVmInfo")
    target = target if isinstance(target, Mapping) else {}
    missing = [
        *(["name"] if not target.get("name") else []),
        *(["cluster or host"] if not (target.get("clusterId") or target.get("hostId")) else []),
        *(["datastore"] if not item_at(target, "appInfo", "vmware", "datastoreId") else []),
        *(["vCenter"] if not target.get("hypervisorManagerId") else []),
    ]
    if missing:
        yield Finding(f"Not named: {', '.join(missing)}; the service decides, or refuses.", Gravity.NOTABLE)
