"""The stdio transport: one client on stdin and stdout. Every line is answered, whatever it holds; one signal ends it.

The SDK's transport says nothing to a line that it cannot read, drops what was asked when stdin ends, and waits for a
thread that no signal wakes. Here both ends are threads that nobody waits for, and lines are judged before the SDK.
Sources: MCP 2025-11-25 and 2026-07-28, basic/transports (stdio); JSON-RPC 2.0, sections 4 and 5.1.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
from mcp.server import NotificationOptions, Server
from mcp.shared.message import SessionMessage
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    PARSE_ERROR,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    jsonrpc_message_adapter,
)

from greenlake_backup_mcp.dispatch.in_flight import InFlightCalls
from greenlake_backup_mcp.observability import call_log

LONGEST_LINE = 4 * 1_048_576  # bytes of a message
MOST_LINES = 64  # read ahead of what is being looked at
MOST_ANSWERS = 100  # to the parts of one batch
LONGEST_ID = 256  # characters of a request's id
LAST_ANSWERS = 20.0  # seconds that what was asked before the end of input may take
ENDING = 2.0  # seconds for the answers of calls that a signal ends


async def serve(server: Server[Any], running: InFlightCalls, last_answers: float = LAST_ANSWERS) -> int:
    """Serve one client until it closes stdin, or a signal comes; the exit status."""
    with _claim() as (source, sink):
        return await _Session(server, running, source, sink, last_answers).run()


@contextmanager
def _claim() -> Iterator[tuple[int, int]]:
    """Descriptors of the client, while 0 reads nothing and 1 is stderr: a stray print cannot break a message."""
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    try:
        os.dup2(nothing, 0)
        os.dup2(2, 1)
        yield source, sink
    finally:
        os.dup2(source, 0)
        os.dup2(sink, 1)
        os.close(nothing)  # the others may still be read from by a thread that nobody can wake


@dataclass
class _Session:
    server: Server[Any]
    running: InFlightCalls
    source: int
    sink: int
    last_answers: float
    asked: set[int | str] = field(default_factory=set)  # requests of the client that have no answer yet
    waiting: set[int | str] = field(default_factory=set)  # requests to the client that have none
    status: int = 0

    async def run(self) -> int:
        self.loop = asyncio.get_running_loop()
        self.output: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]]] = queue.SimpleQueue()
        self.answered = anyio.Event()
        self.ended = anyio.Event()
        threading.Thread(target=self._write, name="stdout", daemon=True).start()
        to_server, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        write, from_server = anyio.create_memory_object_stream[SessionMessage](0)
        with self._signals():
            async with anyio.create_task_group() as group:
                group.start_soon(self._receive, to_server)
                group.start_soon(self._send, from_server)
                group.start_soon(self._end, group.cancel_scope)
                await self.server.run(read, write, self.server.create_initialization_options(NotificationOptions()))
                group.cancel_scope.cancel()
        return self.status

    # --- from the client ---

    async def _receive(self, to_server: Any) -> None:
        free = threading.Semaphore(MOST_LINES)
        into, lines = anyio.create_memory_object_stream[bytes | None](MOST_LINES + 1)

        def post(line: bytes | None) -> None:
            with suppress(RuntimeError):  # the loop is gone
                self.loop.call_soon_threadsafe(into.send_nowait, line)

        def read() -> None:
            for line in read_lines(self.source):
                free.acquire()
                post(line)
            post(None)

        threading.Thread(target=read, name="stdin", daemon=True).start()
        async with to_server:
            while (line := await lines.receive()) is not None:
                free.release()
                message, refusals = read_message(line)
                for refusal in refusals:
                    call_log.LOGGER.warning("unreadable message", extra={"fields": {"problem": refusal.error.message}})
                    await self._put(refusal)
                if message is not None:
                    self._note(message)
                    await to_server.send(SessionMessage(message))
            await self._wait_for_answers()

    def _note(self, message: Any) -> None:
        """What a message of the client changes in what is open."""
        if isinstance(message, JSONRPCRequest):
            self.asked.add(message.id)
        elif isinstance(message, (JSONRPCResponse, JSONRPCError)):
            self.waiting.discard(message.id)
        elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            self.asked.discard((message.params or {}).get("requestId"))

    async def _wait_for_answers(self) -> None:
        """What was asked before the end of input is answered; a question to who is gone is not waited for."""
        with anyio.move_on_after(ENDING if self.waiting else self.last_answers):
            while self.asked:
                await self.answered.wait()
        if self.asked:
            self.running.cancel_all()
            with anyio.move_on_after(ENDING):
                while self.asked:
                    await self.answered.wait()

    # --- to the client ---

    async def _send(self, from_server: Any) -> None:
        async with from_server:
            async for sent in from_server:
                await self._put(sent.message)

    async def _put(self, message: Any) -> None:
        try:
            content = message.model_dump_json(by_alias=True, exclude_unset=True)
        except ValueError as fault:  # an answer that cannot be written is an answer all the same
            call_log.LOGGER.error("unwritable message", extra={"fields": {"problem": type(fault).__name__}})
            if not isinstance(message, (JSONRPCResponse, JSONRPCError)):
                return
            content = refuse(message.id, INTERNAL_ERROR, "The answer cannot be written as JSON.").model_dump_json()
        if isinstance(message, JSONRPCRequest):
            self.waiting.add(message.id)
        written: asyncio.Future[None] = self.loop.create_future()
        self.output.put((content.encode() + b"\n", written))
        await written
        if isinstance(message, (JSONRPCResponse, JSONRPCError)):
            self.asked.discard(message.id)
            self.answered.set()
            self.answered = anyio.Event()

    def _write(self) -> None:
        """The thread that writes: a client that does not read keeps nobody but itself."""
        while True:
            content, written = self.output.get()
            try:
                while content:
                    content = content[os.write(self.sink, content) :]
            except OSError:  # the client is gone
                with suppress(RuntimeError):
                    self.loop.call_soon_threadsafe(self.ended.set)
                return
            with suppress(RuntimeError):
                self.loop.call_soon_threadsafe(_finish, written)

    # --- the end ---

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """One signal ends the server, also as process 1, for which the system has no default; a second one at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, _frame: object) -> None:
            if self.status:
                os._exit(128 + number)
            self.status = 128 + number
            self.loop.call_soon_threadsafe(self.ended.set)

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def _end(self, scope: anyio.CancelScope) -> None:
        """At a signal: answer what runs, and go."""
        await self.ended.wait()
        self.running.cancel_all()
        with anyio.move_on_after(ENDING if self.status else 0):
            while self.asked:
                await self.answered.wait()
        scope.cancel()


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


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


BAD_ID = f"The id of a request is a text of at most {LONGEST_ID} characters, or a whole number."


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
