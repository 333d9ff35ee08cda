"""Messages of the stdio transport: lines read within bounds, and what answers a line that is no message of ours.

Source: JSON-RPC 2.0, sections 4 and 5.1.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from mcp.types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    jsonrpc_message_adapter,
)

LONGEST_LINE = 4 * 1_048_576  # bytes of a message
MOST_ANSWERS = 100  # to the parts of one batch
LONGEST_ID = 256  # characters of a request's id
BAD_ID = f"The id of a request is a text of at most {LONGEST_ID} characters, or a whole number."


def read_lines(source: int) -> Iterator[bytes]:
    """The lines of a descriptor; of one that is too long so much that this shows."""
    held: list[bytes] = []
    size = 0
    while True:
        try:
            piece = os.read(source, 65_536)
        except OSError:
            piece = b""
        if not piece:
            break
        *whole, rest = piece.split(b"\n")
        for end in whole:
            yield b"".join((*held, end))
            held, size = [], 0
        if size <= LONGEST_LINE:
            held.append(rest)
            size += len(rest)
    if size:
        yield b"".join(held)


def read_message(line: bytes) -> tuple[Any, list[JSONRPCError]]:
    """The message of a line, or None; and what is to be answered where it holds none, or none that can be served."""
    line = line.strip().removeprefix(b"\xef\xbb\xbf")
    if not line:
        return None, []
    if len(line) > LONGEST_LINE:
        return None, [refuse(None, INVALID_REQUEST, f"A message has at most {LONGEST_LINE:,} bytes.")]
    try:
        message = jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValueError:
        return None, _refusals(line)
    if isinstance(message, JSONRPCRequest):
        return (message, []) if _is_usable(message.id) else (None, [refuse(None, INVALID_REQUEST, BAD_ID)])
    if isinstance(message, JSONRPCNotification) and b'"id"' in line and "id" in json.loads(line):
        return None, [refuse(None, INVALID_REQUEST, BAD_ID)]
    return message, []


def _is_usable(value: Any) -> bool:
    """Whether an id can be written again as it came."""
    if isinstance(value, str):
        return len(value) <= LONGEST_ID and value.isprintable()
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 64


def _refusals(line: bytes) -> list[JSONRPCError]:
    """What is wrong with a line that is no message of ours; one answer for each request in it that has an id."""
    text = line.decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except RecursionError:
        return [refuse(None, PARSE_ERROR, "The message nests too deep.")]
    except ValueError:
        why = "This line is no JSON. A message is one line of JSON, in UTF-8."
        return [refuse(None, PARSE_ERROR, why)]
    if isinstance(value, list):
        why = "Batches are not served: send each message on a line of its own."
        ids = [part.get("id") for part in value[:MOST_ANSWERS] if isinstance(part, dict) and "method" in part]
        return [refuse(one, INVALID_REQUEST, why) for one in ids if _is_usable(one)] or [
            refuse(None, INVALID_REQUEST, why)
        ]
    own = value.get("id") if isinstance(value, dict) else None
    own = own if _is_usable(own) else None
    if isinstance(value, dict) and ("result" in value or "error" in value) and "method" not in value:
        return [refuse(None, INVALID_REQUEST, "This is no answer of JSON-RPC 2.0.")]
    if "\\u" in text or "\ufffd" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            why = "The message holds half a character (a lone surrogate); send whole ones."
            return [refuse(own, PARSE_ERROR, why)]
    why = 'This is no message of JSON-RPC 2.0: {"jsonrpc": "2.0", "id": 1, "method": …, "params": {…}}.'
    return [refuse(own, INVALID_REQUEST, why)]


def refuse(own: Any, code: int, message: str) -> JSONRPCError:
    """An error that answers the request with this id, or none in particular."""
    return JSONRPCError.model_validate({"jsonrpc": "2.0", "id": own, "error": {"code": code, "message": message}})
