"""The invariants of the twin's history in full: 10 seeds, 2 sizes, 30 days. Status 1 where one fails.

python -m tests.history [seeds] [days]
"""

from __future__ import annotations

import resource
import sys
import time

from .invariants import NOW, changed_past, contradictions, missing_cases, snapshot, start

STEPS = (0, 1, 2, 4, 8, 15)  # days from one look to the next: 30 in all


def main(seeds: int = 10, days: int = 30) -> int:
    """Everything; 0 where nothing contradicts."""
    worst, looks, copies = 0, 0, 0
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
