# ruff: noqa: E501  (texts, a few columns over)
"""TABLE of prompts: what administrators ask every day, as short workflows that name the tools and the traps.

A prompt is offered where every tool it names (in backticks) is. Knows MCP's prompts; must not know HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, GetPromptResult, PromptArgument, PromptMessage, TextContent
from mcp.types import Prompt as ListedPrompt

from greenlake_backup_mcp.text import sanitize
from greenlake_backup_mcp.tools.registry import Tool

LONGEST, FARTHEST = 200, 9999  # characters of one argument; hours or days


@dataclass(frozen=True)
class Argument:
    """What a person fills in; `default` stands where nothing is given, "" where something must be."""

    name: str
    description: str
    default: str = ""
    ahead: timedelta | None = None  # of a number: what one of it is; `{moment}` in the text is so far from now


@dataclass(frozen=True)
class Prompt:
    """One workflow; `{name}` in the text stands for an argument, `{moment}` for the time that a number of it gives."""

    name: str
    title: str
    description: str
    text: str
    arguments: tuple[Argument, ...] = ()

    @property
    def needs(self) -> frozenset[str]:
        """The tools it names."""
        return frozenset(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", self.text))


VM = Argument("vm", "Name of the virtual machine, or a part of it.")
HOURS = Argument("hours", "How far back to look, in hours.", "24", timedelta(hours=-1))

PROMPTS = (
    Prompt(
        "morning_check",
        "Morning health check",
        "What failed, what stands still, what needs somebody today.",
        """\
Check the backups of this tenant and tell me what needs somebody today, worst first. Change nothing.

1. `check_health` with since "{moment}": the verdict, what is for a person today, everything wrong by cause, and what could
   not be read. That is the morning check; only where it leaves something open go on.
2. `check_protection` with the control that it points to (cover, fresh, usable, off_site, expiring) lists the assets.
3. `describe_asset` of the gravest one or two: the cause in the service's words, and what they still come back from.
4. `show_changes` with since "{moment}" where copies went too early, a safeguard was weakened or a job suspended.

