"""Text of the API is data: made visible, escaped, never obeyed; secrets taken out.

Must know nothing of this package but errors.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

SECRET_NAMES = re.compile(r"(password|passwd|secret|ciphertext|totp|otp$|token$|remoteaccessstationid)", re.IGNORECASE)
HIDDEN = "[hidden]"


def clean(text: str) -> str:
    """The text without control, bidi, zero-width and other invisible characters."""
    return "".join(
        c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    )


def cell(text: str, most: int = 80) -> str:
    """The text as one cell of a table: one line, pipes escaped, cut to `most` characters."""
    line = " ".join(clean(text).split()).replace("|", "\\|")
    return line if len(line) <= most else line[: most - 1] + "…"


def redacted(value: Any, reveal: bool = False) -> Any:
    """The JSON value with what its names mark as secret replaced, unless `reveal`."""
    if reveal:
        return value
    if isinstance(value, dict):
        return {
            name: HIDDEN if item is not None and SECRET_NAMES.search(name) and not isinstance(item, (dict, list)) else redacted(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [redacted(item) for item in value]
    return value
