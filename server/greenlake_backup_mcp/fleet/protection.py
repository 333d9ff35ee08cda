"""The control `cover`: who is in a plan that runs and has copies of the whole machine outside its array."""

from __future__ import annotations

from .calendar import DAY
from .estate import WORKLOADS, Asset, Estate
from .facts import Job
from .promises import Grade, promises
from .verdicts import GONE_FIRST, Context, Judge, Lines, State, Tally, Verdict


def cover(context: Context) -> tuple[Judge, Lines]:
    """In a plan that runs, with a usable copy outside the array, of the whole machine."""
    now = context.now

    def judge(asset: Asset) -> Verdict:
        facts = {
            "plan": ", ".join(dict.fromkeys(plan(c.job) for c in asset.covers)) or None,
            "newestUsable": context.clock.stamp(asset.newest()),
            "lastGoes": context.clock.stamp(asset.ends(now)),
            "power": "off" if asset.power == "POWERED_OFF" else None,
        }
        copies, size = sum(s.copies for s in asset.all_sets), float(asset.size or 0) / 2**40
        if not asset.covers:
            if not copies:
                new = " (new this week)" if asset.created and asset.created > now - 7 * DAY else ""
                return Verdict(State.NOT_MET, f"in no plan, no copy{new}", facts, GONE_FIRST + size)
            if not asset.usable:
                return Verdict(State.NOT_MET, "in no plan, copies but none usable", facts, GONE_FIRST + size)
            return Verdict(State.NOT_MET, "in no plan any more, copies left", facts, 1e9 + size)
        if not copies:
            if due := first_due(asset, context.estate):
                return Verdict(State.PENDING, "in a plan, its first copy is still to come",
                               {**facts, "firstDue": context.clock.stamp(due)})  # fmt: skip
            return Verdict(State.NOT_MET, "in a plan, no copy", facts, GONE_FIRST + size)
        if not asset.usable:
            return Verdict(State.NOT_MET, "in a plan, copies but none usable", facts, GONE_FIRST + size)
        if asset.newest("on_premises", "off_site") is None:
            return Verdict(State.NOT_MET, "only snapshots on the array", facts, 1e10 + size)
        if all(c.job.suspended for c in asset.covers):
            return Verdict(State.NOT_MET, "its plan is suspended", facts, 1e9 + size)
        if lacking := _lacking(asset):
            return Verdict(State.NOT_MET, "part of the machine only", {**facts, "lacking": lacking}, 1e8 + size)
        return Verdict(State.MET, "in a plan, with a usable copy outside the array", facts)

    return judge, lambda entries: _cover_lines(context, entries)


def plan(job: Job) -> str:
    """The name of its policy, and whether it runs."""
    return f"{job.policy or job.policy_id or 'unnamed'}" + (" (suspended)" if job.suspended else "")


def first_due(asset: Asset, estate: Estate) -> int | None:
    """When the first copy of an asset without any is due; None where one was due already, or never is."""
    entries = [p.freshness for p in promises(asset, estate)]
    if any(f.late for f in entries):
        return None
    return min((f.due for f in entries if f.due is not None and f.grade is Grade.PENDING), default=None)


def _lacking(asset: Asset) -> str | None:
    """What the newest usable backup leaves out of the machine; None where it is whole, as far as is told."""
    backups = [s for s in asset.sets if s.place != "array" and s.newest_usable is not None]
    if not backups:
        return None
    newest = max(backups, key=lambda s: s.newest_usable or 0)
    if (newest.flags or 0) & 16:
        return "raw disks"
    if newest.disks is not None and asset.disks is not None and newest.disks < asset.disks:
        return f"{asset.disks - newest.disks} of {asset.disks} disks"
    return "a disk" if newest.partial else None


def _cover_lines(context: Context, counted: Tally) -> list[str]:
    lines = []
    off = sum(f.verdict.facts.get("power") == "off" for f in counted.in_states(State.NOT_MET))
    if off:
        lines.append(f"Powered off, of those not met: {off}.")
    odd = sum(
        f.asset.protection_status == "PROTECTED" for f in counted.in_states(State.NOT_MET) if f.asset.protection_status
    )  # fmt: skip
    if odd:
        lines.append(
            f"{odd} of those not met the service calls PROTECTED: its word is about the last runs, not copies."
        )
    gone = [a for a in context.estate.assets.values() if a.gone is not None and a.sets and a.kind in WORKLOADS]
    if gone:
        left = sum(bool(a.usable) for a in gone)
        lines.append(f"No longer listed, of the whole estate and in no count: {len(gone)}, with usable copies: {left}.")
    return lines
