"""The ten controls of AWS Backup Audit Manager by their own names, over this estate, in one table.

Five are judged, three as far as the service tells (and what is missing is said), two it does not tell. Names and
parameters: docs.aws.amazon.com/aws-backup, controls and remediation.
"""

from __future__ import annotations

from collections import Counter

from . import fresh, recoverability, survival
from .calendar import DAY, HOUR, MINUTE
from .controls import untold
from .estate import Asset
from .facts import PATH_LISTS, PLAN_LISTS, TIERS
from .verdicts import Context, Control, Judge, Lines, State, Tally, Verdict

NAME = "frame"
USES = ("hours", "days")
FREQUENCY_HOURS, RETENTION_DAYS, RESTORE_MINUTES = 24, 35, 720  # the framework's own defaults


def _in_plan(_: Context) -> tuple[Judge, Lines]:
    def judge(asset: Asset) -> Verdict:
        return Verdict(State.MET, "in a plan") if asset.covers else Verdict(State.NOT_MET, "in no plan")

    return judge, lambda _: []


def _plan_rules(context: Context) -> tuple[Judge, Lines]:
    hours, days = context.number("hours", FREQUENCY_HOURS), context.number("days", RETENTION_DAYS)

    def judge(asset: Asset) -> Verdict:
        if not asset.covers:
            return Verdict(State.NOT_MET, "in no plan")
        for job in (c.job for c in asset.covers if not c.job.suspended):
            rules = context.estate.rules[job.id]
            for one in job.schedules:
                rule = rules.get(one.schedule_id)
                often = rule is not None and rule.interval <= hours * HOUR and one.operational != "SUSPENDED"
                if often and one.tier in TIERS and (one.keep_days is None or one.keep_days >= days):
                    return Verdict(State.MET, "a schedule that often, kept that long")
        return Verdict(State.NOT_MET, "no running schedule is both that often and kept that long")

    return judge, lambda _: []


def _retention(context: Context) -> tuple[Judge, Lines]:
    least = int(context.number("days", RETENTION_DAYS) * DAY)
    rows = context.connection.execute(
        "SELECT asset, count(*), sum(expires IS NOT NULL AND expires - coalesce(created, point) < ?) FROM main.copies "
        "WHERE missing IS NULL AND ok = 1 GROUP BY asset", (least,),
    )  # fmt: skip
    meant = {a.no for a in (context.estate.workloads if context.assets is None else context.assets) if not a.nobodys}
    counts = {asset: (copies, short or 0) for asset, copies, short in rows if asset in meant}

    def judge(asset: Asset) -> Verdict:
        copies, short = counts.get(asset.no, (0, 0))
        if not copies:
            return Verdict(State.NOT_JUDGED, "no recovery point of its own")
        if short:
            return Verdict(State.NOT_MET, "some recovery points are kept for less")
        return Verdict(State.MET, "all kept as long")

    copies, short = (sum(column) for column in zip(*counts.values(), strict=True)) if counts else (0, 0)
    return judge, lambda _: [
        f"Of {copies:,} recovery points of their own in a good state {copies - short:,} are kept {least / DAY:g} d."
    ]


def _deletion(context: Context) -> tuple[Judge, Lines]:
    values = {value for _, value in recoverability.dual_authorization(context)}
    verdict = Verdict(State.NOT_MET, "deletions do not wait for a second person")
    if not values:
        verdict = Verdict(State.NOT_JUDGED, "the service tells no such setting")
    elif values == {"ON"}:
        verdict = Verdict(State.MET, "deletions wait for a second person")
    return (lambda _: verdict), (lambda _: [])


def _region(context: Context) -> tuple[Judge, Lines]:
    regions: Counter[str] = Counter()

    def judge(asset: Asset) -> Verdict:
        stores = [context.estate.stores.get(s.store_id or "") for s in asset.usable if s.place == "off_site"]
        there = {store.region or store.location for store in stores if store is not None} - {None}
        regions.update(str(one) for one in there)
        if there:
            return Verdict(State.MET, "a usable copy in a region of the cloud")
        if stores:
            return Verdict(State.NOT_JUDGED, "the region of its cloud store is not told")
        return Verdict(State.NOT_MET, "no usable copy in a region of the cloud")

    def lines(_: Tally) -> list[str]:
        each = ", ".join(f"{name} ({n:,})" for name, n in sorted(regions.items()))
        return [f"Regions of the cloud, with assets that have a usable copy there: {each}."] if each else []

    return judge, lines


def _restore_time(context: Context) -> tuple[Judge, Lines]:
    seen = recoverability.restores(context)

    def judge(asset: Asset) -> Verdict:
        one = seen.get(asset.id)
        if one is None or not one.whole or one.seconds is None:
            return Verdict(State.NOT_JUDGED, "no whole restore of it was seen")
        if one.seconds <= RESTORE_MINUTES * MINUTE:
            return Verdict(State.MET, "restored in that time")
        return Verdict(State.NOT_MET, "its restore took longer")

    return judge, lambda _: []


CONTROLS = (
    Control("BACKUP_RESOURCES_PROTECTED_BY_BACKUP_PLAN", "in a plan", _in_plan, PLAN_LISTS, by_copies=False),
    Control("BACKUP_PLAN_MIN_FREQUENCY_AND_MIN_RETENTION_CHECK", "each {hours} h, kept {days} d", _plan_rules,
            PLAN_LISTS, {"hours": FREQUENCY_HOURS, "days": RETENTION_DAYS}, by_copies=False, uses=USES),
    Control("BACKUP_RECOVERY_POINT_MINIMUM_RETENTION_CHECK", "every recovery point kept {days} d", _retention, (),
            {"days": RETENTION_DAYS}, uses=("days",)),
    Control("BACKUP_RESOURCES_PROTECTED_BY_BACKUP_VAULT_LOCK", "a usable copy locked now", survival.immutable,
            PATH_LISTS),
    Control("BACKUP_LAST_RECOVERY_POINT_CREATED", "a usable copy younger than {hours} h",
            lambda context: (fresh.younger(context), lambda _: []),
            PATH_LISTS, {"hours": FREQUENCY_HOURS}, uses=("hours",)),
    Control("BACKUP_RECOVERY_POINT_MANUAL_DELETION_DISABLED", "deletions wait for a second person; roles are not told",
            _deletion, ("settings",), by_copies=False),
    Control("BACKUP_RESOURCES_PROTECTED_BY_CROSS_REGION", "a usable copy in a region of the cloud; where the site "
            "itself lies is not told", _region, PATH_LISTS),
    Control("RESTORE_TIME_FOR_RESOURCES_MEET_TARGET", f"a restore took at most {RESTORE_MINUTES} min; only restores "
            "that were seen say anything", _restore_time, ("tasks",), by_copies=False),
    untold("BACKUP_RECOVERY_POINT_ENCRYPTED", "not told by the service", ""),
    untold("BACKUP_RESOURCES_PROTECTED_BY_CROSS_ACCOUNT", "not told by the service", ""),
)  # fmt: skip
