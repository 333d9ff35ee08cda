"""A call that needs consent, as it was proposed and as its targets are at one moment; who calls; what consent needs.

Must know nothing of what single calls do, nor how a person is asked.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import anyio

from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.upstream.progress import Progress

from . import audit_log, codes, issued_codes
from .elicitation import Person

LINGER = timedelta(minutes=15)  # how long lists may still show what was deleted
NOBODY = "local"  # the principal of a transport without logins: whoever started this process


@dataclass(frozen=True)
class Caller:
    """Who calls: the login (a code holds for no other), the person if one can be asked, and where progress goes."""

    principal: str
    person: Person | None
    progress: Progress
    id: str = field(default_factory=lambda: secrets.token_hex(8))  # joins the lines of one call in the audit log


@dataclass(frozen=True)
class PendingDeletion:
    """Since when something is on its way out, and by which call."""

    at: datetime
    by: str


@dataclass(frozen=True)
class Consent:
    """What consent needs for as long as the process lives."""

    settings: Settings
    ring: tuple[bytes, ...]
    used: codes.UsedCodes
    log: audit_log.AuditLog
    shown: dict[str, issued_codes.IssuedCode] = field(default_factory=dict)
    leaving: dict[str, PendingDeletion] = field(
        default_factory=dict
    )  # what was consented to end, by path; lists lag behind
    turn: anyio.Lock = field(default_factory=anyio.Lock)  # from the last look at `leaving` to the entry in it

    def left(self, now: datetime) -> dict[str, datetime]:
        """What consent ended in the last minutes; as of `now`, which may be the start of a code's slot, all is gone."""
        for path in [p for p, one in self.leaving.items() if one.at < now - LINGER]:
            del self.leaving[path]
        return {path: min(one.at, now) for path, one in self.leaving.items()}

    def stays(self, caller: Caller) -> None:
        """What a call was to end is still there: it was not carried out."""
        for path in [p for p, one in self.leaving.items() if one.by == caller.id]:
            del self.leaving[path]


class Statement(Protocol):
    """An effect in lines: `forbidden` is why there can be no code, `binding_facts` are what a code is bound to."""

    @property
    def forbidden(self) -> str: ...  # noqa: D102

    @property
    def binding_facts(self) -> tuple[str, ...]: ...  # noqa: D102

    def lines(self) -> Iterable[str]: ...  # noqa: D102


@dataclass(frozen=True)
class Proposal:
    """A call that needs consent: what it is, how its targets are read, and how its effect is told."""

    tool: str
    arguments: Mapping[str, Any]  # as repaired, without `confirm`
    read: Callable[[], Awaitable[Any]]
    state: Callable[[Any], Any]  # of what was read: what the code is bound to
    tell: Callable[[Any, datetime], Awaitable[Statement]]
    target: Callable[[Any], Mapping[str, Any]]  # of what was read: for the audit log
    ends: Callable[[Any, datetime], Mapping[str, datetime]] = lambda _subject, _now: {}  # when what of it is gone


@dataclass(frozen=True)
class Evaluation:
    """What was read for a proposal at one moment, what it would do, and the call that a code for it is bound to."""

    proposal: Proposal
    subject: Any
    told: Statement
    call: codes.Call


def consent(settings: Settings, used: codes.UsedCodes | None = None) -> Consent:
    """The consent of a process; raises BackupError for a weak key or an audit log that cannot be written."""
    return Consent(
        settings, codes.keys(settings), used or codes.UsedCodesInMemory(), audit_log.open_log(settings.audit_log)
    )


async def evaluate(proposal: Proposal, caller: Caller, now: datetime) -> Evaluation:
    """The proposal with its targets and its effect as they are now.

    The effect counts too: what hangs on a target can change while the target does not, and make this copy the last.
    """
    subject = await proposal.read()
    told = await proposal.tell(subject, now)
    call = codes.Call(proposal.tool, proposal.arguments, caller.principal, proposal.state(subject), told.binding_facts)
    return Evaluation(proposal, subject, told, call)
