"""Used codes remembered in Redis, so that a code holds once however many replicas there are.

Knows redis-py. What a code means is told by codes.py.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

from greenlake_backup_mcp.errors import PolicyRefusal, SettingsError

if TYPE_CHECKING:
    from redis.asyncio import Redis

PREFIX = "greenlake-backup-mcp:used:"
SECONDS = 3.0  # for Redis to answer; a gated call waits no longer for it


class UsedInRedis:
    """`codes.UsedCodes` in a store that replicas share. While it cannot be reached, no code holds."""

    def __init__(self, url: str) -> None:
        """A store by its URL; connects with the first use. Raises BackupError where redis-py or the URL is wrong."""
        self._redis = _client(url)

    async def remember(self, code: str, seconds: float) -> bool:
        """Mark the code as used for so long; False if it was marked before."""
        return bool(await self._asked(self._redis.set(_key(code), 1, nx=True, ex=math.ceil(seconds))))

    async def used(self, code: str) -> bool:
        """Whether the code was marked."""
        return bool(await self._asked(self._redis.exists(_key(code))))

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _asked(self, question: object) -> object:
        from redis.exceptions import RedisError  # noqa: PLC0415

        try:
            return await question  # type: ignore[misc]  # redis-py types its two flavours as one
        except (RedisError, OSError, TimeoutError) as error:
            raise PolicyRefusal(
                f"Nothing was sent: whether this code was used cannot be looked up (Redis: {type(error).__name__}).",
                hint="Reads work. Whoever runs this server must bring Redis back before anything is confirmed.",
            ) from None


def _key(code: str) -> str:
    return PREFIX + hashlib.sha256(code.encode()).hexdigest()[:32]


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
