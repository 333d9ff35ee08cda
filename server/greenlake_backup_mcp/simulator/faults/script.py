"""Faults by script: the nth request that matches gets this fault. Which there are, and what each does: inject.py.

A fault is data, so that it can also be set over HTTP.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import Any

from .inject import Fault, Kind


@dataclass(frozen=True)
class Rule:
    """Which requests get the fault: the nth to nth+times-1 that match, counted from when the rule is set."""

    fault: Fault
    method: str = "*"
    path: str = "*"  # as in a shell: * is anything; matched against the path without the query
    nth: int = 1
    times: int = 1

    def matches(self, method: str, path: str) -> bool:
        """Whether a request is one of those that count."""
        pattern = ".*".join(re.escape(part) for part in self.path.split("*"))
        return self.method in ("*", method) and re.fullmatch(pattern, path) is not None


@dataclass(frozen=True)
class Faults:
    """A script: all its rules are counted for themselves; the first that strikes wins, latency adds to it."""

    rules: tuple[Rule, ...] = ()


@dataclass
class Script:
    """A script being played."""

    rules: list[Rule] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)

    def set(self, faults: Faults) -> None:
        """Play another script, counting from now."""
        self.rules, self.seen = list(faults.rules), [0] * len(faults.rules)

    def add(self, *rules: Rule) -> None:
        """Rules in addition, counting from now."""
        self.rules += rules
        self.seen += [0] * len(rules)

    def matching_faults(self, method: str, path: str) -> list[Fault]:
        """The faults this request gets."""
        matching = []
        for n, rule in enumerate(self.rules):
            if rule.matches(method, path):
                self.seen[n] += 1
                if rule.nth <= self.seen[n] < rule.nth + rule.times:
                    matching.append(rule.fault)
        return matching


def fault(kind: Kind, method: str = "*", path: str = "*", nth: int = 1, times: int = 1, **values: Any) -> Rule:
    """A rule in one line: `fault("status", "GET", "*/backups", nth=3, status=429)`."""
    return Rule(Fault(kind, **values), method, path, nth, times)


def from_json(values: list[dict[str, Any]]) -> Faults:
    """The script of a JSON array of objects with the fields of Rule and Fault; ValueError names an unknown one."""
    rules, allowed = [], {f.name for f in fields(Fault)} | {"method", "path", "nth", "times"}
    for value in values:
        if not isinstance(value, dict) or "kind" not in value or set(value) - allowed:
            raise ValueError(f"a fault is an object with `kind` and of {', '.join(sorted(allowed))}; got {value!r}")
        rules.append(fault(**value))
    return Faults(tuple(rules))
