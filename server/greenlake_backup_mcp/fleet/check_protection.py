"""check_protection: a control over the assets that are meant, counted so that it adds up; or all controls in short."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from greenlake_backup_mcp.catalog import answer as answers
from greenlake_backup_mcp.catalog.answer import Answer
from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.text import sanitize, suggest, units

from . import exceptions, selection
from .controls import CONTROLS
from .facts import Asset, Estate
from .question import Question, Reply
from .verdicts import Context, Control, State, Tally, tally

PARAMETERS = ("place", "hours", "days", "until")
COUNTED = (State.MET, State.NOT_MET, State.ACCEPTED, State.PENDING, State.UNREAD, State.NOT_JUDGED)

NONE = "no asset can be judged"
COLUMNS = {state: state.value.replace(" m", "M").replace(" j", "J") for state in State}


@dataclass(frozen=True)
class Checked:
    """What a control found: the tally, what is said besides, and the parameters it judged by."""

    control: Control
    tally: Tally
    lines: list[str]
    parameters: Mapping[str, Any]

    @property
    def rule(self) -> str:
        """The rule in words, with its parameters."""
        rule = next((r for name, r in self.control.rules.items() if name in self.parameters), self.control.rule)
        place = f", looking at copies {self.parameters['place']} alone" if "place" in self.parameters else ""
        return rule.format(**{**self.control.defaults, **self.parameters}) + place


async def answer(question: Question) -> Answer:
    """The answer of check_protection. InputError for a control, name or moment that is none."""
    values = question.values
    name = values.get("control")
    if name is not None and name not in CONTROLS:
        near = suggest.near_names(str(name), CONTROLS, 2)
        likely = f" Did you mean {near[0]}?" if near else ""
        raise InputError(
            f"control: there is no {sanitize.quoted(str(name), 40)}.{likely}",
            hint=f"Controls: {', '.join(CONTROLS)}; without one, all of them in a line each.",
        )
    refuse_unused(values)
    names = [name] if name else list(CONTROLS)
    checked, estate = await question.ask(lambda c, e: [check(c, e, question, CONTROLS[one]) for one in names])
    if not checked[0].tally.findings:
        meant = selection.words(values)
        unread = "" if estate.assets else "No asset was read yet: nothing can be said of any."
        none = f"No asset is meant by {meant}." if meant else "There is no asset in the catalog."
        return Reply([unread or none]).render(question, estate)
    if question.json:
        value = {"checks": [_summary(one) for one in checked]} if not name else _value(checked[0], question, estate)
        rows = "checks" if not name else "assets"
        return Answer(value=answers.fit_json({**value, "coverage": estate.coverage.value()}, rows, question.room))
    reply = _overview(checked, values) if not name else _reply(checked[0], question)
    return reply.render(question, estate)


def refuse_unused(values: Mapping[str, Any]) -> None:
    """InputError for an argument that the named control does not judge by: its answer would look as if it did."""
    control = CONTROLS.get(str(values.get("control")))
    for name in PARAMETERS:
        if control is not None and values.get(name) is not None and name not in control.uses:
            takes = " and ".join(control.uses) or f"none of {', '.join(PARAMETERS)}"
            raise InputError(
                f"{control.name} does not judge by {name}.",
                hint=f"{control.name} takes {takes}; {name} is for {_users(name)}.",
            )


def _users(name: str) -> str:
    return ", ".join(one.name for one in CONTROLS.values() if name in one.uses)


def check(connection: sqlite3.Connection, estate: Estate, question: Question, control: Control) -> Checked:
    """A control over the assets that a question means."""
    context = Context(connection, estate, question.clock, question.values)
    judge, lines = control.judge(context)
    counted = tally(control, judge, context, selection.select(estate, question.values), question.accepted)
    parameters_used = {n: question.values[n] for n in control.uses if question.values.get(n) is not None}
    return Checked(control, counted, lines(counted), {**control.defaults, **parameters_used})


# --- told ----------------------------------------------------------------------------------------------------------


def _counted(counted: Tally) -> str:
    """All assets, state by state: it adds up."""
    parts = [f"{counted.count(state):,} {state.value}" for state in COUNTED]
    expired = f" ({counted.expired} of the not met had an exception that expired)" if counted.expired else ""
    return f"{units.plural(len(counted.findings), 'asset')} = {' + '.join(parts)}{expired}."


def _causes(counted: Tally, *states: State) -> str:
    return "; ".join(f"{count:,} {cause}" for cause, count in counted.causes(*states)[:8])


def _share(counted: Tally) -> str:
    """Numerator and denominator; never 0 of 0."""
    return f"{counted.count(State.MET):,} of {_judged(counted):,}" if _judged(counted) else "none judged"


def _judged(counted: Tally) -> int:
    return counted.count(State.MET) + counted.count(State.NOT_MET) + counted.count(State.ACCEPTED)


def _reply(checked: Checked, question: Question) -> Reply:
    counted, values = checked.tally, question.values
    met, judged = counted.count(State.MET), _judged(counted)
    meant = selection.words(values)
    asked = ", ".join(f"{k} {v}" for k, v in checked.parameters.items() if k in values)
    head = [
        f"{checked.control.name}: {f'{met:,} of {judged:,} assets that can be judged meet it' if judged else NONE}" +
        (f" ({'; '.join(filter(None, (meant, asked)))})." if meant or asked else "."),
        f"Rule: {checked.rule}.",
        _counted(counted),
    ]  # fmt: skip
    for state, word in ((State.NOT_MET, "Not met"), (State.ACCEPTED, "Accepted"), (State.PENDING, "Pending"),
                        (State.UNREAD, "Unread, so not known"), (State.NOT_JUDGED, "Not judged")):  # fmt: skip
        if counted.count(state):
            head.append(f"{word}: {_causes(counted, state)}.")
    listed = counted.in_states(*_wanted(values))
    rows = [_row(one.asset, one.verdict.cause, one.verdict.facts) for one in listed]
    based = f"; what it rests on: query_catalog {checked.control.sql}" if checked.control.sql else ""
    rest = "More: a higher limit, as far as an answer holds them; all: the evidence; fewer: by policy, group, tag, …"
    return Reply(
        [*head, *checked.lines], "Gravest first:", rows[: question.limit], len(rows), f"{rest}{based}.",
        [f"Evidence, a row per asset, to be saved: resource {uri(values, 'csv')} (or .json)."] if judged else [],
    )  # fmt: skip


def _wanted(values: Mapping[str, Any]) -> tuple[State, ...]:
    """The verdicts whose assets are listed."""
    chosen = values.get("verdict")
    if chosen is None:
        return (State.NOT_MET, State.PENDING)
    return tuple(State) if chosen == "all" else (State(str(chosen).replace("_", " ")),)


def _row(asset: Asset, cause: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {"asset": asset.name, "kind": asset.kind, "why": cause, **facts, "id": asset.id}


def _overview(checked: list[Checked], values: Mapping[str, Any]) -> Reply:
    rows = [
        {"control": one.control.name, "met": _share(one.tally),
         **{COLUMNS[s]: one.tally.count(s) or None for s in COUNTED[1:]},
         "mostOften": next((c for c, _ in one.tally.causes(State.NOT_MET)), "") or one.tally.causes(*COUNTED[3:])[0][0]
         if one.tally.count(State.MET) < len(one.tally.findings) else ""}
        for one in checked
    ]  # fmt: skip
    meant = selection.words(values)
    total = units.plural(len(checked[0].tally.findings), "asset")
    line = f"All controls over {total}{f' ({meant})' if meant else ''}; each row adds up to that."
    judged_by = [f"{n} {values[n]} is judged by in {_users(n)} alone." for n in PARAMETERS if values.get(n) is not None]
    return Reply(
        [line, *judged_by, "One control at a time shows which assets, and by which rule."],
        rows=rows,
        tail=["Groups and datastores are not counted: their members are, each once."],
    )


def _summary(checked: Checked) -> dict[str, Any]:
    counted = checked.tally
    return {
        "control": checked.control.name, "rule": checked.rule, "parameters": dict(checked.parameters),
        "counts": counted.counts,
        "causes": {s.value: dict(counted.causes(s)) for s in COUNTED[1:] if counted.count(s)},
        "notes": checked.lines,
    }  # fmt: skip


def _value(checked: Checked, question: Question, estate: Estate) -> dict[str, Any]:
    chosen = _wanted(question.values) if "verdict" in question.values else tuple(s for s in State if s is not State.MET)
    listed = checked.tally.in_states(*chosen)
    rows = listed[: int(question.values.get("limit", 500))]
    return {
        **_summary(checked), "asOf": units.instant(estate.coverage.now), "timeZone": question.clock.name or "machine",
        "evidence": uri(question.values, "json"), "matching": len(listed),
        "assets": [{"asset": f.asset.name, "id": f.asset.id, "kind": f.asset.kind, "verdict": f.verdict.state.value,
                    "cause": f.verdict.cause, **f.verdict.facts} for f in rows],
    }  # fmt: skip


def parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that say what is judged, and of which assets."""
    return {n: values[n] for n in ("control", *selection.ARGUMENTS, *PARAMETERS) if values.get(n) is not None}


def uri(values: Mapping[str, Any], form: str) -> str:
    """The address of the evidence of a check."""
    zone = {"timeZone": values["timeZone"]} if values.get("timeZone") else {}
    return f"greenlake-backup://evidence/check_protection.{form}?{urlencode({**parameters(values), **zone})}"


def accepted_rows(counted: Tally) -> Iterator[Mapping[str, Any]]:
    """The exceptions that were applied, each with its asset."""
    for one in counted.findings:
        if one.accepted is not None:
            yield {**exceptions.value(one.accepted), "asset": one.asset.name, "id": one.asset.id,
                   "expired": one.accepted.until < counted.now}  # fmt: skip
