"""The table of the yardstick: per job done or not, calls, bytes and tokens of answers; totals; and the goal."""

from __future__ import annotations

from itertools import groupby

from .job import Result

GOAL_CALLS = 24  # of set A together, on one tenant
GOAL_TOKENS = 24_000
ORDER = ("not", "in part", "done")


def table(results: list[Result], *, markdown: bool = False) -> str:
    """One line per job, the mean over its seeds (the worst state); then what was wrong, and the totals."""
    lines = ["| job | state | calls | bytes | tokens |", "|---|---|---|---|---|"] if markdown else [
        f"{'job':4} {'state':22} {'calls':>7} {'bytes':>10} {'tokens':>9}"]  # fmt: skip
    groups = _by_job(results)
    for key, held in groups.items():
        lines.append(_line(key, _state(held), held, markdown=markdown))
    for name, letters in (("A", "A"), ("B+C", "BC")):
        chosen = [r for key, held in groups.items() if key[0] in letters for r in held]
        if chosen:
            whole = sum(all(r.state == "done" for r in held) for key, held in groups.items() if key[0] in letters)
            jobs = sum(key[0] in letters for key in groups)
            lines.append(_line(name, f"{whole} of {jobs} whole", chosen, markdown=markdown))
    wrong = [line for held in groups.values() for line in _complaints(held)]
    if wrong:
        lines += ["", "Not whole:", *(f"- {line}" for line in wrong)]
    return "\n".join(lines)


def calls(results: list[Result]) -> str:
    """Each call of each job with its estimated tokens."""
    return "\n".join(f"{r.key} seed {r.seed}: {size // 3:6} {tool} {arguments}" for r in results
                     for tool, arguments, size in r.log)  # fmt: skip


def goal_met(results: list[Result]) -> bool:
    """Whether the look jobs, all of them and whole, stay within the goal; True where none was run."""
    looks = [r for r in results if r.key[0] == "A"]
    seeds = len({r.seed for r in looks}) or 1
    return (
        all(r.state == "done" for r in looks)
        and sum(r.calls for r in looks) <= GOAL_CALLS * seeds
        and sum(r.tokens for r in looks) <= GOAL_TOKENS * seeds
    )


def _by_job(results: list[Result]) -> dict[str, list[Result]]:
    def place(result: Result) -> tuple[str, int]:
        return result.key[0], int(result.key[1:])

    return {r[0].key: r for _, group in groupby(sorted(results, key=place), place) if (r := list(group))}


def _state(held: list[Result]) -> str:
    return min((r.state for r in held), key=ORDER.index)


def _line(key: str, state: str, held: list[Result], *, markdown: bool) -> str:
    seeds = len({r.seed for r in held})
    numbers = [round(sum(values) / seeds) for values in zip(*((r.calls, r.bytes, r.tokens) for r in held), strict=True)]
    if markdown:
        return "| " + " | ".join([key, state, *(f"{n:,}" for n in numbers)]) + " |"
    return f"{key:4} {state:22} {numbers[0]:7,} {numbers[1]:10,} {numbers[2]:9,}"


def _complaints(held: list[Result]) -> list[str]:
    collected: dict[str, list[int]] = {}
    for result in held:
        for line in [*([f"stopped: {result.stopped}"] if result.stopped else []),
                     *(f"{fact}: {wrong}" for fact, wrong in result.facts.items() if wrong)]:  # fmt: skip
            collected.setdefault(f"{result.key} {line}", []).append(result.seed)
    return [f"{line} (seed {', '.join(map(str, seeds))})" for line, seeds in collected.items()]
