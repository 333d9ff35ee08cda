"""Whether this machine's clock agrees with the service's, whose answers carry a Date (RFC 9110, 6.6.1).

A clock that is off makes ages and expiries wrong, and tokens that seem to hold are refused. Knows headers alone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.text import units

from .retry_after import parse_http_date

TOLERATED = 120  # seconds: an answer may have been under way, or cached, for a while
PERIOD = 60.0  # seconds between two looks


@dataclass
class ClockSkew:
    """How far this machine's clock is ahead of the service's, in seconds; None before an answer has told."""

    seconds: float | None = None
    _looked: float = float("-inf")

    def observe(self, headers: Mapping[str, str], now: datetime) -> None:
        """Compare with the Date of an answer that came just now; logs when the clocks part."""
        if time.monotonic() - self._looked < PERIOD or "date" not in headers:
            return
        if (date := parse_http_date(headers["date"])) is None:
            return
        self._looked = time.monotonic()
        before, self.seconds = self.note, (now - date).total_seconds()
        if self.note and not before:
            call_log.LOGGER.warning("%s", self.note)

    @property
    def note(self) -> str:
        """A sentence where the clocks differ by more than can be tolerated, else nothing."""
        if self.seconds is None or abs(self.seconds) <= TOLERATED:
            return ""
        where = "ahead of" if self.seconds > 0 else "behind"
        return (
            f"This machine's clock is {units.duration(abs(self.seconds))} {where} the service's: "
            "ages, and what is called expired or new, may be wrong by that. Whoever runs this server must set it."
        )
