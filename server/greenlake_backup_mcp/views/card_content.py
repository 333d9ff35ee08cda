"""What a confirmation card shows of a change: the gravest first, every line of it, the whole difference, its rows.

Bounded, and what is cut is told. Must know nothing of HTML, nor of how a change is answered.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from greenlake_backup_mcp.consent.plan_preview import PlanPreview
from greenlake_backup_mcp.consent.plan_ranking import rank
from greenlake_backup_mcp.consent.proposals import Evaluation
from greenlake_backup_mcp.previews import leaf_words
from greenlake_backup_mcp.text import sanitize, units
from greenlake_backup_mcp.tools.danger import Danger

MOST_LINES = 400  # of a difference, and of the text of a change
MOST_LETTERS = 120_000  # of all that a card is sent
LONGEST_TYPED = 60
LONGEST_ACTION = 200


def render(evaluation: Evaluation, demo: bool = False) -> dict[str, Any]:
    """A change as its card gets it: action, typed, lines, whole, rows and more; texts, all of them sanitized."""
    statement = evaluation.statement
    first, *lines = [sanitize.clean(line) for line in statement.lines()]
    rows = _rows(statement) if isinstance(statement, PlanPreview) else []
    return {
        "action": first[:LONGEST_ACTION],
        "typed": _typed(evaluation),
        "danger": statement.danger.value,
        "lines": lines[:2] if rows else _cut(lines, "read the assistant's preview for the rest"),
        "rows": rows,
        "whole": [] if rows else _cut(map(sanitize.clean, statement.whole), "the preview's reference has all"),
        "wholeInAll": 0 if rows else len(statement.whole),
        "demo": demo,
    }


def _typed(evaluation: Evaluation) -> str:
    """What the person types before something is destroyed: how many, or the target's name, or the start of its id."""
    statement = evaluation.statement
    if statement.danger is not Danger.DESTROY:
        return ""
    if isinstance(statement, PlanPreview):
        return str(len(statement.rows))
    resource: Mapping[str, Any] = evaluation.subject.resource
    name = str(resource.get("displayName") or resource.get("name") or "").strip()
    if name and len(name) <= LONGEST_TYPED and name == sanitize.clean(name) and _is_typable(name):
        return name
    return str(evaluation.subject.path).rpartition("/")[2][:8]


def _is_typable(name: str) -> bool:
    return all(unicodedata.category(letter)[0] in "LNPS" or letter == " " for letter in name) and "  " not in name


def _rows(plan: PlanPreview) -> list[dict[str, Any]]:
    """The calls of a plan, gravest first."""
    ranked = sorted(plan.rows, key=lambda row: (*rank(row), row[0].number))
    rows, letters = [], 0
    for item, effect in ranked:
        lines = [sanitize.clean(line) for line in (*effect.lines(), "", *effect.whole)]
        letters += sum(map(len, lines))
        title = effect.summary or leaf_words.without_ids(effect.title)
        if letters > MOST_LETTERS:
            lines = ["Not shown here, since the plan is long: preview_call of this call shows it."]
        rows.append(
            {
                "number": item.number,
                "title": sanitize.cell(f"{item.call.tool.title}: {title}", 200),
                "grave": effect.danger in (Danger.DESTROY, Danger.SECRET),
                "warnings": [sanitize.cell(warning, 160) for warning in effect.warnings],
                "lines": _cut(lines, "preview_call of this call shows them"),
            }
        )
    return rows


def _cut(lines: Iterable[str], where: str) -> list[str]:
    """As many lines as a card holds; the last says how many are missing."""
    every, letters = list(lines), 0
    for number, line in enumerate(every):
        letters += len(line)
        if number >= MOST_LINES or letters > MOST_LETTERS // 2:
            return [*every[:number], f"{units.plural(len(every) - number, 'more line')} not shown here: {where}."]
    return every
