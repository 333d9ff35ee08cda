"""Secrets taken out of values and texts, by the names of properties and by the secrets themselves.

Must know nothing of this package but how text is sanitized.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from .sanitize import cell

HIDDEN = "[hidden]"
LONGEST_TEXT = 100_000  # of a text that is looked into for JSON
LARGEST = 10**30  # number that is taken for a secret; beyond it none is sent
SHORT = 4  # characters; a secret shorter than this is looked for as a whole word only
NO_SECRET = ("id", "name", "type", "resourceUri", "username", "userName", "expiresAt", "expiresIn", "expiresInSeconds")
LONGEST_CUT = 1700  # characters before a cut that may be the beginning of a secret: no text of ours is cut later
MOST_SECRETS = 100  # of one call
_SHORT_WORDS = {n: re.compile(rf"(?<!\w)(?=(.{{{n}}})(?!\w))", re.DOTALL) for n in range(SHORT - 1, 0, -1)}
_SECRET = re.compile(
    r"pass(?:word|wd|phrase)|secret|cipher|totp|^otp$|one-?time-?code|token$|private-?key|api-?key|access-?key|"
    r"authorization|remoteaccessstationid|activationcode|^sid$",
    re.IGNORECASE,
)
_PAIR = re.compile(
    r"""["']([^"'\\]{1,100})["']\s{0,9}:\s{0,9}(["'])((?:(?!\2)[^\\]|\\.)*)"""
)  # in JSON that does not parse
# of a URL with a login in it, or of an address that is written `name:password@host`
_PASSWORD = re.compile(r"(?:(?<=://)|^)([^\s/@:]{0,200}):([^\s/@]{1,200})(?=@)")


def redact(value: Any, reveal: bool = False) -> Any:
    """The JSON value with what its names mark as secret replaced, at any depth, unless `reveal`."""
    if reveal:
        return value
    if isinstance(value, dict):
        return {
            name: HIDDEN if is_secret(name) and _holds_secret(item) else redact(item) for name, item in value.items()
        }
    if isinstance(value, list):
        return [redact(item) for item in value]
    return _PASSWORD.sub(rf"\1:{HIDDEN}", value) if isinstance(value, str) and "@" in value else value


def redact_all_but_known(value: Any) -> Any:
    """What an operation that gives out secrets answers: only what is known to be none stays, whatever its name."""
    if isinstance(value, dict):
        return {
            name: item if name in NO_SECRET and not _is_container(item) else redact_all_but_known(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [redact_all_but_known(item) for item in value]
    return HIDDEN if _holds_secret(value) else value


def secrets_in(arguments: Any) -> tuple[str, ...]:
    """The secrets among the arguments of a call: what stands under a secret's name, also where an object is text."""
    secrets: list[str] = []
    left: list[tuple[bool, Any]] = [(False, arguments)]
    while left:
        marked, value = left.pop()
        if isinstance(value, str) and value[:1] in ("{", "[") and len(value) < LONGEST_TEXT:
            try:
                left.append((marked, json.loads(value)))
            except (ValueError, RecursionError):
                secrets += [text for name, _, text in _PAIR.findall(value) if text and is_secret(name)]
        if isinstance(value, Mapping):
            left += [(marked or is_secret(str(name)), item) for name, item in value.items()]
        elif isinstance(value, (list, tuple)):
            left += [(marked, item) for item in value]
        elif marked and isinstance(value, str):
            secrets += [value] if value else []
        elif isinstance(value, str) and "@" in value[:LONGEST_TEXT]:
            secrets += [password for _, password in _PASSWORD.findall(value[:LONGEST_TEXT])]
        elif marked and isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST:
            secrets.append(str(value))
    return tuple(secrets)


def mask(text: str, secrets: Iterable[str]) -> str:
    """The text with each of the secrets hidden, however it was spelled on its way here, or cut off."""
    return Masker(secrets)(text)


class Masker:
    """Hides the same secrets in many texts; what that needs is made once.

    The work grows with the text and with the characters of the secrets, never with their product of squares:
    whoever chooses both must not hold up others.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        spelled = {form for secret in set(secrets) for form in (secret, *_spellings(secret)) if form}
        self._long = sorted((form for form in spelled if len(form) >= SHORT), key=len, reverse=True)
        self._short = frozenset(spelled.difference(self._long))
        self._ordered = sorted(self._long)
        self._initials = frozenset(form[0] for form in self._long)

    def __call__(self, text: str) -> str:
        """The text with the secrets hidden."""
        for form in self._long:
            text = text.replace(form, HIDDEN)
        if self._short:
            text = self._hide_words(text)
        if self._long and "…" in text:
            *pieces, last = text.split("…")
            text = "…".join((*map(self._hide_beginning, pieces), last))
        return text

    def _hide_words(self, text: str) -> str:
        """Without the secrets that are too short to be looked for within words."""
        for length, words in _SHORT_WORDS.items():
            out, copied = [], 0
            for match in words.finditer(text):
                if match[1] in self._short and match.start() >= copied:
                    out += [text[copied : match.start()], HIDDEN]
                    copied = match.start() + length
            text = "".join((*out, text[copied:])) if out else text
        return text

    def _hide_beginning(self, piece: str) -> str:
        """What stands before a cut, without the beginning of a secret that was cut off."""
        for begin in range(max(0, len(piece) - LONGEST_CUT), len(piece) - SHORT + 1):
            if piece[begin] in self._initials:
                end = piece[begin:]
                place = bisect_left(self._ordered, end)
                if place < len(self._ordered) and self._ordered[place].startswith(end):
                    return piece[:begin] + HIDDEN
        return piece


def _spellings(text: str) -> tuple[str, ...]:
    """How a text looks as a cell, in a quotation, and in JSON."""
    line = cell(text, 2 * len(text))
    return line, line.replace('"', "'"), json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]


@lru_cache(maxsize=2048)
def is_secret(name: str) -> bool:
    """Whether a property of this name holds a secret."""
    return _SECRET.search(name) is not None


def _holds_secret(item: Any) -> bool:
    # true, false and null tell whether there is a secret, not what it is
    return item is not None and not isinstance(item, bool) and item not in ("", [], {})


def _is_container(item: Any) -> bool:
    return isinstance(item, (dict, list))
