"""Text of the API is data: made visible, escaped, never obeyed; secrets taken out.

The one place for it. Runs over every cell, so what is plain is recognised at once and returned as it is.
Must know nothing of this package but errors.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

HIDDEN = "[hidden]"
MOST_MARKS = 4  # combining marks on one letter; more only serve to cover the lines around

LONGEST_TEXT = 100_000  # of a text that is looked into for JSON
LARGEST = 10**30  # number that is taken for a secret; beyond it none is sent
SHORT = 4  # characters; a secret shorter than this is looked for as a whole word only
NO_SECRET = ("id", "name", "type", "resourceUri", "username", "userName", "expiresAt", "expiresIn", "expiresInSeconds")
_CUT = re.compile("([^…]*)…")

_SECRET = re.compile(
    r"pass(?:word|wd|phrase)|secret|cipher|totp|^otp$|one-?time-?code|token$|private-?key|api-?key|access-?key|"
    r"authorization|remoteaccessstationid|activationcode",
    re.IGNORECASE,
)
# ESC sequences as a whole (with their 8-bit forms): left alone, "\x1b[31m" would leave "[31m" behind, and a hyperlink
# its address. A string sequence that is never closed loses only its introducer.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)
# invisible though Python counts them as printable: fillers, blank Braille, and the selectors that smuggle bytes
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U0001d159\U00016fe4"
_INVISIBLE = re.compile(f"[{_BLANK}\U000e0100-\U000e01ef]")
_SPACES = re.compile(r"[\u2028\u2029\x85\x0b\x0c]|\r\n?")
_PLAIN = re.compile(r"[!-;=-Z\\^_a-{}~]+(?: [!-;=-Z\\^_a-{}~]+)*")  # no markup at all: most cells, and known at once
_NOT_PLAIN_CELL = re.compile(f"[^ -~]|[|<`]|!\\[|\\]\\(|^ | $|  |[{_BLANK}]")
_MARKUP = re.compile(r"(\\*)\||<(?=[A-Za-z/!?])|`|!(?=\[)|\](?=\()")


def clean(text: str) -> str:
    """The text without control, bidi, zero-width, tag and other invisible characters; newlines and tabs stay."""
    if text.isprintable() and (text.isascii() or not _unseen(text)):
        return text
    if "\x1b" in text or not text.isascii():
        text = _ESCAPES.sub("", text)
    text = _INVISIBLE.sub("", _SPACES.sub("\n", text))
    text = "".join(c if c.isprintable() or c in "\n\t" else " " if c.isspace() and c > "\x1f" else "" for c in text)
    return _unstacked(text)


def cell(text: str, most: int = 80) -> str:
    """The text as one cell of a table: one line, markup neutralised, cut to `most` characters."""
    if len(text) <= most and (_PLAIN.fullmatch(text) or not _NOT_PLAIN_CELL.search(text)):
        return text
    line = " ".join(clean(text).split())
    line = line if len(line) <= most else line[: most - 1] + "…"
    return _MARKUP.sub(_neutral, line)


def quoted(text: str, most: int = 120) -> str:
    """The text as a quotation within a sentence of ours: it cannot end the quotation, nor begin a line."""
    return '"' + cell(text, most).replace('"', "'") + '"'


def redacted(value: Any, reveal: bool = False) -> Any:
    """The JSON value with what its names mark as secret replaced, at any depth, unless `reveal`."""
    if reveal:
        return value
    if isinstance(value, dict):
        return {
            name: HIDDEN
            if secret(name) and _tells(item)
            else redacted(item)
            if isinstance(item, (dict, list))
            else item
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [redacted(item) for item in value]
    return value


def veiled(value: Any) -> Any:
    """What an operation that gives out secrets answers: only what is known to be none stays, whatever its name."""
    if isinstance(value, dict):
        return {name: item if name in NO_SECRET and not _holds(item) else veiled(item) for name, item in value.items()}
    if isinstance(value, list):
        return [veiled(item) for item in value]
    return HIDDEN if _tells(value) else value


def given(arguments: Any) -> tuple[str, ...]:
    """The secrets among the arguments of a call: what stands under a secret's name, also where an object is text."""
    found: list[str] = []
    left: list[tuple[bool, Any]] = [(False, arguments)]
    while left:
        marked, value = left.pop()
        if isinstance(value, str) and value[:1] in ("{", "[") and len(value) < LONGEST_TEXT:
            with suppress(ValueError, RecursionError):
                left.append((marked, json.loads(value)))
        if isinstance(value, Mapping):
            left += [(marked or secret(str(name)), item) for name, item in value.items()]
        elif isinstance(value, (list, tuple)):
            left += [(marked, item) for item in value]
        elif marked and isinstance(value, str):
            found += [value] if value else []
        elif marked and isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST:
            found.append(str(value))
    return tuple(found)


def without(text: str, secrets: Iterable[str]) -> str:
    """The text with each of the secrets hidden, however it was spelled on its way here, or cut off."""
    for secret_ in sorted(set(secrets), key=len, reverse=True):
        for spelled in {secret_, *_spelled(secret_)} - {""}:
            if len(spelled) < SHORT:
                text = re.sub(rf"(?<!\w){re.escape(spelled)}(?!\w)", HIDDEN, text)
            else:
                text = text.replace(spelled, HIDDEN)
            if "…" in text:
                text = _CUT.sub(lambda cut, whole=spelled: _uncut(cut[1], whole) + "…", text)  # type: ignore[misc]
    return text


def _spelled(text: str) -> tuple[str, ...]:
    """How a text looks as a cell, in a quotation, and in JSON."""
    line = cell(text, 2 * len(text))
    return line, line.replace('"', "'"), json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]


def _uncut(before: str, whole: str) -> str:
    """What stands before a cut, without the beginning of a secret that was cut off."""
    last, end = before[-SHORT:], len(whole)
    while len(last) == SHORT and (at := whole.rfind(last, 0, end)) >= 0:
        length = at + SHORT
        if before.endswith(whole[:length]):
            return before[:-length] + HIDDEN
        end = length - 1
    return before


@lru_cache(maxsize=2048)
def secret(name: str) -> bool:
    """Whether a property of this name holds a secret."""
    return _SECRET.search(name) is not None


def _tells(item: Any) -> bool:
    # true, false and null tell whether there is a secret, not what it is
    return item is not None and not isinstance(item, bool) and item not in ("", [], {})


def _holds(item: Any) -> bool:
    return isinstance(item, (dict, list))


def _unseen(text: str) -> bool:
    return _INVISIBLE.search(text) is not None or any(unicodedata.combining(c) for c in text)


def _unstacked(text: str) -> str:
    """No more than a few combining marks on one letter."""
    if text.isascii():
        return text
    kept, marks = [], 0
    for c in text:
        marks = marks + 1 if unicodedata.combining(c) else 0
        if marks <= MOST_MARKS:
            kept.append(c)
    return "".join(kept)


def _neutral(found: re.Match[str]) -> str:
    """A piece of markup as the text it looks like."""
    if found[0].endswith("|"):
        return found[1] * 2 + "\\|"  # a backslash before the pipe would otherwise eat the one that escapes it
    return "\\" + found[0]
