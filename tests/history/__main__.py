"""The invariants of the twin in full: 10 seeds, 2 sizes, 30 days; and after all writes, in each reading.

Status 1 where one fails.

python -m tests.history [seeds] [days]
"""

from __future__ import annotations

import resource
import sys
import time

from greenlake_backup_mcp.simulator.switches import Switches

from .invariants import NOW, changed_past, contradictions, missing_cases, snapshot, start
from .relations import broken_relations
from .written import other_readings, written

STEPS = (0, 1, 2, 4, 8, 15)  # days from one look to the next: 30 in all


def after_writes(seeds: int) -> int:
    """How many contradictions there are after all writes: of each seed a day and a week later, of each reading."""
    worst = 0
    tenants = [(f"seed {seed}", seed, Switches()) for seed in range(7, 7 + seeds)]
    for name, seed, switches in [*tenants, *((name, 7, switches) for name, switches in other_readings())]:
        tenant, broken = written(seed, switches)
        problems = {"requests": broken} if broken else {}
        for days in (0, 6):
            tenant.advance(days * 86_400)
            shot = snapshot(tenant)
            problems |= broken_relations(shot) | (contradictions(shot) if switches == Switches() else {})
        for rule, texts in problems.items():
            print(f"  all writes, {name}: {rule}: {len(texts)}, first: {texts[0][:300]}")
        worst += sum(map(len, problems.values()))
        print(f"all writes, {name}: {sum(map(len, problems.values()))} contradictions", flush=True)
    return worst


def main(seeds: int = 10, days: int = 30) -> int:
    """Everything; 0 where nothing contradicts."""
    worst, looks, copies = after_writes(seeds), 0, 0
    for size in ("small", "middle"):
        for seed in range(7, 7 + seeds):
            begun, result = time.monotonic(), 0
            tenant, before, passed = start(seed, NOW, size), None, 0
            for step in STEPS:
                if passed + step > days:
                    break
                passed += step
                tenant.advance(step * 86_400)
                shot = snapshot(tenant)
                problems = contradictions(shot)
                if before is None:
                    problems |= {"missing_cases": gone} if (gone := list(missing_cases(shot))) else {}
                elif changed := list(changed_past(before, shot)):
                    problems["changed_past"] = changed
                for name, texts in problems.items():
                    print(f"  {size} seed {seed} day {passed}: {name}: {len(texts)}, first: {texts[0][:300]}")
                result += sum(map(len, problems.values()))
                looks, before = looks + 1, shot
            held = sum(map(len, before.copies.values())) if before else 0
            copies, worst = copies + held, worst + result
            print(f"{size} seed {seed}: {passed} days, {held:,} copies at the end, {result} contradictions, "
                  f"{time.monotonic() - begun:.1f} s", flush=True)  # fmt: skip
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{looks} looks, {copies:,} copies at the ends, {worst} contradictions, peak {memory:.0f} MiB")
    return int(worst > 0)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
