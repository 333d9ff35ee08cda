"""`ConsentStore` in Redis, so that a code holds once however many replicas there are.

Knows redis-py. The key of text codes is not kept here (ARCHITECTURE.md says why): replicas share GREENLAKE_MCP_SECRET.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from greenlake_backup_mcp.errors import PolicyRefusal, SettingsError

from .store import Reservation

if TYPE_CHECKING:
    from redis.asyncio import Redis

PREFIX = "greenlake-backup-mcp:"
RESERVATIONS = f"{PREFIX}reservations"
KEPT_SECONDS = 86_400  # the list of reservations, after the last one was written
NO_KEY = "replicas share this Redis, but no key of codes; set the same GREENLAKE_MCP_SECRET for all of them"
SECONDS = 3.0  # for Redis to answer; a gated call waits no longer for it


class RedisStore:
    """`ConsentStore` in a store that replicas share. While it cannot be reached, no code holds."""

    key = ""

    def __init__(self, url: str, *, shares_key: bool = True) -> None:
        """A store by its URL; connects with the first use. Raises SettingsError where redis-py or the URL is wrong.

        `shares_key`: whether the replicas share a key of text codes; else a code holds at the one that showed it only.
        """
        self._redis = _client(url)
        self.ephemeral = "" if shares_key else NO_KEY

    async def use(self, code: str, seconds: float) -> bool:
        """Mark the code as used for so long; False if it was marked before."""
        return bool(await _reply(self._redis.set(_key(code), 1, nx=True, ex=math.ceil(seconds))))

    async def used(self, codes: Sequence[str]) -> frozenset[str]:
        """Those of the codes that are marked."""
        marks = await _reply(self._redis.mget([_key(code) for code in codes]))
        return frozenset(code for code, mark in zip(codes, marks, strict=True) if mark is not None)

    async def reserve(self, entries: Sequence[Reservation], now: datetime) -> list[Reservation]:
        """Append the reservations to the list: their places in it say who was first."""
        owners = {one.owner for one in entries}
        stale = [raw for one, raw in await self._all() if one.until <= now or one.owner in owners]
        async with self._redis.pipeline(transaction=True) as pipe:
            for raw in stale:
                pipe.lrem(RESERVATIONS, 1, raw)
            pipe.lrange(RESERVATIONS, 0, -1)
            if entries:
                pipe.rpush(RESERVATIONS, *map(_dump, entries))
                pipe.expire(RESERVATIONS, KEPT_SECONDS)
            replies = await _reply(pipe.execute())
        others = map(_load, replies[len(stale)])
        return [one for one in others if one.until > now and one.owner not in owners]

    async def reserved(self, now: datetime) -> list[Reservation]:
        """All that have not ended."""
        return [one for one, _ in await self._all() if one.until > now]

    async def release(self, owner: str, paths: Iterable[str] | None = None) -> None:
        """Drop those of an owner."""
        chosen = None if paths is None else frozenset(paths)
        async with self._redis.pipeline(transaction=True) as pipe:
            for one, raw in await self._all():
                if one.owner == owner and (chosen is None or one.path in chosen):
                    pipe.lrem(RESERVATIONS, 1, raw)
            await _reply(pipe.execute())

    async def put(self, name: str, value: str, seconds: float) -> None:
        """Keep a text."""
        await _reply(self._redis.set(f"{PREFIX}text:{name}", value, ex=math.ceil(seconds)))

    async def get(self, name: str) -> str | None:
        """The text under a name."""
        value = await _reply(self._redis.get(f"{PREFIX}text:{name}"))
        return None if value is None else bytes(value).decode()

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _all(self) -> list[tuple[Reservation, str]]:
        raw = await _reply(self._redis.lrange(RESERVATIONS, 0, -1))
        return [(_load(one), one.decode()) for one in raw]


def _dump(one: Reservation) -> str:
    return json.dumps([one.path, one.owner, one.since.timestamp(), one.until.timestamp()])


def _load(raw: bytes) -> Reservation:
    path, owner, since, until = json.loads(raw)
    return Reservation(path, owner, datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC))


async def _reply(question: Any) -> Any:  # redis-py types its two flavours as one
    from redis.exceptions import RedisError  # noqa: PLC0415

    try:
        return await question
    except (RedisError, OSError, TimeoutError) as error:
        raise PolicyRefusal(
            f"Nothing was sent: whether this code was used cannot be looked up (Redis: {type(error).__name__}).",
            hint="Reads work. Whoever runs this server must bring Redis back before anything is confirmed.",
        ) from None


def _key(code: str) -> str:
    return f"{PREFIX}used:{hashlib.sha256(code.encode()).hexdigest()[:32]}"


def _client(url: str) -> Redis:
    try:
        from redis.asyncio import Redis  # noqa: PLC0415  an extra, and only replicas need it
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import ExponentialBackoff  # noqa: PLC0415
    except ImportError:
        raise SettingsError(
            "Settings: GREENLAKE_MCP_REDIS_URL needs redis-py.",
            hint="Install it, in the folder of this project, with: .venv/bin/pip install -e '.[redis,otel]'",
        ) from None
    try:
        # A `SET NX` whose answer got lost must not be sent again: it would find its own mark and call the code used.
        # That errs to the safe side, but a connection that Redis closed while idle is worth one more try.
        return Redis.from_url(
            url,
            socket_timeout=SECONDS,
            socket_connect_timeout=SECONDS,
            health_check_interval=15,
            retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 1),
        )
    except ValueError:
        raise SettingsError(
            "Settings: GREENLAKE_MCP_REDIS_URL is no URL of Redis.",
            hint="Like redis://:password@host:6379/0, or rediss:// over TLS.",
        ) from None
