"""The control `fresh`: young enough by the calendar of its schedules, over a period, or younger than so many hours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.text import units

from . import achieved
from .achieved import Achieved
from .calendar import DAY
from .estate import Asset
from .facts import PATH_LISTS, PLAN_LISTS, TIERS
from .promises import AHEAD, Grade, Promise, ahead, miss, promises
from .protection import first_due, plan
from .verdicts import GONE_FIRST, Context, Judge, Lines, State, Tally, Verdict


def fresh(context: Context) -> tuple[Judge, Lines]:
    """Young enough: by the calendar of its schedules, over a period, or younger than so many hours."""
    if context.values.get("hours") is not None:
        if context.values.get("since") is not None:
            raise InputError("hours and since are two rules of fresh: name one.")
        return younger(context), lambda _: []
    over = _Period(context)
    by_calendar = _now(context, over)
    return (over.judge if context.values.get("since") else by_calendar), over.lines


def _now(context: Context, over: _Period) -> Judge:
    now, clock, places = context.now, context.clock, context.places()

    def judge(asset: Asset) -> Verdict:
        if not asset.covers:
            return Verdict(State.NOT_JUDGED, "in no plan: nothing is promised (see cover)")
        entries = [promise for promise, _ in over.promises(asset)]
        if all(c.job.suspended for c in asset.covers):
            return Verdict(State.NOT_MET, "its plan is suspended", {"plan": plan(asset.covers[0].job)}, GONE_FIRST)
        if future := ahead(asset, now, *places):
            return Verdict(State.NOT_MET, AHEAD, {"newest": clock.stamp(future)}, 1)
        late = [p for p in entries if p.late]
        paused = [s.tier for c in asset.covers for s in c.job.schedules if s.operational == "SUSPENDED"]
        if late:
            worst = max(late, key=lambda p: p.freshness.ratio or 0)
            rank = (0 if asset.usable else GONE_FIRST) + (worst.freshness.ratio or 0)
            return Verdict(State.NOT_MET, miss(worst), {**_late_facts(context, worst), "lateTiers": _tiers(late)}, rank)
        if any(p.outdated for p in entries):
            return Verdict(State.UNREAD, asset.unread or OUTDATED)
        if paused and (not places or any(TIERS.get(tier or "") in places for tier in paused)):
            return Verdict(State.NOT_MET, "a tier is suspended", {"plan": asset.covers[0].job.policy,
                           "lateTiers": ", ".join(dict.fromkeys(t or "" for t in paused))}, 1)  # fmt: skip
        if not entries:
            return Verdict(State.NOT_JUDGED, "its plan has no such tier" if places else "its plan has no schedule")
        if all(p.freshness.grade is Grade.PENDING for p in entries):
            return Verdict(State.PENDING, "its first copy is still to come",
                           {"firstDue": clock.stamp(min(p.freshness.due or 0 for p in entries))})  # fmt: skip
        return Verdict(State.MET, "as its schedules promise")

    return judge


def _tiers(entries: list[Promise]) -> str:
    return ", ".join(dict.fromkeys(p.schedule.tier or "" for p in entries))


def _late_facts(context: Context, worst: Promise) -> Mapping[str, Any]:
    state, stamp = worst.freshness, context.clock.stamp
    some = state.age is not None
    good = max((s.newest_good for s in worst.asset.all_sets if s.newest_good is not None), default=None)
    return {
        "plan": worst.cover.job.policy,
        "newestUsable": stamp(context.now - (state.age or 0)) if some else "none",
        "newestMade": None if some else stamp(good),
        "wasDue": stamp(state.due if some else worst.last_due),
        "lateBy": span(state.late_by) if some else None,
        "ageByPromise": f"{state.ratio:.1f}" if some and state.ratio is not None else None,
        "class": state.grade.value,
    }


MOST_UNASKED = 200_000  # recovery points that are looked through for a period that nobody asked for
OUTDATED = "its copies were read before its last run"


class _Period:
    """The achieved RPO of the assets that are judged, collected by tier while they are."""

    def __init__(self, context: Context) -> None:
        self._context, self._places = context, context.places()
        since = context.clock.past(str(context.values.get("since") or achieved.DEFAULT), "since")
        if since < context.now - achieved.FURTHEST:
            raise InputError("since: the RPO of a period is worked out for at most a year.")
        copies = sum(s.copies for a in context.assets or context.estate.workloads for s in a.sets)
        self._looked = context.values.get("since") is not None or copies <= MOST_UNASKED
        self._period = achieved.Period(since)
        if self._looked:
            self._period = achieved.period(context.connection, context.estate, since, context.assets)
        self._tiers: dict[str, list[tuple[Asset, Achieved]]] = {}
        self._unread: set[str] = set()

    def promises(self, asset: Asset) -> list[tuple[Promise, Achieved | None]]:
        """What it is promised in the places that are asked for, and what was achieved of that: kept for the lines."""
        entries = [p for p in promises(asset, self._context.estate)
                   if not self._places or TIERS.get(p.schedule.tier or "") in self._places]  # fmt: skip
        if asset.unread is not None or not self._looked:
            self._unread |= {asset.id} if entries else set()
            return [(one, None) for one in entries]
        results = [(one, achieved.over(one, self._context.estate, self._period)) for one in entries]
        for one, result in results:
            self._tiers.setdefault(one.schedule.tier or "", []).append((asset, result))
        return list(results)

    def judge(self, asset: Asset) -> Verdict:
        """Whether each due moment of the period has its copy."""
        if not asset.covers:
            return Verdict(State.NOT_JUDGED, "in no plan: nothing is promised (see cover)")
        results = [(promise, result) for promise, result in self.promises(asset) if result is not None]
        if asset.unread is not None:
            return Verdict(State.UNREAD, asset.unread)
        if not results:
            return Verdict(State.NOT_JUDGED, "nothing is promised there now")
        if not any(result.due for _, result in results):
            return Verdict(State.PENDING, "nothing was due in that time")
        stamp = self._context.clock.stamp
        promise, worst = max(results, key=lambda pair: (pair[1].due - pair[1].met, pair[1].worst or 0))
        facts = {"plan": promise.cover.job.policy,
                 "metOfDue": ", ".join(f"{p.schedule.tier} {r.met:,} of {r.due:,}" for p, r in results if r.due),
                 "atLeast": "yes" if any(r.uncertain for _, r in results) else None,
                 **({"worstGap": "no usable copy"} if worst.worst is None else
                    {"worstGap": span(worst.worst), "gapFrom": stamp(worst.worst_from), "gapTo": stamp(worst.worst_to)}
                    )}  # fmt: skip
        missed = sum(result.due - result.met for _, result in results)
        if not missed:
            return Verdict(State.MET, "every due copy is there", facts)
        sure = any(r.met < r.due and not r.uncertain for _, r in results)
        cause = "due copies are not there" if sure else "due copies are not there: missed, or deleted since"
        return Verdict(State.NOT_MET, cause, facts, (0 if asset.usable else GONE_FIRST) + missed)

    def lines(self, _: Tally) -> list[str]:
        """Met of due and the worst gap of each tier."""
        if not self._looked:
            return ["RPO achieved over a period: ask with since, now-30d."]
        if blocked := self._context.estate.blocked_by((*PLAN_LISTS, *PATH_LISTS)):
            return [f"The RPO of a period is not known: {blocked}."]
        stamp, out = self._context.clock.stamp, []
        for tier, results in self._tiers.items():
            uncertain = any(one.uncertain for _, one in results)
            total = Achieved(sum(r.due for _, r in results), sum(r.met for _, r in results), None, uncertain=uncertain)
            gaps = [(one.worst, asset, one) for asset, one in results if one.worst is not None]
            bare = sum(one.worst is None and one.due > 0 for _, one in results)
            if not total.due:
                continue
            text = f"{tier} {total.text} due on {units.plural(len({asset.id for asset, _ in results}), 'asset')}"
            if gaps:
                worst, asset, one = max(gaps, key=lambda gap: gap[0])
                text += (f" (worst gap {span(worst)}: {asset.name}, {stamp(one.worst_from)} to "
                         f"{stamp(one.worst_to)})")  # fmt: skip
            text += f", none usable on {bare:,}" if bare else ""
            out.append(text)
        begin = f"RPO achieved since {stamp(self._period.since)}, no further back than copies are kept: "
        lines = [begin + "; ".join(out) + "."] if out else []
        if any(one.uncertain for results in self._tiers.values() for _, one in results):
            lines.append("At least: of copies that are not there it is not known whether they were deleted since.")
        if self._unread:
            lines.append(f"RPO of that time not known: {len(self._unread):,} assets, their copies were not read.")
        estate = self._context.estate
        if any(s.tier == "DATABASE_LOG_BACKUP" for j in estate.jobs.values() for s in j.schedules):
            lines.append("Log backups are not judged here: they make no recovery point (describe_asset has them).")
        return lines


def younger(context: Context) -> Judge:
    """A usable copy, in the places asked for, that is younger than `hours`."""
    hours, places = context.number("hours", 24), context.places()

    def judge(asset: Asset) -> Verdict:
        newest = asset.newest(*places)
        facts = {"plan": asset.policy, "newestUsable": context.clock.stamp(newest),
                 "age": context.clock.age(newest)}  # fmt: skip
        if newest is None:
            some = any(s.copies for s in asset.all_sets if not places or s.place in places)
            if not some and first_due(asset, context.estate):
                return Verdict(State.PENDING, "no copy yet: its first is still to come", facts)
            return Verdict(State.NOT_MET, "copies, none usable" if some else "no copy", facts, GONE_FIRST)
        if ahead(asset, context.now, *places):
            return Verdict(State.NOT_MET, AHEAD, facts, 1)
        age = context.now - newest
        if age <= hours * 3600:
            return Verdict(State.MET, f"younger than {hours:g} h", facts)
        return Verdict(State.NOT_MET, f"older than {hours:g} h", facts, age)

    return judge


def span(seconds: int) -> str:
    """A time by which something is late: `51.0 h`, `2.3 d`."""
    return f"{seconds / 3600:.1f} h" if seconds < 2 * DAY else f"{seconds / DAY:.1f} d"
