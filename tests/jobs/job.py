"""What a job is, and how it is run: a tenant and a server of its own, the script, then the check."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mcp import Client

from greenlake_backup_mcp import openapi, settings
from greenlake_backup_mcp.server import app
from greenlake_backup_mcp.simulator.server.app import create_app

from .evidence import UnknownValue
from .session import Session, StepFailed, connected
from .truth import Truth

START = datetime(2026, 11, 24, 7, 40, tzinfo=UTC)  # a Tuesday morning
SCALE = 100_000  # tasks of the tenant are over when they are first looked at
SEEDS = (7, 11, 23)

Findings = dict[str, Any]
"""What a script found out, by name: what the person is told."""


@dataclass(frozen=True)
class Question:
    """What a person asks, and the words that a script may take from it by name."""

    text: str
    words: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        now = f"It is {START:%Y-%m-%d %H:%M} UTC. "
        return now + self.text.format(**self.words)


@dataclass(frozen=True)
class Job:
    """One job. `before` is what the check needs of the tenant as it was; the check names what is wrong, by fact."""

    key: str
    ask: Callable[[Truth], Question]
    script: Callable[[Session], Awaitable[Findings]]
    check: Callable[[Any, Truth, Findings], dict[str, str]]
    before: Callable[[Truth], Any]


@dataclass(frozen=True)
class Result:
    """How a job went on one seed."""

    key: str
    seed: int
    facts: dict[str, str]  # fact → "" where right, else what is wrong
    stopped: str  # why the script could not go on
    calls: int
    bytes: int
    tokens: int
    log: list[tuple[str, dict[str, Any], int]]

    @property
    def state(self) -> str:
        """`done`, `in part` or `not`."""
        if not self.stopped and not any(self.facts.values()):
            return "done"
        return "in part" if any(not wrong for wrong in self.facts.values()) else "not"


def clock() -> Callable[[], datetime]:
    """A clock that starts at START when it is made and goes on as real time does."""
    began = time.monotonic()
    return lambda: START + timedelta(seconds=time.monotonic() - began)


async def run(jobs: Sequence[Job], seed: int) -> list[Result]:
    """Run jobs, each in a session of its own; those that only look share a tenant and a server."""
    looks = [job for job in jobs if job.key.startswith("A")]
    results = await _run_together(looks, seed) if looks else []
    for job in jobs:
        if job not in looks:
            results += await _run_together([job], seed)
    return results


async def _run_together(jobs: Sequence[Job], seed: int) -> list[Result]:
    now = clock()
    tenant = create_app(seed=seed, now=now, scale=SCALE)
    truth = Truth(tenant.state.tenant)
    with TemporaryDirectory() as state:
        chosen = settings.load(environment=False, demo=True, seed=seed, wait=60, state_dir=Path(state))
        async with connected(app.create(chosen, app=tenant, now=now)) as (client, schemas):
            return [await _run(job, seed, truth, client, schemas) for job in jobs]


async def _run(job: Job, seed: int, truth: Truth, client: Client, schemas: Mapping[str, Any]) -> Result:
    question, before = job.ask(truth), job.before(truth)
    session = Session(client, str(question), question.words, schemas, vocabulary())
    facts: dict[str, str] = {}
    stopped = ""
    try:
        result = await job.script(session)
    except StepFailed as failed:
        stopped = str(failed)
    except UnknownValue as unknown:
        stopped = f"refused, {unknown}"
    except (LookupError, ValueError, TypeError, AttributeError, StopIteration) as lost:  # an answer without its place
        stopped = f"{_place(lost)}: an answer does not show what the script looks for ({lost!r})"
    else:
        facts = job.check(before, truth, result)
    return Result(job.key, seed, facts, stopped, session.calls, session.bytes, session.tokens, session.log)


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    frame = next((f for f in reversed(frames) if "set_" in f.filename or "steps" in f.filename), frames[-1])
    return f"{Path(frame.filename).name}:{frame.lineno}"


@cache
def vocabulary() -> frozenset[str]:
    """The words in capitals of the service's public descriptions: states, kinds, outcomes."""
    texts = (path.read_text(encoding="utf-8") for path in Path(openapi.__file__).parent.glob("*.json"))
    return frozenset(word for text in texts for word in re.findall(r"\b[A-Z][A-Z_]+\b", text))


def compare(expected: Mapping[str, Any], _: Truth, result: Findings) -> dict[str, str]:
    """The check of a job that only looks: each expected fact must have been found, exactly."""
    return {name: difference(value, result.get(name)) for name, value in expected.items()}


def difference(expected: Any, result: Any) -> str:
    """What is wrong with what was found; empty where nothing is."""
    if expected == result:
        return ""
    if result is None:
        return f"not found out ({_short(expected)})"
    if isinstance(expected, (set, frozenset)) and isinstance(result, (set, frozenset)):
        missing, wrong = expected - result, result - expected
        return f"{len(missing)} of {len(expected)} missing {_short(missing)}, {len(wrong)} wrong {_short(wrong)}"
    if isinstance(expected, Mapping) and isinstance(result, Mapping):
        other = {k: (expected.get(k), result.get(k)) for k in {*expected, *result} if expected.get(k) != result.get(k)}
        return f"{len(other)} of {len(expected)} differ: {_short(other)}"
    return f"is {_short(expected)}, found {_short(result)}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 160 else text[:157] + "..."
