"""All jobs, in the order of the table."""

from __future__ import annotations

from . import set_a, set_b, set_c
from .job import Job

ALL: tuple[Job, ...] = (*set_a.JOBS, *set_b.JOBS, *set_c.JOBS)
