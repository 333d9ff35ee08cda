"""Numbers that depend on nothing but what they are asked for; some million a second."""

from __future__ import annotations

from greenlake_backup_mcp.simulator.names import number

ALL = (1 << 64) - 1


def key(*parts: object) -> int:
    """A number of 64 bits for names and ids."""
    return number(*parts) << 32 | number("more", *parts)


def mix(one: int, other: int) -> int:
    """A number of 32 bits for two numbers (the finalizer of splitmix64)."""
    x = (one ^ other * 0x9E3779B97F4A7C15) & ALL
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & ALL
    x = (x ^ x >> 27) * 0x94D049BB133111EB & ALL
    return (x ^ x >> 31) & 0xFFFFFFFF
