"""The effect of a call put together: every leaf of its difference as a row, what is said besides, gravest first.

Must know nothing of single operations, HTTP or MCP.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.text import masking, sanitize
from greenlake_backup_mcp.tools.danger import Danger, gravest_danger

from . import leaf_words
from .difference import Leaf, Path, leaves_of
from .judgement import CLAUSE, RANK, SENTENCE, SILENT, SPREADING, judge_all
from .leaf_words import MOST_WHOLE
from .model import CANNOT, MOST_FIRST, Change, Effect, Finding, Gravity, PreviewSpec, Subject, grave, notable, say
from .phrases import not_known
from .places import ABSENT, PLACES, request_body
from .reads import VOLATILE

WHOLE = 10**7  # characters of a value in the whole difference: as many as a request can have
MOST_TEXT = 100  # characters of a value in them
MOST_BOUND = 40  # changes that a code's facts spell out; beyond, one digest stands for all
WORST = (Danger.DESTROY, Danger.SECRET)
SPEAKING = ("ACCESS", "UNUSABLE")  # kinds of change whose note has the first line
LONG_NAMES = re.compile(r'"([^"]{40})[^"]{2,}"')
CLAUSES = re.compile(r"[.;:] | \(")  # where a text may end early


def compose(s: Subject, spec: PreviewSpec, further: Iterable[Finding], quiet: frozenset[str]) -> Effect:
    """All that a call would do: its difference, what its spec and `further` say of it; `quiet` reads are not missed."""
    rows = list(judge_all(s))
    changes = tuple(change for change, _ in rows)
    missed = (s.target.result, *s.target.uses.values(), *(r for name, r in s.facts.items() if name not in quiet))
    harmless = (s.target.result, s.facts.get("tasks"))  # told of already; makes nothing grave
    unread = not_known(*(r for r in missed if not r.missing and not any(r is one for one in harmless)))
    findings = sorted(
        [*spec.findings(s), *further, *_unweighed(s, unread), *_no_change(s)], key=lambda finding: -finding.gravity
    )
    title = say(spec.title, s)
    forbidden = (
        spec.forbidden(s)
        or next((f.words for f in findings if f.forbids), "")
        or _too_long(request_body(s.tool, s.arguments))
    )
    danger = gravest_danger(s.tool.least_danger, *(d for _, d in rows), *(f.danger for f in findings))
    weight, line = _first_line(s, title, findings, changes, danger)
    return Effect(
        title=title,
        gravest=cannot(forbidden) if forbidden else line,
        weight=weight,
        facts=tuple(spec.facts(s)) if s.target.path else (),
        changes=changes,
        consequences=tuple(f.words for f in findings if f.words),
        reversibility=say(spec.reversibility, s),
        unknown=((*not_known(*missed), *spec.unknown) if s.target.path else not_known(*missed[1:])),
        forbidden=forbidden,
        warnings=tuple(f.warning for f in findings if f.warning) + _kinds(changes),
        summary=say(spec.summary, s),
        size=spec.size(s),
        danger=danger,
        left_out=s.difference.left_out,
        whole=tuple(_whole(s)),
        bound=(*_bound(s), *(text for f in findings for text in f.binds)),
    )


def _too_long(value: Any, place: str = "") -> str:
    """Which text of a request is longer than a person can be shown, by its place as in JSON; "" where none is."""
    if isinstance(value, str) and len(value) > MOST_WHOLE:
        most = f"at most {MOST_WHOLE:,} can be shown to the person"
        return f"{sanitize.cell(place)} has {len(value):,} characters; {most}."
    inside: Iterable[tuple[str, Any]] = ()
    if isinstance(value, Mapping):
        inside = ((f"{place}.{name}".removeprefix("."), item) for name, item in value.items())
    elif isinstance(value, list):
        inside = ((f"{place}[{n}]", item) for n, item in enumerate(value))
    return next(filter(None, (_too_long(item, path) for path, item in inside)), "")


def _unweighed(s: Subject, unread: tuple[str, ...]) -> Iterator[Finding]:
    """Of a call that is grave with some arguments only: that what would make it grave could not be read."""
    if s.tool.conditional and unread:
        yield grave(f"WHETHER IT IS GRAVE IS NOT KNOWN: not read is {'; '.join(unread)}.", "not all of it was read")


def _no_change(s: Subject) -> Iterator[Finding]:
    """That a change gives only what is there already."""
    changes = s.method in ("PATCH", "PUT") or s.operation in PLACES
    if changes and s.target.result.available and not s.difference.leaves and request_body(s.tool, s.arguments):
        yield notable("Nothing differs from what is there now.")


def _first_line(
    s: Subject, title: str, findings: list[Finding], changes: tuple[Change, ...], danger: Danger
) -> tuple[int, str]:
    """The gravest fact in at most 120 characters, and its rank; what destroys weighs, though nothing is grave of it."""
    weighty = [f for f in findings if f.gravity is Gravity.GRAVE]
    lost = [c for c in changes if c.gravity is Gravity.GRAVE]
    worst = min(weighty, key=_rank, default=None)
    if worst and (not lost or _rank(worst) <= (RANK[lost[0].kind], False)):
        return _rank(worst)[0], fit(worst.short or worst.words)
    if lost:
        return RANK[lost[0].kind], _first_change(s, lost)
    return len(RANK) + (danger not in WORST), fit(title + ".")


def _rank(finding: Finding) -> tuple[int, bool]:
    """Where a finding stands among what is grave: what destroys or reveals, then what has a short form."""
    if finding.danger in WORST:
        return -1, not finding.short
    return RANK[finding.kind or (CLAUSE if finding.short else SENTENCE)], False


def _first_change(s: Subject, lost: list[Change]) -> str:
    """The gravest change as a first line: with its thing and values, as far as they fit."""
    first = lost[0]
    if first.kind in SPEAKING:
        return fit(first.note)
    whom = f" for {s.held_by}" if s.held_by and first.kind in SPREADING else ""
    gone = list(dict.fromkeys(c.group for c in lost if c.kind == "LOST" and not c.words))
    if first.kind == "LOST" and gone:
        more = len(lost) - sum(c.kind == "LOST" and not c.words for c in lost)
        forms = [f"{', '.join(gone[:n])}{_more(len(gone) - n)}" for n in range(min(len(gone), 12), 0, -1)]
    elif first.kind == "PROGRAM" and any(c.path.endswith("ScriptInfo.path") for c in lost if c.group == first.group):
        own = {c.path.rpartition(".")[2]: c.after for c in lost if c.kind == "PROGRAM" and c.group == first.group}
        more = len(lost) - len(own)
        path, host = own["path"], own.get("hostId", "its host")
        places = (f" with {first.group}", f" with {first.group.rpartition(', ')[2]}", "")
        forms = [f"{what} runs on {host}{place}" for what in (path, "it") for place in places]
    else:
        more = len(lost) - 1
        groups = dict.fromkeys((first.group, first.group.rpartition(", ")[2], ""))
        forms = [": ".join(filter(None, (group, first.text))) for group in groups] + [first.words]
    tail = f" (and {more:,} more grave change{'s' if more > 1 else ''})." if more else "."
    lines = [f"{first.kind}{whom}: {text}{tail}" for form in forms for text in (form, leaf_words.without_ids(form))]
    return next((line for line in lines if len(line) <= MOST_FIRST), f"{first.kind}{whom}{tail}")


def _more(count: int) -> str:
    return f" and {count:,} more" if count else ""


def cannot(why: str) -> str:
    """The first line of what cannot be done."""
    return fit(f"{CANNOT}{why}")


def fit(text: str, most: int = MOST_FIRST) -> str:
    """A text within a line: without ids first, then with shorter names, up to the end of a clause; all is told below.

    Never up to the end of a sentence within a quotation: a name would have the last word of the line.
    """
    plain = leaf_words.without_ids(text)
    shorter = plain
    for shorter in (text, plain, LONG_NAMES.sub(r'"\1…"', plain)):
        if len(shorter) <= most:
            return shorter
    for match in reversed(list(CLAUSES.finditer(shorter, 0, most - 1))):
        head = shorter[: match.start()]
        if len(head) > most // 4 and head.count('"') % 2 == 0 and head.count("(") == head.count(")"):
            return f"{head}."
    return shorter[: most - 1] + "…"


def _kinds(changes: tuple[Change, ...]) -> tuple[str, ...]:
    """What grave changes make of a target, for its row in a long list."""
    kinds: dict[str, list[str]] = {}
    for c in changes:
        if c.gravity is Gravity.GRAVE and c.path not in ("expiresAt", "lockedUntil"):
            what = leaf_words.without_ids(": ".join(filter(None, (c.group, c.text if c.words else ""))))
            kinds.setdefault(c.kind.lower(), []).append(sanitize.cell(what, MOST_TEXT))
    return tuple(f"{kind}: {those[0]}{_more(len(those) - 1)}" for kind, those in kinds.items())


# --- the whole difference ---------------------------------------------------------------------------------------------


def _whole(s: Subject) -> Iterator[str]:
    """Every leaf, and of what ends every property, a line each."""
    for leaf in s.difference.leaves:
        if leaf.after is ABSENT and isinstance(leaf.before, (Mapping, list)):
            yield from (
                f"{leaf.dotted}{_dotted(path)}: {_value(s, path, value)} → gone"
                for path, value in leaves_of(leaf.before)
            )
        else:
            sides = [_value(s, leaf.path, side) for side in (leaf.before, leaf.after)]
            default = " (left out; that is the default)" if leaf.default else ""
            yield f"{leaf.dotted}: {sides[0] or '-'} → {sides[1] or 'gone'}{default}"
    yield from (f"{name}: left to the service" for name in s.difference.left_out)
    if s.method == "DELETE":
        for path, value in leaves_of(s.resource):
            yield f"{_dotted(path).lstrip('.')}: {_value(s, path, value) or 'nothing'} → gone"


def _value(s: Subject, path: Path, value: Any) -> str:
    name = next((step for step in reversed(path) if isinstance(step, str)), "")
    return leaf_words.Wording(s.id_names, s.now, WHOLE).value(name, value)


def _dotted(path: Path) -> str:
    return f".{Leaf(path).dotted}" if path else ""


def _bound(s: Subject) -> tuple[str, ...]:
    """Each change in words that the clock does not reword: what a code is bound to, and what is told to have moved."""
    rows = [f"{leaf.dotted}: {_plain(leaf, leaf.before)} → {_plain(leaf, leaf.after)}" for leaf in s.difference.leaves]
    if len(rows) > MOST_BOUND:
        return (f"{len(rows):,} changes (digest {hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:12]})",)
    return tuple(rows)


def _plain(leaf: Leaf, value: Any) -> str:
    if value is ABSENT or leaf.name in VOLATILE:
        return "-"
    if SILENT(leaf.name):
        return "(not shown)"
    text = json.dumps(masking.redact(value), sort_keys=True, ensure_ascii=False, default=str)
    if len(text) > MOST_TEXT:
        text = f"{text[:MOST_TEXT]}… (digest {hashlib.sha256(text.encode()).hexdigest()[:12]})"
    return sanitize.cell(text, MOST_TEXT + 60)
