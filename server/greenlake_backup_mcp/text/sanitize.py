"""Text of the API is data: made visible, escaped, never obeyed; secrets taken out.

The one place for it. Runs over every cell, so what is plain is recognised at once and returned as it is. All of it is
linear in the text: what the service sends is as hostile as what a caller sends. Imports nothing of this package.
"""

from __future__ import annotations

import re
import unicodedata

MOST_MARKS = 4  # combining marks on one letter; more only serve to cover the lines around
ROOM = 4096  # characters beyond what a cell can show that are looked at: a cell of more invisible ones is cut


# ESC sequences as a whole (with their 8-bit forms): left alone, "\x1b[31m" would leave "[31m" behind, and a hyperlink
# its address. A string sequence that is never closed loses only its introducer. No piece is read twice: a string does
# not hold the beginning of another one, and nothing is tried again shorter.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]{0,4096}+(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*+[0-~]"
)
# invisible though Python counts them as printable: fillers, blank Braille, and the selectors that smuggle bytes
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U0001d159\U00016fe4"
_INVISIBLE = re.compile(f"[{_BLANK}\U000e0100-\U000e01ef]")
_ESCAPED_CONTROL = re.compile(r"\\[urbf]")
_SPACES = re.compile(r"[\u2028\u2029\x85\x0b\x0c]|\r\n?")
_PLAIN = re.compile(r"[!-;=-Z\\^_a-{}~]+(?: [!-;=-Z\\^_a-{}~]+)*")  # no markup at all: most cells, and known at once
_NOT_PLAIN_CELL = re.compile(f"[^ -~]|[|<`]|!\\[|\\]\\(|^ | $|  |[{_BLANK}]")
_MARKUP = re.compile(r"(?<!\\)(\\*+)\||<(?=[A-Za-z/!?])|`|!(?=\[)|\](?=\()")


def clean(text: str) -> str:
    """The text without control, bidi, zero-width, tag and other invisible characters; newlines and tabs stay."""
    if text.isprintable() and (text.isascii() or not _has_invisible(text)):
        return text
    if "\x1b" in text or not text.isascii():
        text = _ESCAPES.sub("", text)
    text = _INVISIBLE.sub("", _SPACES.sub("\n", text))
    text = "".join(c if c.isprintable() or c in "\n\t" else " " if c.isspace() and c > "\x1f" else "" for c in text)
    return _limit_marks(text)


def is_clean_json(text: str) -> bool:
    """Whether no text within serialized JSON holds anything that `clean` would change, known without a look at each.

    False for other letters than ASCII's, too: those are looked at one by one.
    """
    return text.isascii() and text.isprintable() and _ESCAPED_CONTROL.search(text) is None


def cell(text: str, most: int = 80) -> str:
    """The text as one cell of a table: one line, markup neutralised, cut to `most` characters.

    Of a longer text so much is looked at as a cell can show, and some that may be invisible.
    """
    if len(text) <= most and (_PLAIN.fullmatch(text) or not _NOT_PLAIN_CELL.search(text)):
        return text
    beyond = len(text) > most + ROOM
    line = " ".join(clean(text[: most + ROOM] if beyond else text).split())
    line = line[: most - 1] + "…" if beyond or len(line) > most else line
    return _MARKUP.sub(_neutralize, line)


def quoted(text: str, most: int = 120) -> str:
    """The text as a quotation within a sentence of ours: it cannot end the quotation, nor begin a line."""
    return '"' + cell(text, most).replace('"', "'") + '"'


def _has_invisible(text: str) -> bool:
    return _INVISIBLE.search(text) is not None or any(unicodedata.combining(c) for c in text)


def _limit_marks(text: str) -> str:
    """No more than a few combining marks on one letter."""
    if text.isascii():
        return text
    letters, marks = [], 0
    for c in text:
        marks = marks + 1 if unicodedata.combining(c) else 0
        if marks <= MOST_MARKS:
            letters.append(c)
    return "".join(letters)


def _neutralize(match: re.Match[str]) -> str:
    """A piece of markup as the text it looks like."""
    if match[0].endswith("|"):
        return match[1] * 2 + "\\|"  # a backslash before the pipe would otherwise eat the one that escapes it
    return "\\" + match[0]
