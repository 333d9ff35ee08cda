"""Whether the backup catalog says of random tenants what is true of them, or that it does not know: `python -m
tests.catalog_property [SEEDS]`.

Rounds of a day or so: copies expire, some are deleted too early (by nobody, by us, after an approval, in a task), some
expiries are brought forward; lists fail, readings are interrupted, the server restarts. After each round what the
catalog says of what it read is held against the tenant's own state; at the end, after a round without faults, the
copies it calls vanished against those that were deleted.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio

from greenlake_backup_mcp import settings as loading
from greenlake_backup_mcp.catalog import collections
from greenlake_backup_mcp.catalog.catalog import Catalog
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.upstream import client
from tests.support.filled_catalog import operations, rows
from tests.support.flaky_lists import FlakyLists

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HOLDERS = {c.asset: c.holder for c in collections.COLLECTIONS if c.holder}
KEPT = {"virtual-machines": 24, "datastores": 6, "mssql-databases": 6, "volume-protection-groups": 4}


@dataclass
class Report:
    """What a run found."""

    compared: int = 0  # assets whose recovery points were held against the tenant's
    misfiled: list[str] = field(default_factory=list)
    unread: int = 0  # told as unread or stale
    expired: int = 0  # copies that went when they were to
    deleted: set[str] = field(default_factory=set)  # too early, as the tenant knows
    vanished: set[str] = field(default_factory=set)  # too early, as the catalog says
    causes: Counter[str] = field(default_factory=Counter)
    wrong_causes: list[str] = field(default_factory=list)
    failed_lists: int = 0


@dataclass
class Run:
    """One tenant and its catalog."""

    seed: int
    path: Path
    report: Report = field(default_factory=Report)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.now = START
        self.app = create_app(seed=self.seed, now=lambda: self.now, scale=100_000)
        self.tenant = self.app.state.tenant
        self.flaky = FlakyLists(self.app, random.Random(self.seed + 1))
        self.expected: dict[str, str] = {}  # copy deleted too early → what the catalog has to say did it
        self.expiry: dict[str, datetime] = {}
        self._shrink()

    def _shrink(self) -> None:
        resources = self.tenant.world.resources
        for collection, most in KEPT.items():
            held = list(resources[collection])
            for ident in self.rng.sample(held, max(0, len(held) - most)):
                resources[collection].pop(ident)
        remaining = {ident for items in resources.values() for ident in items}
        for collection in ("virtual-machine-protection-groups", "mssql-database-protection-groups"):
            for group in resources[collection].values():
                name = "assets" if "assets" in group else "members"
                group[name] = [m for m in group[name] if m["id"] in remaining]
        jobs = resources["protection-jobs"]
        for ident in [j for j, job in jobs.items() if job["assetInfo"]["id"] not in remaining]:
            jobs.pop(ident)
        for job in jobs.values():
            job["associatedAssetsInfo"] = []

    def truth(self, kind: str, ident: str) -> dict[str, dict[str, Any]]:
        """The recovery points that the tenant has of an asset now, by id."""
        collected = {}
        for list_ in ("snapshots", "backups"):
            held = self.tenant.copies(HOLDERS[kind], ident, list_)
            collected.update({c["id"]: c for c in held.all(self.tenant.now(), self.tenant.lag)})
        return collected

    # --- rounds ----------------------------------------------------------------------------------------------------

    async def play(self, rounds: int) -> Report:
        await self._sync(faults=0)
        await self._compare()
        for n in range(rounds):
            await self._events()
            self.now += timedelta(hours=self.rng.choice((3, 11, 25, 30, 49)))
            last = n == rounds - 1
            await self._sync(faults=0 if last else 10, interrupt=not last and self.rng.random() < 0.4)
            await self._compare()
        for _ in range(2):  # what failed is tried again later
            self.now += timedelta(hours=25)
            await self._sync(faults=0)
        await self._compare()
        await self._judge()
        self.report.failed_lists = self.flaky.failed
        return self.report

    async def _catalog(self, work: Any) -> Any:
        """A server's life: the file opened, work done, closed."""
        chosen = loading.load(demo=True, catalog=str(self.path), retries=0, catalog_keep=3650)
        async with client.connect(chosen, app=self.flaky, now=lambda: self.now, sleep=_no_sleep) as api:
            catalog = Catalog(chosen, api, operations())
            try:
                return await work(catalog)
            finally:
                catalog.close()

    async def _sync(self, faults: int, *, interrupt: bool = False) -> None:
        self.flaky.thousandths = faults

        async def whole(catalog: Catalog) -> None:
            with suppress(_Interrupted):
                async with anyio.create_task_group() as group:
                    seen = 0
                    most = self.rng.randrange(5, 80)

                    async def progress(done: float, total: float | None, words: str) -> None:
                        nonlocal seen
                        seen += 1
                        if interrupt and seen > most:
                            group.cancel_scope.cancel()
                            await anyio.lowlevel.checkpoint()

                    await catalog.sync(progress)

        await self._catalog(whole)
        if interrupt:
            await self._catalog(lambda catalog: catalog.sync())
        self.flaky.thousandths = 0

    async def _events(self) -> None:
        """What befalls recovery points between two rounds."""
        now, tenant = self.tenant.now(), self.tenant
        seen = {
            row["id"]
            for row in await self._catalog(lambda c: rows(c, "SELECT id FROM recovery_points WHERE NOT missing"))
        }
        for kind, holder in HOLDERS.items():
            for asset in list(tenant.all(holder)):
                if self.rng.random() > 0.25:
                    continue
                for list_ in ("snapshots", "backups"):
                    held = tenant.copies(holder, asset["id"], list_)
                    there = [c for c in held.all(now, tenant.lag) if c["id"] in seen and c.get("expiresAt")]
                    if there and self.rng.random() < 0.6:
                        await self._delete(kind, holder, asset, list_, self.rng.choice(there))

    async def _delete(self, kind: str, holder: str, asset: Any, list_: str, copy: Any) -> None:
        ref = (holder, asset["id"], list_, copy["id"])
        path = copy["resourceUri"]
        how = self.rng.choice(("nobody", "us", "approval", "task"))
        if how == "us":
            await self._catalog(lambda c: c.note_write("delete_copy", "DELETE", path, "done"))
        elif how == "approval":
            self.tenant.put(("dual-auth-operations", self.tenant.new_id("approval")), {
                "id": self.tenant.new_id("approval"), "name": "Delete recovery point", "state": "Approved",
                "requestedByEmail": "a@example.com", "checkedByEmail": "b@example.com",
                "operationResource": {"name": copy["name"], "resourceUri": path},
            })  # fmt: skip
        elif how == "task":
            self.tenant.start("Delete recovery point", 1, copy)
        self.tenant.remove(ref)
        self.expected[copy["id"]] = {
            "nobody": "unexplained", "us": "this server", "approval": "approved operation", "task": "task: Delete",
        }[how]  # fmt: skip
        self.expiry[copy["id"]] = datetime.fromisoformat(copy["expiresAt"])

    # --- held against the tenant -----------------------------------------------------------------------------------

    async def _compare(self) -> None:
        """What was read in this round is as the tenant has it; the rest is told as unread or stale."""
        moment = self.now.isoformat().replace("+00:00", "Z")
        text = await self._catalog(
            lambda c: rows(
                c, "SELECT id, kind, listed, copies_state, copies_read FROM assets WHERE kind <> 'mssql_group'"
            )
        )
        copies: dict[str, set[str]] = {}
        for row in await self._catalog(lambda c: rows(c, "SELECT asset_id, id FROM recovery_points WHERE NOT missing")):
            copies.setdefault(row["asset_id"], set()).add(row["id"])
        existing = {row["id"]: row for row in text}
        for kind, holder in HOLDERS.items():
            for asset in self.tenant.all(holder):
                row = existing.get(asset["id"])
                if row is None or row["copies_state"] != "read":
                    self.report.unread += 1
                    continue
                if row["copies_read"] != moment:
                    continue
                self.report.compared += 1
                truth = self.truth(kind, asset["id"])
                if set(truth) != copies.get(asset["id"], set()) or not row["listed"]:
                    self.report.misfiled.append(f"{self.seed} {moment} {kind} {asset['id']} {row['listed']}")

    async def _judge(self) -> None:
        """The copies called vanished are those that were deleted before they were to expire."""
        result = await self._catalog(
            lambda c: rows(c, "SELECT subject_id, seen, cause FROM changes WHERE kind = 'copy vanished'")
        )
        every = await self._catalog(lambda c: rows(c, "SELECT sum(copies) n FROM expired"))
        self.report.expired = every[0]["n"] or 0
        for row in result:
            self.report.vanished.add(row["subject_id"])
            expected = self.expected.get(row["subject_id"])
            self.report.causes[str(row["cause"]).split(":")[0]] += 1
            if expected is not None and not str(row["cause"]).startswith(expected):
                self.report.wrong_causes.append(f"{self.seed} {row['subject_id']}: {row['cause']}, not {expected}")
        readings = {row["subject_id"]: row["seen"] for row in result}
        for ident in self.expected:
            # a copy that had expired by the reading that missed it went when it was to
            if ident in readings or self.expiry[ident] > self.now:
                self.report.deleted.add(ident)


class _Interrupted(BaseException):
    pass


async def _no_sleep(seconds: float) -> None:
    await anyio.lowlevel.checkpoint()


def play(seed: int, rounds: int) -> Report:
    """One tenant's run."""
    with tempfile.TemporaryDirectory() as folder:
        return anyio.run(Run(seed, Path(folder) / "catalog.sqlite").play, rounds)


def main() -> int:
    """Play so many tenants, and say what was found."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    total = Counter[str]()
    bad: list[str] = []
    for seed in range(seeds):
        result = play(seed, rounds=6)
        total += Counter(
            compared=result.compared, unread=result.unread, expired=result.expired, failed_lists=result.failed_lists,
            deleted=len(result.deleted), vanished=len(result.vanished & result.deleted),
        )  # fmt: skip
        bad += result.misfiled + result.wrong_causes
        bad += [f"{seed} called vanished: {i}" for i in result.vanished - result.deleted]
        bad += [f"{seed} not found: {i}" for i in result.deleted - result.vanished]
        print(f"seed {seed}: {dict(total)}; {len(bad)} wrong", flush=True)
    print("\n".join(bad[:40]))
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
