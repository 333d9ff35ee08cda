"""The seeded tenant: everything a mid-size customer has, linked, the same for the same seed and time.

What is in it is decided in the modules of this package; what has happened in it follows in history/.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from . import data_services, databases, policies, sites, virtual_machines
from .world import World

SCALES = {"small": 1, "middle": 5}  # of VMs, groups, hosts and datastores


@lru_cache(maxsize=4)
def build(seed: int, now: datetime, *, hostile: bool, dual_authorization: bool, size: str = "small") -> World:
    """The tenant's resources; `now` is when it was last in order. `size`: small (400 VMs) or middle (2,000).

    One for all tenants that begin alike: it is never changed, each has a copy of its own.
    """
    world = World(seed, now, scale=SCALES[size])
    sites.build(world)
    policies.build(world)
    virtual_machines.build(world, hostile)
    databases.build(world)
    databases.build_volumes(world)
    data_services.issues(world)
    data_services.settings(world, dual_authorization)
    return world
