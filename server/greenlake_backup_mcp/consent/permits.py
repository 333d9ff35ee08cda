"""The permit: consent to one request, from the moment it may be sent until what became of it is in the record.

`async with` makes forgetting impossible: a permit that nobody settled says "unknown" at its end.
Must know nothing of codes or of the person.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
from mcp.types import CallToolResult, InputRequiredResult

from greenlake_backup_mcp.errors import BackupError, OutcomeUnknown
from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.upstream.readings import SENT

from .proposals import Caller, Consent, Evaluation, PreparedCall

UNDONE = (Outcome.FAILED, Outcome.REFUSED, Outcome.NOT_TRIED)  # what was to go is still there


class NotPermitted(Exception):
    """There is no consent: `result` is the answer to the call, a preview, a refusal or a question."""

    def __init__(self, result: CallToolResult | InputRequiredResult) -> None:
        super().__init__("not permitted")
        self.result = result


@dataclass
class Permit:
    """Consent to one request."""

    consent: Consent
    caller: Caller
    tool: str
    recorded: bool = True  # False: a read, of which the record tells nothing
    reserved: bool = False  # whether what it ends was announced to other calls
    evaluation: Evaluation | None = None  # what was consented to; None: it needs no consent
    notes: tuple[str, ...] = ()  # what whoever reads the answer must know of the consent or of the record
    before: Mapping[str, Any] | None = None  # the target as it was read last; None: it was not
    settled: bool = field(default=False, init=False)

    def with_before(self, call: PreparedCall) -> PreparedCall:
        """The call of an update or a delete with its target as it was read when this permit was given."""
        if self.before is None or call.request.method not in ("PATCH", "PUT", "DELETE"):
            return call
        return replace(call, before=self.before)

    async def settle(self, outcome: Outcome, **details: Any) -> tuple[str, ...]:
        """Record what became of the request; the notes to tell beside it. Never raises: what was done is done."""
        self.settled = True
        problems = []
        if self.recorded:
            try:
                fields = {**SENT.get(), **details}
                self.consent.record("outcome", self.caller, self.tool, outcome=str(outcome), **fields)
            except BackupError as error:
                problems.append(f"THE RECORD FAILED: this outcome is not in it. {error.message}")
        if self.reserved and outcome in UNDONE:
            try:
                await self.consent.store.release(self.caller.id)
            except BackupError:  # it ends by itself
                problems.append("For some minutes previews count what was to go as gone.")
        self.notes = (*self.notes, *problems)
        return self.notes

    @asynccontextmanager
    async def held(self) -> AsyncIterator[Permit]:
        """The permit while its request is sent and followed; what nobody settles by the end is recorded as unknown."""
        try:
            yield self
        except BackupError as error:
            if self.settled:
                raise
            notes = await self.settle(Outcome.UNKNOWN if isinstance(error, OutcomeUnknown) else Outcome.FAILED)
            raise error.with_hint("\n".join((*notes, error.hint)).strip()) from None
        finally:
            if not self.settled:
                with anyio.CancelScope(shield=True):
                    await self.settle(Outcome.UNKNOWN)
