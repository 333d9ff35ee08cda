"""Controls of protection itself: who is in a plan and has copies (cover), and whose copies are young enough (fresh)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from . import calendar
from .calendar import DAY, Freshness, Grade
from .facts import TIERS, WORKLOADS, Asset, CopySet, Cover, Job, Schedule
from .verdicts import Context, Judge, State, Tally, Verdict

Lines = Callable[[Tally], list[str]]
GONE_FIRST = 1e12  # rank of an asset that comes back from nowhere: above any age


def cover(context: Context) -> tuple[Judge, Lines]:
    """In a plan that runs, with a usable copy outside the array, of the whole machine."""
    now = context.now

    def judge(asset: Asset) -> Verdict:
        facts = {
            "plan": ", ".join(dict.fromkeys(_plan(c.job) for c in asset.covers)) or None,
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
            if due := _first_due(asset, now):
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


def _plan(job: Job) -> str:
    return f"{job.policy or job.policy_id or 'unnamed'}" + (" (suspended)" if job.suspended else "")


def _first_due(asset: Asset, now: int) -> int | None:
    """When the first copy of an asset without any is due; None where one was due already, or never is."""
    entries = [p.freshness for p in promises(asset, now)]
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
        lines.append(f"{off} of those not met are powered off.")
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
        lines.append(f"No longer listed, in no count: {len(gone)}, of which {left} still have usable copies.")
    return lines


# --- fresh ---------------------------------------------------------------------------------------------------------


def points(asset: Asset, schedule: Schedule, siblings: Iterable[Schedule]) -> list[CopySet]:
    """The sums of recovery points that answer a schedule: of its tier, made by it or by hand, not by a sibling."""
    others = {s.name for s in siblings if s.tier == schedule.tier and s.name != schedule.name}
    return [s for s in asset.all_sets if s.tier == schedule.tier and s.schedule not in others]


@dataclass(frozen=True)
class Promise:
    """A schedule that is to make recovery points of an asset, and how it is kept. `last_due`: its last due moment."""

    cover: Cover
    schedule: Schedule
    freshness: Freshness
    last_due: int | None


def promises(asset: Asset, now: int) -> list[Promise]:
    """What its schedules promise. Suspended jobs and schedules promise nothing, log backups make no point."""
    out = []
    for one in (c for c in asset.covers if not c.job.suspended):
        rules = calendar.rules(one.job.schedules, one.job.effective_from)
        since = max(asset.created or 0, one.job.effective_from or 0) or None
        for schedule in one.job.schedules:
            rule = rules.get(schedule.schedule_id)
            if rule is None or schedule.tier == "DATABASE_LOG_BACKUP" or schedule.operational == "SUSPENDED":
                continue
            entries = [
                s.newest_usable for s in points(asset, schedule, one.job.schedules) if s.newest_usable is not None
            ]
            newest = max((p for p in entries if p <= now), default=None)
            grace = min(calendar.GRACE.get(schedule.tier or "", 3600), rule.interval // 2)
            freshness = calendar.freshness(rule, newest, now, since=since, grace=grace)
            out.append(Promise(one, schedule, freshness, calendar.last_due(rule, now - grace)))
    return out


def miss(asset: Asset, promise: Promise) -> str:
    """Why a promise is missed: it did not run, it failed, it left the asset out, or its copy cannot be used."""
    schedule, due = promise.schedule, promise.freshness.due
    held = points(asset, schedule, promise.cover.job.schedules)
    good = max((s.newest_good for s in held if s.newest_good is not None), default=None)
    lost = next((s.unreachable_why for s in held if s.newest_good == good and s.newest_usable is None), None)
    if lost and due is not None and good is not None and good >= due - calendar.CLOCK_SLACK:
        return f"copies made, out of reach: {lost}"
    if promise.last_due is not None and (schedule.prev_run is None or schedule.prev_run < promise.last_due):
        return "did not run"
    if schedule.last_status in ("ERROR", "SKIPPED"):
        return "its runs fail" if schedule.last_status == "ERROR" else "its runs are skipped"
    return "its runs leave it out" if promise.cover.way != "own" else "its runs end without a copy"


def fresh(context: Context) -> tuple[Judge, Lines]:
    """Young enough: by the calendar of its schedules, or younger than so many hours."""
    if context.values.get("hours") is not None:
        return _younger(context), lambda _: []
    now, clock = context.now, context.clock
    places = context.places()
    wanted = [tier for tier, place in TIERS.items() if place in places]

    def judge(asset: Asset) -> Verdict:
        if not asset.covers:
            return Verdict(State.NOT_JUDGED, "in no plan: nothing is promised (see cover)")
        if all(c.job.suspended for c in asset.covers):
            return Verdict(State.NOT_MET, "its plan is suspended", {"plan": _plan(asset.covers[0].job)}, GONE_FIRST)
        if future := ahead(asset, now, *places):
            return Verdict(State.NOT_MET, AHEAD, {"newest": clock.stamp(future)}, 1)
        entries = [p for p in promises(asset, now) if not wanted or p.schedule.tier in wanted]
        late = [p for p in entries if p.freshness.late]
        paused = [s.tier for c in asset.covers for s in c.job.schedules if s.operational == "SUSPENDED"]
        if late:
            worst = max(late, key=lambda p: p.freshness.ratio or 0)
            some = worst.freshness.age is not None
            good = max((s.newest_good for s in asset.all_sets if s.newest_good is not None), default=None)
            facts = {
                "plan": worst.cover.job.policy,
                "lateTiers": ", ".join(dict.fromkeys(p.schedule.tier or "" for p in late)),
                "newestUsable": clock.stamp(now - (worst.freshness.age or 0)) if some else "none",
                "newestMade": None if some else clock.stamp(good),
                "wasDue": clock.stamp(worst.freshness.due if some else worst.last_due),
                "lateBy": _span(worst.freshness.late_by) if some else None,
                "ageByPromise": f"{worst.freshness.ratio:.1f}" if some and worst.freshness.ratio is not None else None,
                "class": worst.freshness.grade.value,
            }
            rank = (0 if asset.usable else GONE_FIRST) + (worst.freshness.ratio or 0)
            return Verdict(State.NOT_MET, miss(asset, worst), facts, rank)
        if paused and (not wanted or set(paused) & set(wanted)):
            return Verdict(State.NOT_MET, "a tier is suspended", {"plan": asset.covers[0].job.policy,
                           "lateTiers": ", ".join(dict.fromkeys(t or "" for t in paused))}, 1)  # fmt: skip
        if not entries:
            return Verdict(State.NOT_JUDGED, "its plan has no such tier" if wanted else "its plan has no schedule")
        if all(p.freshness.grade is Grade.PENDING for p in entries):
            return Verdict(State.PENDING, "its first copy is still to come",
                           {"firstDue": clock.stamp(min(p.freshness.due or 0 for p in entries))})  # fmt: skip
        return Verdict(State.MET, "as its schedules promise")

    logs = any(s.tier == "DATABASE_LOG_BACKUP" for j in context.estate.jobs.values() for s in j.schedules)
    note = "Log backups are not judged here: they make no recovery point (describe_asset has them)."
    return judge, lambda _: [note] if logs else []


AHEAD = "a point in time lies in the future: a clock is wrong"


def ahead(asset: Asset, now: int, *places: str) -> int | None:
    """The newest point in time, where it lies in the future: nothing can be said of its age."""
    newest = asset.newest(*places)
    return newest if newest is not None and newest > now + calendar.CLOCK_SLACK else None


def _younger(context: Context) -> Judge:
    hours, places = context.number("hours", 24), context.places()

    def judge(asset: Asset) -> Verdict:
        newest = asset.newest(*places)
        facts = {"plan": asset.job.policy if asset.job else None, "newestUsable": context.clock.stamp(newest),
                 "age": context.clock.age(newest)}  # fmt: skip
        if newest is None:
            some = any(s.copies for s in asset.all_sets if not places or s.place in places)
            if not some and _first_due(asset, context.now):
                return Verdict(State.PENDING, "no copy yet: its first is still to come", facts)
            return Verdict(State.NOT_MET, "copies, none usable" if some else "no copy", facts, GONE_FIRST)
        if ahead(asset, context.now, *places):
            return Verdict(State.NOT_MET, AHEAD, facts, 1)
        age = context.now - newest
        if age <= hours * 3600:
            return Verdict(State.MET, f"younger than {hours:g} h", facts)
        return Verdict(State.NOT_MET, f"older than {hours:g} h", facts, age)

    return judge


def _span(seconds: int) -> str:
    return f"{seconds / 3600:.1f} h" if seconds < 2 * DAY else f"{seconds / DAY:.1f} d"
