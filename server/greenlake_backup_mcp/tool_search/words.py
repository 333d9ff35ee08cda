"""The words of a text: without marks and slips of the finger, names and ids marked with ~, verbs in their base form.

Knows English and which words the tables have. Must know nothing of what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from . import vocabulary

NAME = "~"
_TOKEN = re.compile(r"~?[\w.\\/:@-]*\w|[,;:.?!]")
_QUOTED = re.compile(r"[\"“”`«»„]([^\"“”`«»„]{1,60})[\"“”`«»„]")
_FILE = re.compile(r"/\w+/|^/\w|^[a-z]:\\|\.(?:xlsx?|docx?|pptx?|pdf|txt|conf|cfg|csv|pst|zip|ini|log|ya?ml)$")
_MEASURE = re.compile(r"[\d.,:]+|\d+(?:st|nd|rd|th|x|h|d|gb|tb|tib|gib|am|pm)?")
_IRREGULAR = {"kept": "keep", "held": "hold", "taken": "take", "made": "make", "given": "give", "thrown": "throw"}
_SHORT = (("’", "'"), ("can't", "can not"), ("won't", "will not"), ("n't", " not"), ("'s", ""), ("'d", " would"))
_FREE = ("vm", "sql")  # short words that are no sign of a name


def plain(text: str) -> list[str]:
    """The words and marks of a question in lower case."""
    text = _QUOTED.sub(
        lambda m: f" {NAME}" + re.sub(r"\W+", "-", m[1]) + " ", re.sub(r"\bDOs?\b", "orchestrator", text)
    )
    for short, meant in _SHORT:
        text = text.replace(short, meant)
    out: list[str] = []
    for place, raw in enumerate(_TOKEN.findall(text)):
        word = raw.lower()
        capital = raw != word and place > 0 and bool(out) and out[-1] not in ".?!;" and text != text.upper()
        if word.startswith(NAME) or word in known_words() or _MEASURE.fullmatch(word):
            out.append(word)
        elif _FILE.search(word):
            out.extend(("file", NAME + word))
        elif re.search(r"\w\\\w", word):
            out.extend(("instance", NAME + word))
        elif re.search(r"\d", word):
            out.append(NAME + word)
        elif re.search(r"[-/_.:]", word):
            out.extend(_parts(word, capital and raw[:1].isupper()))
        else:
            out.append(NAME + word if capital and len(word) > 1 else _spelled(word))
    return out


def tool_words(text: str) -> list[str]:
    """The words of a text of ours: no names in it, no slips."""
    return re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower())


def stems(words: list[str]) -> Iterator[str]:
    """The stems of the words that tell things apart; crude, and the same for questions and tools."""
    for word in (w.removeprefix(NAME) for w in words):
        if word in vocabulary.STOP or not re.fullmatch(r"[a-z][a-z0-9]+", word):
            continue
        base = lemma(word)[0]
        for ending, instead in (("ies", "y"), ("sses", "ss"), ("s", "")):
            if base.endswith(ending) and not base.endswith(("ss", "us", "is")) and len(base) > 3:
                base = base[: -len(ending)] + instead
                break
        yield base[:-1] if base.endswith("e") and len(base) > 4 else base


@cache
def verbs() -> Mapping[str, tuple[str, ...]]:
    """A verb -> what it may order, its usual meaning first."""
    meanings: dict[str, list[str]] = {}
    for order, row in vocabulary.VERBS.items():
        for verb in row.split():
            meanings.setdefault(verb, []).append(order)
    return {verb: tuple(orders) for verb, orders in meanings.items()}


@cache
def lemma(word: str) -> tuple[str, str]:
    """The base of a verb's form, and which form it is."""
    if word in _IRREGULAR:
        return _IRREGULAR[word], "ed"
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            stem = word[: -len(ending)]
            bases = (stem + "e", stem, stem[:-1] if stem[-1:] == stem[-2:-1] else stem)
            return next((b for b in bases if b in verbs()), stem), ending
    return word, ""


@cache
def known_words() -> frozenset[str]:
    """Every word of the tables, and the forms of their verbs and nouns."""
    tables = (vocabulary.THINGS, vocabulary.HINTS, vocabulary.ORDERS, tuple(vocabulary.SPEECH.items()))
    rows = [row[-1] for table in tables for row in table] + list(vocabulary.VERBS.values())
    base = {w for row in rows for w in re.split(r"[ ,/_]+", row)} | vocabulary.STOP
    forms = {form for verb in verbs() for form in _forms(verb)}
    return frozenset({w for w in base | forms if w.isalnum()} | {w + "s" for w in base if w.isalpha()})


def _forms(verb: str) -> tuple[str, ...]:
    stem = verb[:-1] if verb.endswith("e") else verb
    return stem + "ed", stem + "ing", verb + verb[-1] + "ed", verb + verb[-1] + "ing"


def _parts(word: str, capital: bool) -> tuple[str, ...]:
    """A word with strokes: its words where all are known, else one name."""
    parts = [p for p in re.split(r"[-/_.:]+", word) if p]
    short = any(len(p) < 4 and p in vocabulary.NAME_HINTS and p not in _FREE for p in parts)
    whole = not short and not capital and all(p in known_words() or len(p) < 3 for p in parts)
    return tuple(parts) if whole else (NAME + word,)


@cache
def _spelled(word: str) -> str:
    """The word of the tables that this one is, but for a slip of the finger."""
    if len(word) < 4 or lemma(word)[0] in known_words():
        return word
    near = [
        w for w in known_words() if w[0] == word[0] and len(w) >= 5 and abs(len(w) - len(word)) <= 1 and _slip(w, word)
    ]
    return max(near, key=lambda w: (len(w), w)) if near else word


def _slip(right: str, word: str) -> bool:
    """Whether a letter is missing, or in longer words too much or wrong, or two neighbours changed places."""
    n = next((i for i, (x, y) in enumerate(zip(right, word, strict=False)) if x != y), min(len(right), len(word)))
    if right[n + 1 :] == word[n:]:
        return True
    if len(word) < 5:
        return False
    swapped = right[n : n + 2] == word[n : n + 2][::-1] and right[n + 2 :] == word[n + 2 :]
    return swapped or right[n:] == word[n + 1 :] or (len(word) >= 7 and right[n + 1 :] == word[n + 1 :])