Answer in at most 15 lines: first whether the last {hours} hours were fine, in one sentence with numbers; then each problem
with the asset's name, since when, the cause, and what to do. Say what was not read: it is not known, not fine.""",
        (HOURS,),
    ),
    Prompt(
        "explain_failures",
        "What failed and why",
        "From a failed job to its cause and its cure.",
        """\
Find out what failed in the last {hours} hours and why. Change nothing.

1. `list_tasks` with where "state eq 'FAILED' and createdAt gt '{moment}'": the summary groups them by error. Then
   `list_tasks` with where "state eq 'TIMEDOUT' and createdAt gt '{moment}'": their outcome is unknown.
2. For one of each error `get_task`: error, code, log messages, recommendations. Where it has children, they have the
   cause and the parent only a summary: `list_tasks` with filter "parent/id eq 'ID'".
3. `list_protection_jobs` with where "problem ne null": what still fails, and when it was last good. Who is not in it
   has succeeded since: say so, and give it less room.
4. Look for one cause behind many: the same gateway (`list_protection_store_gateways`), orchestrator
   (`list_data_orchestrators`), store (`list_protection_stores`) or open alert (`list_issues`).

Group by cause, not by task. For each: assets concerned, since when, last good recovery point, cause in the service's
words with its error code, remedy. Separate what the service says from what you conclude.""",
        (HOURS,),
    ),
    Prompt(
        "expiring_soon",
        "What expires soon",
        "Recovery points that go in the next days, and whether anything is left then.",
        """\
Which recovery points of {vm} expire within {days} days, and what is left afterwards? Change nothing.

1. `check_protection` with control "expiring", days {days}, name NAME: whether the last usable one goes, and whether a run
   comes before it. All that bear the name are told; ask which is meant.
2. `find_recovery_points` with asset NAME and expiresBefore "{moment}": which they are, of every kind.
3. `describe_asset`: what stays, until when it is locked, and whether new recovery points are still being made. If
   protection is suspended or has lapsed, the expiring ones may be the last.

Warn first about anything whose last remaining recovery point goes. To keep a copy longer one would move its expiry
later; name the copies, and do not do it.""",
        (VM, Argument("days", "How many days ahead.", "7", timedelta(days=1))),
    ),
    Prompt(
        "is_it_protected",
        "Is it protected?",
        "Whether a VM could be brought back, from when, and how quickly.",
        """\
Is {vm} protected? Change nothing.

1. `describe_asset` with asset NAME: what covers it (own job, group, datastore), promise against fact for each schedule,
   what it comes back from, why copies cannot be used, which controls it fails. Several may bear the name: tell of each.
2. `find_recovery_points` with asset NAME where a moment is asked for: from when it can come back, best first.

Answer with yes, partly or no in the first sentence; then: newest recovery point and its age, where copies lie (array,
local store, cloud), whether one is locked, and what is missing. Snapshots alone are lost with the array. The service's
PROTECTED only means that the last runs were fine; LAPSED means copies without a policy.""",
        (VM,),
    ),
    Prompt(
        "restore_vm_step_by_step",
        "Restore a VM step by step",
        "From the right recovery point to a VM that has been checked, with consent in between.",
        """\
Help me restore {vm}{when}. One step at a time; nothing is changed before I agree.

1. `list_vms` with where "name contains 'NAME'": the VM and its id. Deleted VMs may still be listed; several may bear
   the name. Ask.
2. `list_vm_snapshots` with where "pointInTime lt 'MOMENT'" (quick, on the array) and `list_vm_backups` with the same
   (also cloud: slower). Newest first: propose the one just before the damage, with time, age and state. Not one that is
   PENDING_DELETE_APPROVAL, being created or in error; `get_vm_backup` or `get_vm_snapshot` tells its consistency.
3. Ask what is wanted. Beside the original (ALTERNATE) is the safe default. Over the original (PARENT) loses everything
   written since. For single disks `restore_vm_disks`; for files `restore_vm_files`.
4. ALTERNATE needs a target: `list_hypervisor_managers`, then `list_hypervisor_clusters` or `list_hypervisor_hosts` (one
   of the two), `list_datastores` (enough space?), `list_hypervisor_manager_folders`, `list_hypervisor_manager_networks`.
   Propose a new name, and leave it powered off: two machines with one address hurt each other.
5. Schedules go on rotating copies meanwhile. If the chosen point expires soon, say so; suspending the job is
   `suspend_protection_job`, and then it must be resumed.
6. `restore_vm` with exactly one of backupId and snapshotId, and confirm "preview". Show me the preview whole. Only after
   my yes repeat it with the code.
7. `wait_for_task` until it ends. "Unknown" is not failure: look at the VM, and never start the restore again unasked.
8. Prove it: `get_vm` of the result. Then say what is left to do: check the guest, network, power, and its protection; a
   new VM has no policy.""",
        (VM, Argument("when", "Which moment to go back to, in words.", " to a moment that we choose together")),
    ),
    Prompt(
        "clean_up_snapshots",
        "Clean up old snapshots safely",
        "Finds what can go, proves that enough stays, deletes with one reviewed plan.",
        """\
Find snapshots of {vm} older than {days} days that can be deleted, and delete them only with my consent.

1. `list_vms` with where "name contains 'NAME'" for the id. `list_vm_snapshots` with where "pointInTime lt '{moment}'",
   then with limit 0, and `list_vm_backups` with limit 0: what would stay.
2. Leave alone: locked ones (a deletion fails), those that expire by themselves within days (nothing gained), and the
   newest good one. `list_tasks` with where "state in ('INITIALIZED','RUNNING') and resource contains 'NAME'": does a
   restore or backup use them now?
3. Show a table: snapshot, age, expiry, lock, and beside it the recovery points that stay for the same days. If a day
   would be left without any, say so first.
4. With my agreement, one `run_plan` with a `delete_vm_snapshot` call for each, confirm "preview". Show the whole list;
   only after my yes the code. It stops at the first failure.
5. Where dual authorization is on, the copies stay PENDING_DELETE_APPROVAL until a second person approves in the console.
   Nobody here can. Report what is gone, what waits, what failed.

Deleting cannot be undone. Making room by shorter retention is a change of the policy, and applies to every asset.""",
        (VM, Argument("days", "Older than so many days.", "30", timedelta(days=-1))),
    ),
    Prompt(
        "maintenance_window",
        "Prepare a maintenance window",
        "What runs then, what to suspend, and how to make sure it is resumed.",
        """\
Prepare a maintenance window on {what}, {when}. First the plan; nothing is changed before I agree.

1. What hangs on it? VMs: `list_vms` with where "host contains 'NAME' or cluster contains 'NAME' or datastores contains
   'NAME'". A gateway (`list_protection_store_gateways`) carries its stores: `list_protection_stores` with where "system
   contains 'NAME'", and `list_protection_policies` with where "tiers contains 'STORE'" tells who writes there. An
   orchestrator (`list_data_orchestrators`) carries its whole site.
2. Their jobs: `list_protection_jobs` with where "nextRun lt 'END' and asset in ('A','B')" (or policy in). Times are UTC:
   ask for the time zone if it is not clear. `list_protection_jobs` with where "operational eq 'SUSPENDED'": note these.
3. `list_tasks` with where "state in ('INITIALIZED','RUNNING')": what runs now and may still run then, restores above all.
4. Propose: a run beforehand (`run_protection_job`: its task ends when the work is triggered; wait for the new recovery
   point), which jobs to suspend (`suspend_protection_job`), and when to resume them (`resume_protection_job`).
5. Traps: a data orchestrator that was shut down can only be started in vCenter, by hand. Suspended jobs miss their runs,
   they do not catch up. Copies go on expiring during the window.
6. With my agreement suspend, each after its preview. Give me the list of what must be resumed, by name and id, and ask
   me to come back with it: nothing here reminds anybody.
7. Afterwards: resume, then `list_protection_jobs` again. No job may be left suspended that was not so before.""",
        (
            Argument("what", "What is worked on: a host, datastore, array, gateway, orchestrator."),
            Argument("when", "When and for how long, with time zone.", "at a time to be agreed"),
        ),
    ),
)


