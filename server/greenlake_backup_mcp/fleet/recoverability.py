"""Controls of coming back: usable now, verified, restored once, consistent as promised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from greenlake_backup_mcp.catalog import views
from greenlake_backup_mcp.text import units

from .calendar import DAY
from .estate import Asset
from .facts import where
from .verdicts import GONE_FIRST, Context, Judge, Lines, State, Tally, Verdict

VERIFIABLE = ("vm", "vm_group", "datastore")  # the service verifies no copies of databases and volume groups


def unusable(asset: Asset) -> str:
    """Why none of the copies of an asset can be used."""
    if not (held := [s for s in asset.all_sets if s.copies]):
        return "no copy"
    good = [s for s in held if s.good]
    if not good:
        return "all copies failed or are not finished"
    why = next((s.unreachable_why for s in good if s.reachable == 0), None)
    return f"good copies, out of reach: {why}" if why else "all copies expired"


def usable(context: Context) -> tuple[Judge, Lines]:
    """A copy that can be used now: state good, not expired, store and the way to it up."""
    places, clock = context.places(), context.clock

    def judge(asset: Asset) -> Verdict:
        held = [s for s in asset.all_sets if not places or s.place in places]
        ready = [s for s in held if s.newest_usable is not None]
        newest = max((s.newest for s in held if s.newest is not None), default=None)
        facts = {"newestOfAnyState": clock.stamp(newest), "stores": where(held)}
        if ready:
            best = max(s.newest_usable or 0 for s in ready)
            lost = [s for s in held if s.reachable == 0 and s.good]
            more = "some out of reach" if lost else ""
            return Verdict(State.MET, more or "usable", {**facts, "newestUsable": clock.stamp(best)})
        if any(s.good and s.reachable is None for s in held):
            return Verdict(State.UNREAD, "whether its store can be reached was not read", facts)
        cause = unusable(asset) if not places else "none usable there" if held else "no copy there"
        return Verdict(State.NOT_MET, cause, facts, float(asset.size or 0))

    def lines(counted: Tally) -> list[str]:
        part = dict(counted.causes(State.MET)).get("some out of reach", 0)
        return (
            [f"{part} of those that meet it have other good copies in stores that cannot be reached."] if part else []
        )

    return judge, lines


def verified(context: Context) -> tuple[Judge, Lines]:
    """A backup verified within so many days. Verified is a block comparison: it proves no boot."""
    since = context.now - int(context.number("days", 30) * DAY)
    in_time = "v.word = 'VERIFIED' AND c.verified > :since"
    rows = context.connection.execute(
        f"SELECT c.asset, count(*), sum({in_time}), sum({in_time} AND {views.USABLE}), max(CASE v.word WHEN 'VERIFIED' "
        "THEN c.verified END) FROM main.copies c LEFT JOIN main.words v ON v.no = c.verification "
        "LEFT JOIN temp.reach r ON r.no = c.store WHERE c.list = 1 GROUP BY c.asset",
        {"since": since, "now": context.now},
    )  # fmt: skip
    counts = {asset: (copies, recent or 0, usable or 0, last) for asset, copies, recent, usable, last in rows}

    def judge(asset: Asset) -> Verdict:
        if asset.kind not in VERIFIABLE:
            return Verdict(State.NOT_JUDGED, "the service verifies no copies of its kind")
        backups, recent, usable, last = counts.get(asset.no, (0, 0, 0, None))
        errors = sum(s.verify_errors for s in asset.sets)
        facts = {"backups": backups, "verifiedInTime": recent, "lastVerified": context.clock.stamp(last),
                 "errors": errors or None}  # fmt: skip
        if not backups:
            return Verdict(State.NOT_JUDGED, "no backup of its own to verify (see cover)", facts)
        if errors:
            return Verdict(State.NOT_MET, "a verification failed", facts, GONE_FIRST + errors)
        if usable:
            return Verdict(State.MET, "verifiedInTime", facts)
        if recent:
            return Verdict(State.NOT_MET, "verified in time, but cannot be used (see usable)", facts, backups)
        return Verdict(State.NOT_MET, "verified, longer ago" if last else "never verified", facts, backups)

    def lines(counted: Tally) -> list[str]:
        own = [counts[f.asset.no] for f in counted.findings if f.asset.kind in VERIFIABLE and f.asset.no in counts]
        total, recent = sum(c[0] for c in own), sum(c[1] for c in own)
        if not total:
            return ["Copies: none of these assets has a backup that the service can verify."]
        return [
            f"Copies: {recent:,} of {total:,} backups of these assets that can be verified were verified in that time."
        ]

    return judge, lines


class Restore(NamedTuple):
    """A restore that was seen: whether it and all its parts succeeded, when it ended, how long it took."""

    whole: bool
    ended: int
    seconds: int | None


def restores(context: Context) -> Mapping[str, Restore]:
    """The last restore of each asset (by id) among the tasks; one that was whole before one that was not."""
    seen: dict[str, Restore] = {}
    rows = context.connection.execute(
        "SELECT source_uri, resource_uris, main.tasks.started, main.tasks.ended, state, (SELECT count(*) FROM "
        "main.tasks x WHERE x.parent_id = main.tasks.id AND x.state <> 'SUCCEEDED') FROM main.tasks WHERE id IN "
        "(SELECT id FROM restores)"
    )
    for source, uris, started, ended, state, failed in rows:
        took = ended - started if started and ended else None
        restore = Restore(state == "SUCCEEDED" and not failed, ended or 0, took)
        for uri in (source or "", *(uris or "").split(", ")):
            parts = uri.split("/")
            for ident in {parts[-1], parts[4] if len(parts) > 5 else ""} & context.estate.assets.keys():
                seen[ident] = max(restore, seen.get(ident, restore), key=lambda one: one[:2])
    return seen


def dual_authorization(context: Context) -> list[tuple[str, str]]:
    """The settings that make deletions wait for a second person, and their values now; none where none is told."""
    return context.connection.execute(
        "SELECT name, coalesce(current_value, 'not told') FROM main.settings WHERE gone IS NULL AND name LIKE "
        "'%dual%auth%'"
    ).fetchall()


def tested(context: Context) -> tuple[Judge, Lines]:
    """A restore of it was seen to succeed, all its parts with it, within so many days."""
    since, seen = context.now - int(context.number("days", 365) * DAY), restores(context)
    (oldest,) = context.connection.execute("SELECT min(created) FROM main.tasks").fetchone()

    def judge(asset: Asset) -> Verdict:
        one = seen.get(asset.id)
        when, whole = (one.ended, one.whole) if one else (0, False)
        facts = {"restored": context.clock.stamp(when or None), "plan": asset.policy,
                 "size": units.size(asset.size) if asset.size else None}  # fmt: skip
        if whole and when >= since:
            return Verdict(State.MET, "a restore succeeded", facts)
        if not asset.usable:
            return Verdict(State.NOT_JUDGED, "no usable copy to restore from (see usable)")
        cause = "restored, longer ago" if whole else "a restore failed or was not whole" if when else "no restore seen"
        return Verdict(State.NOT_MET, cause, facts, float(asset.size or 0))

    def lines(counted: Tally) -> list[str]:
        sample: dict[tuple[str, str], str] = {}
        for f in counted.in_states(State.NOT_MET):
            sample.setdefault((f.asset.kind, f.asset.policy or "no plan"), f.asset.name)
        start = f"Restores are seen among the service's tasks, known since {context.clock.stamp(oldest) or 'never'}; "
        next_ = ", ".join(f"{name} ({kind}, {policy})" for (kind, policy), name in list(sample.items())[:6])
        notes = [start + "earlier ones are not known, and a task that succeeded proves no boot."]
        return [*notes, f"Next to test, the biggest of each kind and plan: {next_}."] if next_ else notes

    return judge, lines


def consistent(context: Context) -> tuple[Judge, Lines]:
    """The newest usable copy is as consistent as its schedule asks; for databases crash-consistent is not enough."""
    hosts = {
        machine.id for a in context.estate.workloads if a.kind == "mssql_database" and not a.usable
        for machine in context.estate.machines_of(a)
    }  # fmt: skip

    def judge(asset: Asset) -> Verdict:
        held = [s for s in asset.usable if s.consistency is not None]
        if not held:
            why = "no usable copy (see usable)" if not asset.usable else "the service tells no consistency of its kind"
            return Verdict(State.NOT_JUDGED, why)
        newest = max(held, key=lambda s: s.newest_usable or 0)
        asked = {s.consistency for c in asset.covers for s in c.job.schedules if s.tier == newest.tier} - {None}
        facts = {"newest": context.clock.stamp(newest.newest_usable), "kind": newest.tier, "is": newest.consistency,
                 "asked": ", ".join(sorted(one or "" for one in asked)) or None}  # fmt: skip
        if newest.consistency == "CRASH_CONSISTENT_ON_FAILURE":
            return Verdict(State.NOT_MET, "application-consistent was asked for and failed", facts, 2)
        if newest.consistency == "CRASH" and "APPLICATION" in asked:
            return Verdict(State.NOT_MET, "only crash-consistent, application was asked for", facts, 2)
        if newest.consistency == "CRASH" and asset.id in hosts:
            return Verdict(State.NOT_MET, "only crash-consistent, with databases that have no usable copy", facts, 3)
        return Verdict(State.MET, f"{(newest.consistency or '').lower()}-consistent, as asked" if asked else
                       f"{(newest.consistency or '').lower()}-consistent; nothing more was asked", facts)  # fmt: skip

    return judge, lambda _: []
