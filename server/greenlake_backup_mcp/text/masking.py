"""Secrets taken out of values and texts, by the names of properties and by the secrets themselves.

Must know nothing of this package but how text is sanitized.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from .sanitize import cell

HIDDEN = "[hidden]"
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


def redact(value: Any, reveal: bool = False) -> Any:
    """The JSON value with what its names mark as secret replaced, at any depth, unless `reveal`."""
    if reveal:
        return value
    if isinstance(value, dict):
        return {
            name: HIDDEN
            if is_secret(name) and _holds_secret(item)
            else redact(item)
            if isinstance(item, (dict, list))
            else item
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [redact(item) for item in value]
    return value


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
    found: list[str] = []
    left: list[tuple[bool, Any]] = [(False, arguments)]
    while left:
        marked, value = left.pop()
        if isinstance(value, str) and value[:1] in ("{", "[") and len(value) < LONGEST_TEXT:
            with suppress(ValueError, RecursionError):
                left.append((marked, json.loads(value)))
        if isinstance(value, Mapping):
            left += [(marked or is_secret(str(name)), item) for name, item in value.items()]
        elif isinstance(value, (list, tuple)):
            left += [(marked, item) for item in value]
        elif marked and isinstance(value, str):
            found += [value] if value else []
        elif marked and isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST:
            found.append(str(value))
    return tuple(found)


def mask(text: str, secrets: Iterable[str]) -> str:
    """The text with each of the secrets hidden, however it was spelled on its way here, or cut off."""
    for secret_ in sorted(set(secrets), key=len, reverse=True):
        for spelled in {secret_, *_spellings(secret_)} - {""}:
            if len(spelled) < SHORT:
                text = re.sub(rf"(?<!\w){re.escape(spelled)}(?!\w)", HIDDEN, text)
            else:
                text = text.replace(spelled, HIDDEN)
            if "…" in text:
                text = _CUT.sub(lambda cut, whole=spelled: _whole_secret(cut[1], whole) + "…", text)  # type: ignore[misc]
    return text


def _spellings(text: str) -> tuple[str, ...]:
    """How a text looks as a cell, in a quotation, and in JSON."""
    line = cell(text, 2 * len(text))
    return line, line.replace('"', "'"), json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]


def _whole_secret(before: str, whole: str) -> str:
    """What stands before a cut, without the beginning of a secret that was cut off."""
    last, end = before[-SHORT:], len(whole)
    while len(last) == SHORT and (at := whole.rfind(last, 0, end)) >= 0:
        length = at + SHORT
        if before.endswith(whole[:length]):
            return before[:-length] + HIDDEN
        end = length - 1
    return before


@lru_cache(maxsize=2048)
def is_secret(name: str) -> bool:
    """Whether a property of this name holds a secret."""
    return _SECRET.search(name) is not None


def _holds_secret(item: Any) -> bool:
    # true, false and null tell whether there is a secret, not what it is
    return item is not None and not isinstance(item, bool) and item not in ("", [], {})


def _is_container(item: Any) -> bool:
    return isinstance(item, (dict, list))
