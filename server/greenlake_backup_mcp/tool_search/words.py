"""The words of a text: without marks and slips of the finger, names and ids marked with ~, each with its base form."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from . import vocabulary

NAME = "~"
STOP = frozenset(vocabulary.STOP.split())
_SIGNS = frozenset(vocabulary.SIGNS.split())
_TOKEN = re.compile(r"~?[\w.\\/:@-]*\w|[,;:.?!]")
_FILE = re.compile(r"/\w+/|^/\w|^[a-z]:\\|\.(?:xlsx?|docx?|pptx?|pdf|txt|conf|cfg|csv|pst|zip|ini|log|ya?ml)$")
_MEASURE = re.compile(r"[\d.,:]+|\d+(?:st|nd|rd|th|x|h|d|gb|tb|tib|gib|am|pm)?")
_SHORT = (
    (r"’", "'"), (r"\b(?:can'?t|cannot)\b", "can not"), (r"\bwon'?t\b", "will not"), (r"'s\b", ""), (r"'d\b", " would"),
    (r"\b(is|are|was|were|do|does|did|has|have|could|should|would)n'?t\b", r"\1 not"),
)  # fmt: skip
_ENDINGS = (("ies", "y"), ("ied", "y"), ("es", ""), ("s", ""), ("ing", ""), ("ing", "e"), ("ed", ""), ("ed", "e"))


class Word(NamedTuple):
    """A word in lower case and its base form; `thing` is `<policy>` where a noun of that meaning ends."""

    text: str
    base: str
    thing: str = ""

    @property
    def name(self) -> bool:
        """Whether it is a name or an id."""
        return self.text.startswith(NAME)

    @property
    def plural(self) -> bool:
        """Whether it may be a plural."""
        return self.text != self.base and self.text.endswith("s")


def plain(text: str) -> list[Word]:
    """The words and marks of a question."""
    text = re.sub(r"\bDOs?\b", "orchestrator", text)
    for short, meant in _SHORT:
        text = re.sub(short, meant, text, flags=re.IGNORECASE)
    out: list[str] = []
    for raw in _TOKEN.findall(text):
        word = raw.lower()
        capital = raw != word and bool(out) and out[-1] not in ".?!;" and text != text.upper()
        if word.startswith(NAME) or base(word) in known_words() or _MEASURE.fullmatch(word):
            out.append(word)
        elif _FILE.search(word):
            out.extend(("file", NAME + word))
        elif re.search(r"\w\\\w", word):
            out.extend(("instance", NAME + word))
        elif re.search(r"[-/_.:]", word) and not re.search(r"\d", word) and not (capital and raw[:1].isupper()):
            out.extend(_parts(word))
        elif re.search(r"[-/_.:\d]", word) or (capital and len(word) > 1):
            out.append(NAME + word)
        else:
            out.append(_spelled(word))
    return as_words(out)


def as_words(texts: Iterable[str]) -> list[Word]:
    """Words with their base forms."""
    return [Word(text, base(text)) for text in texts]


def tool_words(text: str) -> list[Word]:
    """The words of a text of ours: no names in it, no slips."""
    return as_words(re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower()))


def stems(words: Iterable[Word]) -> Iterator[str]:
    """The words that tell things apart, in the same crude form for questions and tools."""
    for word in words:
        text = word.base.removeprefix(NAME)
        if text not in STOP and re.fullmatch(r"[a-z][a-z0-9]+", text):
            text = text.removesuffix("s") if not text.endswith(("ss", "us", "is")) else text
            yield text.removesuffix("e") if len(text) > 4 else text


@cache
def base(word: str) -> str:
    """The base form of a word, if the tables have it; else the word itself."""
    if word in vocabulary.IRREGULAR:
        return vocabulary.IRREGULAR[word]
    for ending, instead in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 1:
            for form in (stem + instead, stem[:-1] if stem[-1:] == stem[-2:-1] else stem):
                if form in known_words():
                    return form
    return word


@cache
def known_words() -> frozenset[str]:
    """Every word of the tables."""
    return frozenset(re.findall(r"[a-z0-9]+", vocabulary.WORDS)) | STOP


def _parts(word: str) -> list[str]:
    """A word with strokes: its words where all are known, else one name."""
    parts = [p for p in re.split(r"[-/_.:]+", word) if p]
    return parts if all(base(p) in known_words() and p not in _SIGNS for p in parts) else [NAME + word]


@cache
def _spelled(word: str) -> str:
    """The word of the tables that this one is, but for a slip of the finger."""
    near = [w for w in known_words() if len(w) > 4 and w[0] == word[0] and abs(len(w) - len(word)) < 2]
    return next(iter(difflib.get_close_matches(word, near, 1, 0.85)), word)
