"""The stdio transport: one client on stdin and stdout. Every line is answered, whatever it holds; one signal ends it.

The SDK's transport says nothing to a line that it cannot read, drops what was asked when stdin ends, and waits for a
thread that no signal wakes. Here both ends are threads that nobody waits for, and lines are judged before the SDK.
Sources: MCP 2025-11-25 and 2026-07-28, basic/transports (stdio); JSON-RPC 2.0, sections 4 and 5.1.
"""

from __future__ import annotations

import asyncio
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
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)

from greenlake_backup_mcp.dispatch.in_flight import InFlightCalls
from greenlake_backup_mcp.observability import call_log

from .stdio_messages import read_lines, read_message, refuse

MOST_LINES = 64  # read ahead of what is being looked at
LAST_ANSWERS = 20.0  # seconds that what was asked before the end of input may take
ENDING = 2.0  # seconds for the answers of calls that a signal ends


def serve(server: Server[Any], running: InFlightCalls, last_answers: float = LAST_ANSWERS) -> int:
    """Serve one client, in an event loop of its own, until it closes stdin or a signal comes; the exit status.

    `last_answers`: seconds that what was asked before the end of input may take.
    """

    async def session() -> int:
        with _claim() as (source, sink):
            return await _Session(server, running, source, sink, last_answers).run()

    return anyio.run(session)


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
        """What was asked before the end of input is answered; a question to who is gone is not waited for.

        A plan is answered with where it stopped: nobody is there any more who could stop it.
        """
        self.running.drain("the client closed its end")
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
