"""TABLE of the words in which people ask over the whole estate, or for the standing of one asset: which tool answers.

Such questions name no thing of the service, or several: what a tool works on does not tell them apart, how one asks
does. `~` in a phrase stands for a name (`dc02`, `sap-prod-01`). The phrases' language is that of phrases.py.
"""

# ruff: noqa: ISC004  (phrases of a row, a few lines long)

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from . import phrases
from .words import NAME

ONE = "~"
ROWS: tuple[tuple[str, float, str], ...] = (
    # the whole, at a moment
    ("check_health", 1.0,
     "morning check/status/report, wrong this morning, broken this morning, health check, what/whats wrong, "
     "what/whats broken, anything .. act on, needs attention, need .. attention, overall state/status/health, "
     "everything ok/fine/alright/green/healthy, all ok/fine/good with, last night go, how did .. "
     "last_night/the_night/it go, root cause, why .. so many, failing at once, everything fail, state/health of "
     "the/our backup, how are/do our/the backups, how healthy, problems .. go away, what do/should i .. today, "
     "anything wrong/broken, any problems with, on fire, problems by cause, failures by cause, failed .. matters, "
     "summarize .. problems, summary of .. problems, what needs me, needs a person"),
    ("check_health", 0.6,
     "this morning, good morning, failure mails, what can i ignore, who has to fix, act today, to act, stand up, "
     "in a few lines, over night, overnight, last night and"),
    # one control over all
    ("check_protection", 1.0,
     "not backed up, not being backed, not protected, find unprotected, unprotected, ransomware "
     "proof/ready/readiness, survive/withstand .. ransomware, missed/miss/misses .. rpo/recovery_point_objective, "
     "rpo .. missed/violated, out of rpo, violate/violates .. rpo/recovery_point_objective, older than .. "
     "hours/hour/days/day, ~3-2-1-1-0, ~3-2-1, 3 2 1, immutable, immutability .. everywhere, test/tested restore, "
     "restore tests, test restores, never .. restored/tested/restore, no/without .. offsite, no/without off site, "
     "offsite copy, off site copy, last remaining, only .. one copy, single copy, last copy, actually .. "
     "verified/verifyed, been verified/verifyed, look/looks green, can not .. be restored, not restorable, dropped "
     "out, fell out of, policy says .. copies, policy stays .. copies, actual copies, percentage/percent/share .. "
     "covered/protected/backed_up, covered by backups, coverage of backup, same place/site as, proof, auditor, "
     "audit, compliance, evidence, no/without policy, no/without .. policy, not have .. policy, have_no policy, "
     "not covered, nobody backs, nobody protects, encrypted backups, who may delete, no recovery point, have no "
     "backup, without backup, without .. backup, no usable, is/are everything/all .. "
     "backed_up/protected/covered/verified/locked, how many .. covered/protected/unprotected, no locked"),
    ("check_protection", 0.5,
     "every asset, every .. asset, whole estate, our estate, everywhere, which of our, any_databases, which "
     "assets, which machines, which workloads, which vms, which servers, our systems, everything whose"),
    # one asset
    ("describe_asset", 1.2,
     "backup status ~, is ~ protected/safe/ok/covered, is ~ backed up, is ~ being backed, about ~, status of ~, "
     "status ~, how is ~, why is ~, why did .. backup/backups .. ~, why is the .. not, when was ~ .. backed up, "
     "when was the .. backed up, last backed up, what policy is on ~, policy is on ~, what protects ~, how many "
     "copies do we have of, copies of ~, protection of ~, protection status of ~, ~ keeps, system is safe, his "
     "system, her system, what do i tell, everything about ~, can ~ be recovered/restored, is ~ "
     "recoverable/restorable, backup status, status backup"),
    ("describe_asset", 0.5,
     "keeping up with, is it keeping, the owner of ~, where are they, as unprotected, added it to, is his, is it "
     "safe, showing as"),
    # what hangs on what, and what if
    ("show_dependents", 1.3,
     "what would we lose, what would be lost, what do we lose, what happens if/when, if .. "
     "died/dies/fails/fail/burns/burned/is_lost/is_gone/breaks/goes_down/went_down, depends on, depend on, blast "
     "radius, who uses, what uses, which jobs/policies/assets/vms/machines use, uses the .. policy, take .. down "
     "for, down for maintenance, wipes every/all, attacker, what is left, what survives, what stops, stops being, "
     "only copy there, back/backs/backed up to the, hangs on, hang on, if i/we delete/lose/lost/decommission, "
     "losing the, impact of, what runs through, who is affected, might decommission, unlocked copies"),
    # since when
    ("show_changes", 1.3,
     "what changed, what has changed, anything changed, changes since, changed since, what is new since, what "
     "happened .. last/since, did anyone/someone/anybody/somebody .. "
     "shorten/switch/change/delete/disable/weaken/turn, new vms/machines/assets/servers since, since last, on "
     "vacation, on holiday, meanwhile, happened .. to the backups, happened while, been suspended .. or, suspended "
     "or, deleted this month/months/week/weeks/year, has/have .. grown, grown since, how did .. usage develop, "
     "usage .. over time, develop .. month, growth of, shortened, weakened, switched off, gone too early, deleted "
     "too early, too early, disappeared, vanished"),
    ("show_changes", 0.6,
     "over the weekend, this months, this month, since the first, while i was, last two weeks, since yesterday, "
     "since monday, last week"),
    # figures that no rule has
    ("query_catalog", 1.4,
     "top 5/10/20/50/100, biggest/largest .. by, total .. per, per policy and, grouped by, split by, sorted .. "
     "first, sorted by, avg/average .. by/per, per month/months of, number of .. per, sum of .. per/by, count .. "
     "per, how many copies .. per, how many .. by, distribution of, join, sql query, custom query, for each policy "
     ".. total, ranked by, per .. and month/months"),
    # one point in time
    ("find_recovery_points", 1.5,
     "back from ~tuesday/~monday/~wednesday/~thursday/~friday/~saturday/~sunday, back from "
     "tuesday/monday/wednesday/thursday/friday/saturday/sunday/yesterday, can/could i/we get .. back, get .. back "
     "from, last clean copy, before the encryption, before .. encrypted, closest/closes/nearest restore/recovery "
     "point, closest/closes/nearest .. to, restore/recovery point .. to, which .. copies .. restore from, "
     "could/can/should i/we restore from, best copy, best restore/recovery point, newest .. backup .. before, "
     "before that, latest .. before, point in time before, copy from before, which copy to restore, which "
     "recovery/restore point, from when can"),
    ("find_recovery_points", 0.6,
     "clean copy, dropped/droped a table, get .. back, bring .. back, restore/recovery point, "
     "closest/closes/nearest to"),
)  # fmt: skip


@cache
def _table() -> phrases.Table:
    return phrases.table(row for _, _, row in ROWS)


def scores(words: Sequence[str]) -> Mapping[str, float]:
    """How surely each of the tools over the estate is meant; tools without a sign of it are missing."""
    sums: dict[str, float] = {}
    texts = (list(words), list(_with_names(words)))
    rows = frozenset().union(*(phrases.rows(_table(), text) for text in texts))
    for row in rows:
        tool, weight, _ = ROWS[row]
        sums[tool] = sums.get(tool, 0.0) + weight
    return sums


def _with_names(words: Sequence[str]) -> Iterator[str]:
    """The words with every name as `~`."""
    for word in words:
        yield ONE if word.startswith(NAME) else word
