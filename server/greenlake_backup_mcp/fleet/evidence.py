"""Evidence of a check as a file that a person saves: rule, parameters, times, coverage, exceptions, a row per asset.

The digest is over rule, parameters, exceptions and rows, not over times and ages: two exports of an unchanged estate
have the same. CSV holds no formula: a cell that a spreadsheet would work out begins with an apostrophe.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.text import sanitize, units

from . import check_protection, exceptions
from .check_protection import Checked
from .controls import CONTROLS
from .estate import Estate
from .question import Question
from .verdicts import Finding

# of what is shown of an asset: they go on with time, or stand in columns of their own
VOLATILE = ("age", "in", "lateBy", "ageByPromise", "class", "acceptedBy", "acceptedUntil")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
KEYS = ("asset", "id", "kind", "verdict", "cause", "acceptedBy", "acceptedUntil")


async def evidence(question: Question) -> dict[str, Any]:
    """The evidence of one control as JSON. InputError without a control."""
    name = str(question.values.get("control"))
    if name not in CONTROLS:
        raise InputError("Evidence is of one control: name it.", hint=f"Controls: {', '.join(CONTROLS)}.")
    check_protection.refuse_unused(question.values)
    checked, estate = await question.ask(lambda c, e: check_protection.check(c, e, question, CONTROLS[name]))
    return _document(checked, estate, question)


def _document(checked: Checked, estate: Estate, question: Question) -> dict[str, Any]:
    rows = sorted((_row(one, question) for one in checked.tally.findings), key=lambda r: (r["kind"], r["id"]))
    accepted = [
        {**exceptions.value(entry, question.clock), "asset": one.asset.name, "id": one.asset.id,
         "expired": entry.until < estate.now}
        for one in checked.tally.findings if (entry := one.accepted) is not None
    ]  # fmt: skip
    judged_by = {
        "control": checked.control.name, "rule": checked.rule,
        "parameters": check_protection.parameters(question.values),
    }  # fmt: skip
    fixed = {**judged_by, "exceptions": accepted, "assets": rows}
    return {
        "evidence": "check_protection", "readAt": units.instant(estate.coverage.now),
        "timeZone": question.clock.label, **judged_by,
        "understood": dict(checked.understood),
        "counts": checked.tally.counts, "coverage": estate.coverage.value(), "notes": checked.lines,
        "digest": "sha256:" + hashlib.sha256(json.dumps(fixed, sort_keys=True, default=str).encode()).hexdigest(),
        "exceptions": accepted, "assets": rows,
    }  # fmt: skip


def _row(one: Finding, question: Question) -> dict[str, Any]:
    until = one.accepted and question.clock.stamp(one.accepted.until)
    values = (one.asset.name, one.asset.id, one.asset.kind, one.verdict.state.value, one.verdict.cause,
              one.accepted and one.accepted.who, until)  # fmt: skip
    stable = {k: v for k, v in one.verdict.facts.items() if k not in VOLATILE}
    return {**dict(zip(KEYS, values, strict=True)), **stable}


def to_csv(document: Mapping[str, Any]) -> str:
    """The evidence as CSV: what it rests on as name and value, an empty line, then a row per asset."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    for name, value in document.items():
        if name != "assets":
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
            writer.writerow([name, _cell(text)])
    writer.writerow([])
    names = [*KEYS, *dict.fromkeys(name for row in document["assets"] for name in row if name not in KEYS)]
    writer.writerow(names)
    for row in document["assets"]:
        writer.writerow([_cell(row.get(name)) for name in names])
    return out.getvalue()


def _cell(value: Any) -> str:
    text = "" if value is None else " ".join(sanitize.clean(str(value)).split())
    return f"'{text}" if text.startswith(FORMULA) else text


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What differs between two exports: rule, parameters, and each asset that came, went or is judged otherwise."""
    out = [f"{name}: {old.get(name)} → {new.get(name)}" for name in ("control", "rule", "parameters")
           if old.get(name) != new.get(name)]  # fmt: skip
    before, after = ({row["id"]: row for row in one.get("assets", ())} for one in (old, new))
    for ident in sorted(before.keys() | after.keys()):
        a, b = before.get(ident), after.get(ident)
        row = b or a or {}
        name = f"{row.get('kind')} {row.get('asset')} ({ident})"
        if a is None or b is None:
            out.append(f"{name}: {'not in the first' if a is None else 'not in the second'}")
        elif a != b:
            changed = [f"{k} {a.get(k)} → {b.get(k)}" for k in dict.fromkeys([*a, *b]) if a.get(k) != b.get(k)]
            out.append(f"{name}: {'; '.join(changed)}")
    return [sanitize.clean(line) for line in out]
