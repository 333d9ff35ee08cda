"""The simulated tenant: start-up and memory of both sizes, and the first answer of `--demo` end to end.

`python -m tests.benchmarks.twin [OTHER]`: OTHER is a checkout of another commit, measured in turn with this one.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from .process import OURS, started

TURNS = 5
HERE = Path(__file__).resolve().parents[2]
# one process each: the first answer over HTTP semantics, then all lists and the copies of fifty VMs
TENANT = """
import resource, time
begin = time.perf_counter()
import inspect
from datetime import UTC, datetime
from greenlake_backup_mcp.simulator import state
try:
    tenant = state.Tenant(7, clock=lambda: datetime(2026, 11, 24, 8, tzinfo=UTC), **{options})
except TypeError:
    raise SystemExit("-")
vms = tenant.all("virtual-machines")
first = time.perf_counter()
for name in ("protection-jobs", "protection-stores", "async-operations", "datastores"):
    list(tenant.all(name))
for vm in vms[:50]:
    for kind in ("backups", "snapshots"):
        held = tenant.copies("virtual-machines", vm["id"], kind)
        list(held.all(tenant.now(), 0)) if hasattr(held, "all") else None
whole = time.perf_counter()
mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print((first - begin) * 1000, (whole - begin) * 1000, mib)
"""
CALLS = {"list_vms": {"limit": 5}, "list_protection_jobs": {"limit": 5}}


def main(other: str = "") -> None:
    """Print the medians of each checkout, measured in turn so that a busy moment hits both."""
    checkouts = [HERE, *([Path(other).resolve()] if other else [])]
    for size, options in (("small", "{}"), ("middle", "{'size': 'middle'}")):
        rows: dict[Path, list[list[float]]] = {path: [] for path in checkouts}
        for _ in range(TURNS):
            for path, measured in rows.items():
                command = [sys.executable, "-c", TENANT.replace("{options}", options)]
                environment = {"PYTHONPATH": str(path / "server")}
                run = subprocess.run(command, check=False, text=True, env=environment, capture_output=True)
                words = run.stdout.split()
                measured.extend([[float(word) for word in words]] if len(words) == 3 else [])
        for path, measured in rows.items():
            if not measured:
                print(f"{path.name}: size {size}: there is none")
                continue
            first, whole, mib = (statistics.median(column) for column in zip(*measured, strict=True))
            print(f"{path.name}: size {size}: all VMs after {first:.0f} ms, lists and copies of 50 VMs after "
                  f"{whole:.0f} ms, peak {mib:.0f} MiB")  # fmt: skip
    demo(checkouts)


def demo(checkouts: list[Path]) -> None:
    """From the start of the process: tools/list, then the first answer of each of a few calls."""
    rows: dict[Path, list[list[float]]] = {path: [] for path in checkouts}
    for _ in range(TURNS):
        for path, measured in rows.items():
            begin = time.perf_counter()
            with started([*OURS, "--demo"], PYTHONPATH=str(path / "server")) as process:
                process.hello()
                process.ask("tools/list", {})
                times = [time.perf_counter() - begin]
                for name, arguments in CALLS.items():
                    process.ask("tools/call", {"name": name, "arguments": arguments})
                    times.append(time.perf_counter() - begin)
                measured.append([*(1000 * t for t in times), process.peak_mib()])
    for path, measured in rows.items():
        listed, *answers, mib = (statistics.median(column) for column in zip(*measured, strict=True))
        words = ", ".join(f"{name} after {ms:.0f} ms" for name, ms in zip(CALLS, answers, strict=True))
        print(f"{path.name}: --demo: tools/list after {listed:.0f} ms, {words}, peak {mib:.0f} MiB")


if __name__ == "__main__":
    main(*sys.argv[1:2])
