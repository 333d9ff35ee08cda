"""All jobs, in the order of the table."""

from __future__ import annotations

from . import set_a
from .job import Job

ALL: tuple[Job, ...] = (*set_a.JOBS,)
