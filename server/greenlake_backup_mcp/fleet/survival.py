"""Controls of surviving an attack or a site: 3-2-1-1-0, locks, places, and what is left when the last copies go."""

from __future__ import annotations

from collections import Counter

from .calendar import DAY
from .estate import Asset
from .facts import TIERS, CopySet, last_lock, where
from .promises import AHEAD, ahead
from .recoverability import VERIFIABLE
from .verdicts import GONE_FIRST, Context, Judge, Lines, State, Tally, Verdict

DIGITS = ("3 copies", "2 media", "1 off site", "1 locked", "0 errors")
COLUMNS = ("copies3", "media2", "offSite1", "locked1", "errors0")


def apart(context: Context, asset: Asset, copies: CopySet) -> bool:
    """Whether copies lie in another failure domain than the asset: in a store that is not on one of its own arrays."""
    if copies.place == "off_site":
        return True
    store = context.estate.stores.get(copies.store_id or "")
    return copies.place == "on_premises" and not (store is not None and store.arrays & asset.own_arrays)


def digits(context: Context, asset: Asset) -> tuple[bool | None, ...]:
    """The five digits of an asset, from usable copies; None: cannot be told of its kind.

    3: production and copies in two places; 2: one of them in another failure domain, for a snapshot adds no medium;
    1: off site; 1: locked now; 0: verified, and no verification failed.
    """
    held = asset.usable
    places = {s.store_id or s.array for s in held}
    errors = sum(s.verify_errors for s in asset.sets)
    return (
        len(places) >= 2,
        any(apart(context, asset, s) for s in held),
        any(s.place == "off_site" for s in held),
        last_lock(held) > context.now,
        (any(s.verified for s in asset.sets if s.newest_usable) and not errors) if asset.kind in VERIFIABLE else None,
    )


def rule_of_copies(context: Context) -> tuple[Judge, Lines]:
    """3-2-1-1-0: three copies, two media, one off site, one locked, no errors in verification."""

    def judge(asset: Asset) -> Verdict:
        counted = digits(context, asset)
        failing = [name for name, ok in zip(DIGITS, counted, strict=True) if ok is False]
        facts = dict(zip(COLUMNS, (None if ok is None else "yes" if ok else "no" for ok in counted), strict=True))
        if not failing:
            return Verdict(State.MET, "all five" if None not in counted else "four; verification is not told", facts)
        return Verdict(State.NOT_MET, f"lacks {', '.join(failing)}", facts, len(failing) + (0 if asset.usable else 10))

    def lines(counted: Tally) -> list[str]:
        judged = counted.in_states(State.MET, State.NOT_MET, State.ACCEPTED)
        out = []
        for name, column in zip(DIGITS, COLUMNS, strict=True):
            words = Counter(f.verdict.facts[column] for f in judged)
            untold = f" ({words[None]} cannot be told)" if words[None] else ""
            out.append(f"{name}: {words['yes']} of {words['yes'] + words['no']}{untold}")
        return ["; ".join(out) + "."]

    return judge, lines


def immutable(context: Context) -> tuple[Judge, Lines]:
    """A usable copy that is locked until a moment (now without one), in a place where one is named."""
    wanted = context.values.get("until")
    until, places = context.clock.seconds(wanted, "until") if wanted else context.now, context.places()

    def judge(asset: Asset) -> Verdict:
        held = [s for s in asset.usable if not places or s.place in places]
        lock, ends = last_lock(held), asset.ends(context.now, *places)
        facts = {"plan": asset.policy, "lockedUntil": context.clock.stamp(lock or None),
                 "keptUntil": context.clock.stamp(ends)}  # fmt: skip
        if lock >= until and lock > context.now:
            return Verdict(State.MET, "locked until then", facts)
        if not held:
            return Verdict(State.NOT_MET, "no usable copy there" if places else "no usable copy", facts, GONE_FIRST)
        if lock <= context.now:
            return Verdict(State.NOT_MET, "usable copies, none locked", facts, 2)
        return Verdict(State.NOT_MET, "locked, but not until then", facts, 1)

    return judge, lambda _: ["A lock keeps a broken or encrypted copy just as well: see verified and usable."]


