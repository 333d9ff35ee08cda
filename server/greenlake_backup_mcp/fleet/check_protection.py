"""check_protection: a control over the assets that are meant, counted so that it adds up; or all controls in short."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.lists.list_tool import Answer
from greenlake_backup_mcp.text import sanitize, suggest, units

from . import frame, selection
from .controls import CONTROLS
from .estate import Estate
from .question import Question, Reply
from .verdicts import Context, Control, State, Tally, tally

PARAMETERS = ("place", "hours", "days", "until", "since")
MOMENTS = ("until", "since")
COUNTED = (State.MET, State.NOT_MET, State.ACCEPTED, State.PENDING, State.UNREAD, State.NOT_JUDGED)

NONE = "no asset can be judged"


@dataclass(frozen=True)
class Checked:
    """What a control found: the tally, what is said besides, and the parameters it judged by."""

    control: Control
    tally: Tally
    lines: list[str]
    parameters: Mapping[str, Any]
    understood: Mapping[str, str] = field(default_factory=dict)  # moments among them, in the person's zone

    @property
    def rule(self) -> str:
        """The rule in words, with its parameters."""
        rule = next((r for name, r in self.control.rules.items() if name in self.parameters), self.control.rule)
        place = f", looking at copies {self.parameters['place']} alone" if "place" in self.parameters else ""
        return rule.format(**{**self.control.defaults, **self.parameters}) + place


async def answer(question: Question) -> Answer:
    """The answer of check_protection. InputError for a control, name or moment that is none."""
    values = question.values
    controls = _controls(values)
    refuse_unused(values)
    checked, estate = await question.ask(lambda c, e: [check(c, e, question, one) for one in controls])
    alone = values.get("control") in CONTROLS
    if question.json and alone:
        return question.fit(_value(checked[0], question, estate), "assets", estate)
    if question.json:
        return question.fit({"checks": [_summary(one) for one in checked]}, "checks", estate)
    if checked[0].tally.findings:
        reply = _reply(checked[0], question, estate) if alone else _overview(checked, values)
        return reply.render(question, estate)
    meant = selection.words(values)
    none = f"No asset is meant by {meant}." if meant else "There is no asset in the catalog."
    return Reply([none if estate.assets else "No asset was read yet: nothing can be said of any."]).render(
        question, estate
    )


def _controls(values: Mapping[str, Any]) -> Sequence[Control]:
    """Those that are asked for: one, those of the frame, or all."""
    name = values.get("control")
    if name is None:
        return tuple(CONTROLS.values())
    if name == frame.NAME:
        return frame.CONTROLS
    if name not in CONTROLS:
        raise InputError(
            f"control: there is no {sanitize.quoted(str(name), 40)}. {suggest.suggestion(str(name), CONTROLS, 1)}",
            hint=f"Controls: {', '.join(CONTROLS)}, frame; without one, all of them in a line each.",
        )
    return (CONTROLS[name],)


def refuse_unused(values: Mapping[str, Any]) -> None:
    """InputError for an argument that the named control does not judge by: its answer would look as if it did."""
    name = values.get("control")
    if name is None:
        return
    uses = frame.USES if name == frame.NAME else CONTROLS[name].uses
    for argument in PARAMETERS:
        if values.get(argument) is not None and argument not in uses:
            takes = " and ".join(uses) or f"none of {', '.join(PARAMETERS)}"
            raise InputError(
                f"{name} does not judge by {argument}.",
                hint=f"{name} takes {takes}; {argument} is for {_users(argument)}.",
            )


def _users(name: str) -> str:
    return ", ".join(one.name for one in CONTROLS.values() if name in one.uses)


def check(connection: sqlite3.Connection, estate: Estate, question: Question, control: Control) -> Checked:
    """A control over the assets that a question means."""
    meant = selection.select(estate, question.values)
    context = Context(connection, estate, question.clock, question.values, meant)
    judge, lines = control.judge(context)
    counted = tally(control, judge, context, meant, question.accepted)
    parameters_used = {n: question.values[n] for n in control.uses if question.values.get(n) is not None}
    moments = {n: question.clock.seconds(str(v), n) for n, v in parameters_used.items() if n in MOMENTS}
    understood = {n: question.clock.stamp(seconds) or "" for n, seconds in moments.items()}
    return Checked(control, counted, lines(counted), {**control.defaults, **parameters_used}, understood)


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
    return f"{counted.count(State.MET):,} of {counted.judged:,}" if counted.judged else "none judged"


def _reply(checked: Checked, question: Question, estate: Estate) -> Reply:
    counted, values = checked.tally, question.values
    meant = selection.words(values)
    asked = ", ".join(f"{k} {v}" + (f" = {checked.understood[k]}" if k in checked.understood else "")
                      for k, v in checked.parameters.items() if k in values)  # fmt: skip
    share = f"{_share(counted)} assets that can be judged meet it" if counted.judged else NONE
    narrowed = "; ".join(filter(None, (meant, asked)))
    head = [
        f"{checked.control.name}: {share}{f' ({narrowed})' if narrowed else ''}.",
        *selection.notes(estate, values),
        f"Rule: {checked.rule}.",
        _counted(counted),
    ]  # fmt: skip
    for state, word in ((State.NOT_MET, "Not met"), (State.ACCEPTED, "Accepted"), (State.PENDING, "Pending"),
                        (State.UNREAD, "Unread, so not known"), (State.NOT_JUDGED, "Not judged")):  # fmt: skip
        if counted.count(state):
            head.append(f"{word}: {_causes(counted, state)}.")
    if ends := [f.accepted.until for f in counted.in_states(State.ACCEPTED) if f.accepted is not None]:
        head.append(f"The first of the accepted exceptions ends {question.clock.stamp(min(ends))}.")
    rows = [{"asset": f.asset.name, "kind": f.asset.kind, "why": f.verdict.cause, **f.verdict.facts, "id": f.asset.id}
            for f in counted.in_states(*_wanted(values))]  # fmt: skip
    based = f"; what it rests on: query_catalog {checked.control.sql}" if checked.control.sql else ""
    return Reply(
        [*head, *checked.lines], "Gravest first:", rows, f"All: the evidence; fewer: by policy, group, tag, …{based}.",
        [f"Evidence, a row per asset, to be saved: resource {uri(values, 'csv')} (or .json)."] if counted.findings
        else [],
    )  # fmt: skip


def _wanted(values: Mapping[str, Any]) -> tuple[State, ...]:
    """The verdicts whose assets are listed."""
    chosen = values.get("verdict")
    if chosen is None:
        return (State.NOT_MET, State.PENDING)
    return tuple(State) if chosen == "all" else (State(str(chosen).replace("_", " ")),)


def _most_often(counted: Tally) -> str:
    """The most frequent cause of what is not met, else of what is open; why nobody is judged, only where nobody is."""
    for states in ((State.NOT_MET,), COUNTED[2:]):
        for cause, _ in counted.causes(*(s for s in states if s is not State.NOT_JUDGED or not counted.judged)):
            return cause
    return ""


def _overview(checked: list[Checked], values: Mapping[str, Any]) -> Reply:
    rows = [
        {"control": one.control.name, "met": _share(one.tally),
         **{s.key: one.tally.count(s) or None for s in COUNTED[1:]},
         "mostOften": _most_often(one.tally)}
        for one in checked
    ]  # fmt: skip
    meant = selection.words(values)
    total = units.plural(len(checked[0].tally.findings), "asset")
    over = f"{total}{f' ({meant})' if meant else ''}; each row adds up to that."
    tail = ["Groups and datastores are not counted: their members are, each once."]
    if values.get("control") == frame.NAME:
        rows = [{**row, "rule": one.rule} for row, one in zip(rows, checked, strict=True)]
        lines = [line for one in checked for line in one.lines]
        return Reply(
            [f"The ten controls of AWS Backup Audit Manager over {over}", *lines], rows=rows, tail=tail, few=True
        )
    judged_by = [f"{n} {values[n]} is judged by in {_users(n)} alone." for n in PARAMETERS if values.get(n) is not None]
    one_each = "One control at a time shows which assets, and by which rule."
    return Reply([f"All controls over {over}", *judged_by, one_each], rows=rows, tail=tail, few=True)


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
    return {
        **_summary(checked), "asOf": units.instant(estate.coverage.now), "timeZone": question.clock.label,
        "understood": dict(checked.understood), "evidence": uri(question.values, "json"), "matching": len(listed),
        "assets": [{"asset": f.asset.name, "id": f.asset.id, "kind": f.asset.kind, "verdict": f.verdict.state.value,
                    "cause": f.verdict.cause, **f.verdict.facts} for f in listed],
    }  # fmt: skip


def parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that say what is judged, and of which assets."""
    return {n: values[n] for n in ("control", *selection.ARGUMENTS, *PARAMETERS) if values.get(n) is not None}


def uri(values: Mapping[str, Any], form: str) -> str:
    """The address of the evidence of a check."""
    zone = {"timeZone": values["timeZone"]} if values.get("timeZone") else {}
    return f"greenlake-backup://evidence/check_protection.{form}?{urlencode({**parameters(values), **zone})}"
