"""TABLE of controls: the rule of each in words, what it needs, who judges it. And those that nobody can judge here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from . import contradictions, fresh, protection, recoverability, survival
from .calendar import DAY
from .estate import Asset
from .facts import PATH_LISTS, PLAN_LISTS
from .verdicts import Context, Control, Judge, Lines, State, Verdict

WEAKENED = (
    "copy vanished", "expiry brought forward", "lock lifted", "left group", "job removed", "job suspended",
    "job of another policy", "policy weakened",
)  # fmt: skip


def vanished(context: Context) -> tuple[Judge, Lines]:
    """No copy of it went too early, and none of its safeguards was weakened, in so many days."""
    since = context.now - int(context.number("days", 30) * DAY)
    memory = context.estate.memory_since
    by_asset: dict[str, list[tuple[str, str, int]]] = {}
    by_policy: dict[str, list[tuple[str, str, int]]] = {}
    for kind, cause, seen, subject_kind, subject_id, asset in context.connection.execute(
        f"SELECT kind, coalesce(cause, 'unexplained'), seen, subject_kind, subject_id, asset_id FROM main.changes "
        f"WHERE seen >= ? AND kind IN ({', '.join('?' * len(WEAKENED))}) ORDER BY seen DESC", (since, *WEAKENED),
    ):  # fmt: skip
        held = by_policy if subject_kind == "policy" else by_asset
        held.setdefault(subject_id if subject_kind == "policy" else asset or "", []).append((kind, cause, seen))

    def judge(asset: Asset) -> Verdict:
        if memory is None or memory > context.now - 3600:
            return Verdict(State.UNREAD, "this catalog remembers since less than an hour")
        events = [*by_asset.get(asset.id, ()), *(e for o in asset.owners for e in by_asset.get(o.id, ())),
                  *(e for c in asset.covers for e in by_policy.get(c.job.policy_id or "", ()))]  # fmt: skip
        if not events:
            return Verdict(State.MET, "nothing seen")
        kind, cause, seen = min(events, key=lambda e: (e[1] != "unexplained", WEAKENED.index(e[0])))
        facts = {"by": cause, "seen": context.clock.stamp(seen), "changes": len(events)}
        return Verdict(State.NOT_MET, kind, facts, len(WEAKENED) - WEAKENED.index(kind) + 10 * (cause == "unexplained"))

    return judge, lambda _: [
        f"Remembered since {context.clock.stamp(memory) or 'not yet'}; before that nothing is known."
    ]


def contradicted(context: Context) -> tuple[Judge, Lines]:
    """No two witnesses of it contradict each other: job and copies, status and age, store and copies."""
    comparison = contradictions.find(context.connection, context.estate)
    by_asset: dict[str, list[contradictions.Contradiction]] = {}
    for one in comparison.contradictions:
        for ident in one.assets:
            by_asset.setdefault(ident, []).append(one)

    def judge(asset: Asset) -> Verdict:
        if asset.unread is not None:
            return Verdict(State.UNREAD, asset.unread)
        if not (held := by_asset.get(asset.id)):
            return Verdict(State.MET, "its witnesses agree")
        first, stamp = held[0], context.clock.stamp
        facts = {"of": first.subject, "oneSays": first.one, "at": stamp(first.one_at), "theOther": first.other,
                 "then": stamp(first.other_at), "more": len(held) - 1 or None}  # fmt: skip
        return Verdict(State.NOT_MET, first.kind.value, facts, float(len(held)))

    return judge, lambda _: [
        f"{len(comparison.contradictions)} contradictions in all, also between things that are no assets."
    ]


def untold(name: str, rule: str, why: str) -> Control:
    """A control of which the service tells nothing: it judges nobody, and says why."""
    return Control(name, rule, lambda _: (_not_told, lambda _: [why] if why else []), by_copies=False)


def _not_told(_: Asset) -> Verdict:
    return Verdict(State.NOT_JUDGED, "the service does not tell")


def deletion_rights(context: Context) -> tuple[Judge, Lines]:
    """The service tells no roles: what it tells of deletions is said, and nobody is judged."""
    if why := context.estate.blocked_by(("settings",)):
        fact = f"Whether deletions wait for a second person is not known: {why}."
    else:
        each = "; ".join(f"{name}: {value}" for name, value in recoverability.dual_authorization(context))
        fact = f"Deletions wait for a second person where dual authorization is on ({each or 'no setting of it'})."
    asked = "Who asked for deletions and who approved them: list_approvals."
    return _not_told, lambda _: ["The service does not tell who may delete.", fact, asked]


_QUERIES = {  # what a control rests on, as one query to the catalog
    "cover": "SELECT name, kind, newest_usable_on_premises, newest_usable_off_site FROM assets WHERE id NOT IN (SELECT "
    "asset_id FROM asset_jobs) OR newest_usable IS NULL",
    "fresh": "SELECT asset, policy, tier, last_status, prev_good, next_run, last_error FROM schedules",
    "usable": "SELECT asset, kind, store, state, why_not FROM recovery_points WHERE usable = 0",
    "verified": "SELECT asset, verification, verified_at FROM recovery_points WHERE list = 'backups'",
    "tested": "SELECT * FROM restores",
    "consistent": "SELECT asset, consistency, count(*) FROM recovery_points GROUP BY 1, 2",
    "3-2-1-1-0": "SELECT asset, place, store, newest_usable, locked_until, verified FROM recovery_point_sets",
    "immutable": "SELECT asset, place, store, locked_until FROM recovery_points WHERE usable AND locked",
    "off_site": "SELECT name, newest_usable_off_site, newest_usable_on_premises, arrays FROM assets",
    "expiring": "SELECT name, last_usable_expiry FROM assets WHERE last_usable_expiry_in_days < 7",
    "horizon": "SELECT name, last_usable_expiry, usable_locked_until FROM assets ORDER BY 2",
    "vanished": "SELECT seen, kind, asset, subject, was, is_now, cause FROM changes",
}
_CONTROLS = (
    Control(
        "cover", "in a plan that runs, with a usable copy outside the array, of the whole machine", protection.cover,
        (*PLAN_LISTS, *PATH_LISTS),
    ),
    Control(
        "fresh", "the newest usable point in time is as young as the calendar of each schedule promises", fresh.fresh,
        (*PLAN_LISTS, *PATH_LISTS), rules={"hours": "the newest usable point in time is younger than {hours} h",
                                        "since": "every copy that was due since {since} is there, by the schedules of "
                                        "today and no further back than copies are kept"},
        uses=("place", "hours", "since"),
    ),
    Control("usable", "a copy in a good state, not expired, store and way to it up", recoverability.usable, PATH_LISTS,
            uses=("place",)),
    Control(
        "verified", "a backup verified within {days} days can be used, and no verification failed",
        recoverability.verified, PATH_LISTS, {"days": 30}, uses=("days",),
    ),
    Control(
        "tested", "a restore of it succeeded, with all its parts, within {days} days", recoverability.tested,
        ("tasks",), {"days": 365}, by_copies=False, uses=("days",),
    ),
    Control("consistent", "the newest usable copy is as consistent as asked", recoverability.consistent, ("jobs",)),
    Control(
        "3-2-1-1-0", "3 copies with production, 2 media (an array snapshot adds none), 1 off site, 1 locked, 0 "
        "errors in verification, by usable copies", survival.rule_of_copies, PATH_LISTS,
    ),
    Control("immutable", "a usable copy is locked until {until}", survival.immutable, PATH_LISTS, {"until": "now"},
            uses=("place", "until")),
    Control("off_site", "a usable copy off site: in a cloud store", survival.off_site, PATH_LISTS,
            rules={"hours": "a usable copy off site, in a cloud store, younger than {hours} h"}, uses=("hours",)),
    Control("expiring", "the last usable copy stays longer than {days} days", survival.expiring, PATH_LISTS,
            {"days": 7}, uses=("place", "days")),
    Control(
        "horizon", "usable, off-site and locked copies last {days} days, if no run came any more", survival.horizon,
        PATH_LISTS, {"days": 30}, uses=("days",),
    ),
    Control(
        "vanished", "no copy went too early, no safeguard was weakened within {days} days", vanished, (), {"days": 30},
        by_copies=False, uses=("days",),
    ),
    Control("contradictions", "no two witnesses of it contradict each other", contradicted, ("jobs", *PATH_LISTS)),
    untold(
        "anomaly", "no copy of an odd size or after an odd time", "The service tells no changed bytes and no entropy, "
        "of many kinds no size, and of the others not what it means: growth can be looked at (query_catalog SELECT "
        "asset, point_in_time, size_gib FROM recovery_points), an attack cannot be inferred from it, nor its absence.",
    ),
    untold(
        "encryption", "copies are encrypted", "The service has no field that says whether copies are encrypted: it "
        "cannot be known from here, and is not inferred from the kind of store.",
    ),
    untold(
        "restore_time", "a restore takes no longer than asked", "The service tells no throughput. Only restores that "
        "were seen say anything: query_catalog SELECT resources, minutes FROM restores.",
    ),
    Control("deletion_rights", "few may delete copies", deletion_rights, by_copies=False),
)  # fmt: skip
CONTROLS: Mapping[str, Control] = {c.name: replace(c, sql=_QUERIES.get(c.name, "")) for c in _CONTROLS}
