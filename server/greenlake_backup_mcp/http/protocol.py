"""HTTP/1.1 on a connection, with an end to waiting for its head: whoever never finishes one holds no place for long.

uvicorn has no such limit (its keep-alive time begins after an answer). Knows uvicorn and h11; must know nothing of
what requests are for.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0  # from the first byte that may be, to the end of a request's head
MOST_WAITING = 200  # connections without a whole head; one more closes the one that waited longest


class BoundedProtocol(H11Protocol):
    """uvicorn's protocol; a connection without a whole head is closed in time."""

    _waiting: dict[BoundedProtocol, asyncio.TimerHandle] = {}  # noqa: RUF012  of all connections of this process

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new connection owes a head."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Bytes came: a head that is not whole is awaited from its first one on."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._await_head()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        if self in self._waiting:
            return
        self._waiting[self] = self.loop.call_later(HEAD_SECONDS, self._close)
        if len(self._waiting) > MOST_WAITING:
            next(iter(self._waiting))._close()

    def _stop_waiting(self) -> None:
        if (timer := self._waiting.pop(self, None)) is not None:
            timer.cancel()

    def _close(self) -> None:
        self._stop_waiting()
        self.transport.abort()