def enabled(tools: Mapping[str, Tool]) -> tuple[Prompt, ...]:
    """The prompts that can be followed with these tools."""
    return tuple(prompt for prompt in PROMPTS if prompt.needs <= tools.keys())


def list_prompts(prompt: Prompt) -> ListedPrompt:
    """The prompt as prompts/list shows it."""
    needs = [PromptArgument(name=a.name, description=a.description, required=not a.default) for a in prompt.arguments]
    return ListedPrompt(name=prompt.name, title=prompt.title, description=prompt.description, arguments=needs)


def fill(
    tools: Mapping[str, Tool],
    name: str,
    arguments: Mapping[str, str],
    *,
    search: bool = False,
    now: datetime | None = None,
) -> GetPromptResult:
    """The prompt with its arguments; MCPError for an unknown name, a missing argument, or a number that is none."""
    prompt = next((p for p in enabled(tools) if p.name == name), None)
    if prompt is None:
        raise MCPError(code=INVALID_PARAMS, message=f"Unknown prompt: {name[:80]!r}.")
    values = {}
    for argument in prompt.arguments:
        value = arguments.get(argument.name, "").strip()
        if not value and not argument.default:
            raise MCPError(code=INVALID_PARAMS, message=f"{argument.name} is missing: {argument.description}")
        number = values[argument.name] = _render(argument, value)
        if argument.ahead is not None:
            if not number.isdecimal() or not 0 < int(number) <= FARTHEST:
                message = f"{argument.name} is a number from 1 to {FARTHEST}: {argument.description}"
                raise MCPError(code=INVALID_PARAMS, message=message)
            moment = (now or datetime.now(UTC)) + int(number) * argument.ahead
            values["moment"] = moment.strftime("%Y-%m-%dT%H:%M:00Z")
    text = re.sub(r"\{(\w+)\}", lambda match: values[match[1]], prompt.text)
    if search:
        text += "\n\nCall these tools through call_read_tool and call_write_tool; find_tools gives their arguments."
    content = TextContent(type="text", text=text)
    return GetPromptResult(description=prompt.description, messages=[PromptMessage(role="user", content=content)])


def _render(argument: Argument, value: str) -> str:
    """The value as a quotation, which cannot add lines of its own; a number as it is."""
    if not value:
        return argument.default
    if value.isdecimal() and value.isascii() and len(value) <= 6:
        return value
    quoted = sanitize.quoted(value, LONGEST)
    return f" to {quoted}" if argument.default.startswith(" to ") else quoted