def off_site(context: Context) -> tuple[Judge, Lines]:
    """A usable copy off site; younger than so many hours where asked. A store on premises is not off site."""
    hours = context.values.get("hours")

    def judge(asset: Asset) -> Verdict:
        newest = asset.newest("off_site")
        facts = {"newestOffSite": context.clock.stamp(newest), "age": context.clock.age(newest),
                 "elsewhere": where(s for s in asset.usable if s.place != "off_site")}  # fmt: skip
        if hours is not None and ahead(asset, context.now, "off_site"):
            return Verdict(State.NOT_MET, AHEAD, facts, 1)
        if newest is not None:
            if hours is None or context.now - newest <= float(hours) * 3600:
                return Verdict(State.MET, "off site", facts)
            return Verdict(State.NOT_MET, f"off site, older than {hours:g} h", facts, context.now - newest)
        if not asset.usable:
            return Verdict(State.NOT_MET, "no usable copy at all", facts, GONE_FIRST)
        if any(s.place == "off_site" and s.good for s in asset.all_sets):
            return Verdict(State.NOT_MET, "off site, but out of reach or expired", facts, 1e9)
        if asset.newest("on_premises") is None:
            return Verdict(State.NOT_MET, "on the array only", facts, 1e11)
        if not any(apart(context, asset, s) for s in asset.usable):
            return Verdict(State.NOT_MET, "on premises, in a store that lies on its own array", facts, 1e10)
        return Verdict(State.NOT_MET, "on premises only", facts, float(asset.size or 0) / 2**40)

    return judge, lambda _: ["Where sites lie is not told by the service: only cloud stores count as off site."]


def expiring(context: Context) -> tuple[Judge, Lines]:
    """Its last usable copy (in a place where one is named) is there for so many days more."""
    until, places = context.now + int(context.number("days", 7) * DAY), context.places()

    def judge(asset: Asset) -> Verdict:
        ends = asset.ends(context.now, *places)
        if ends is None:
            return Verdict(State.NOT_JUDGED, "no usable copy (see usable)")
        runs = [(s.next_run, s.last_status == "ERROR") for c in asset.covers if not c.job.suspended
                for s in c.job.schedules if (s.next_run or 0) > context.now and s.operational != "SUSPENDED"
                and s.tier != "DATABASE_LOG_BACKUP" and (not places or TIERS.get(s.tier or "") in places)]  # fmt: skip
        due = min((run for run, _ in runs if run is not None), default=None)
        good = any(not failed for run, failed in runs if run is not None and run < ends)
        facts = {"lastUsableGoes": context.clock.stamp(ends), "in": context.clock.age(ends) if ends < 1e12 else None,
                 "nextRun": context.clock.stamp(due)}  # fmt: skip
        if ends > until:
            return Verdict(State.MET, "there for longer", facts)
        renewed = due is not None and due < ends
        cause = "a run is due before it goes" if renewed else "no run is due before it goes"
        if renewed and not good:
            cause = "a run is due before it goes, and the last ones failed"
        return Verdict(State.NOT_MET, cause, facts, (0 if good else GONE_FIRST) + until - ends)

    return judge, lambda _: []


def horizon(context: Context) -> tuple[Judge, Lines]:
    """Nothing falls to none usable, none off site, none locked within so many days, if no run came any more."""
    until = context.now + int(context.number("days", 30) * DAY)
    falls: dict[str, Counter[str]] = {}

    def judge(asset: Asset) -> Verdict:
        lock = last_lock(asset.usable)
        ends = {"usable": asset.ends(context.now), "off site": asset.ends(context.now, "off_site"),
                "locked": float(lock) if lock > context.now else None}  # fmt: skip
        if ends["usable"] is None:
            return Verdict(State.NOT_JUDGED, "no usable copy (see usable)")
        gone = {name: end for name, end in ends.items() if end is not None and end <= until}
        for name, end in gone.items():
            falls.setdefault(f"{context.clock.local(end):%Y-%m-%d}", Counter())[name] += 1
        facts = {f"zero{name.title().replace(' ', '')}": context.clock.stamp(end) for name, end in ends.items()}
        if not gone:
            return Verdict(State.MET, "all there for longer", facts)
        return Verdict(State.NOT_MET, f"falls to 0 {', '.join(gone)}", facts, (until - min(gone.values())) +
                       (GONE_FIRST if "usable" in gone else 0))  # fmt: skip

    def lines(_: Tally) -> list[str]:
        days = [f"{day} {', '.join(f'{n} to 0 {name}' for name, n in falls[day].items())}" for day in sorted(falls)]
        return (
            ["If no run came any more: " + "; ".join(days[:14]) + ("; …" if len(days) > 14 else "") + "."]
            if days
            else []
        )

    return judge, lines
