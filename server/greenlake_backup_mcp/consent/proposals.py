"""A call that needs consent, as it was proposed and as its targets are at one moment; who calls; what consent needs.

Must know nothing of what single calls do, nor how a person is asked.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.tools.roles import Role
from greenlake_backup_mcp.upstream.client import Request
from greenlake_backup_mcp.upstream.progress import Progress

from . import audit_log, codes, file_store, references, store
from .elicitation import Person

LINGER = timedelta(minutes=15)  # how long lists may still show what was deleted
UNWATCHED_SECONDS = 4.0  # that a write is followed where nobody asked for its progress
NOBODY = "local"  # the principal of a transport without logins: whoever started this process


@dataclass(frozen=True)
class Caller:
    """Who calls: the login (a code holds for no other), the person if one can be asked, and where progress goes."""

    principal: str
    person: Person | None
    progress: Progress
    id: str = field(default_factory=lambda: secrets.token_hex(8))  # joins the lines of one call in the audit log
    role: Role = "destroy"  # without logins it is whoever started this server
    cancels: bool = True  # whether ending the call is a wish to stop, and not perhaps a lost connection
    sending: Callable[[], object] = lambda: None
    """Called just before its request goes out; what it raises keeps it back."""
    accepted: Callable[[str | None], object] = lambda _task: None
    """Called when the service has answered: the id of the task it began, "" where it named none, None without one."""
    patience: float | None = None  # seconds that its write is followed, whatever is set
    watched: bool = True  # progress is followed: a client that does not may give up after five seconds
    begun: float = field(default_factory=time.monotonic)  # when the call came
    client: str = ""  # name and version of a client that shows views; "" where it shows none
    consented: str = ""  # how the person consented to what `confirm` stands for, where that was proved: by a card


def follow_seconds(settings: Settings, caller: Caller) -> float:
    """How long a write, or a plan, is followed before it is handed back.

    Clients that ask for no progress may give up after 5 seconds (openai-agents, AutoGen, ADK), and others that do after
    10 (agno), and a call that seems to have failed is called again. What a person set counts for all.
    """
    if caller.patience is not None:
        return caller.patience
    if caller.watched or "wait" in settings.model_fields_set:
        return settings.wait
    return min(settings.wait, UNWATCHED_SECONDS)


@dataclass(frozen=True)
class PreparedCall:
    """A call ready to be sent: arguments repaired (`confirm` among them), request built."""

    tool: Tool
    arguments: Mapping[str, Any]
    request: Request
    before: Mapping[str, Any] | None = None  # the target of an update as it was last read; None: not read

    @property
    def plain(self) -> dict[str, Any]:
        """The arguments without `confirm`."""
        return {name: value for name, value in self.arguments.items() if name != "confirm"}


@dataclass(frozen=True)
class Consent:
    """What consent needs for as long as the process lives."""

    settings: Settings
    keys: tuple[bytes, ...]  # of text codes, newest first
    store: store.ConsentStore
    log: audit_log.AuditLog
    issued: dict[str, codes.Call] = field(default_factory=dict)  # what each was shown for, its arguments as digests
    differences: references.References = field(default_factory=references.References)
    card_keys: tuple[bytes, ...] = ()  # of cards, newest first; never made from those of text codes

    def record(self, event: audit_log.Event, caller: Caller, tool: str, **details: Any) -> None:
        """A line of the record about a call of this caller; `details` and errors as of `audit_log.record`."""
        audit_log.record(self.log, event, call=caller.id, tool=tool, principal=caller.principal, **details)


class Statement(Protocol):
    """An effect in lines: `forbidden` is why there can be no code, `binding_facts` are what a code is bound to.

    `danger` is what it costs with its arguments, `whole` the whole difference, a line a leaf.
    """

    @property
    def forbidden(self) -> str: ...  # noqa: D102

    @property
    def binding_facts(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def danger(self) -> Danger: ...  # noqa: D102

    @property
    def whole(self) -> tuple[str, ...]: ...  # noqa: D102

    def lines(self) -> Iterable[str]: ...  # noqa: D102


@dataclass(frozen=True)
class Proposal:
    """A call that needs consent: what it is, how its targets are read, and how its effect is described."""

    tool: str
    arguments: Mapping[str, Any]  # as repaired, without `confirm`
    read: Callable[[], Awaitable[Any]]
    state: Callable[[Any], Any]  # of what was read: what the code is bound to
    describe: Callable[[Any, datetime, Mapping[str, datetime]], Awaitable[Statement]]
    """The effect on what was read, as of a moment; the last argument says by path when what else is leaving is gone."""
    target: Callable[[Any], Mapping[str, Any]]  # of what was read: for the audit log
    ends: Callable[[Any, datetime], Mapping[str, datetime]] = lambda _subject, _now: {}  # when what of it is gone
    gated: Callable[[Any], bool] = lambda _statement: True  # whether this effect needs consent
    seconds: Callable[[Any], float] = lambda _statement: 0.0  # that carrying it out is expected to take
    takes_confirm: bool = True  # whether its tool has the argument


@dataclass(frozen=True)
class Evaluation:
    """What was read for a proposal at one moment, what it would do, and the call that a code for it is bound to."""

    proposal: Proposal
    subject: Any
    statement: Statement
    call: codes.Call
    leaving: frozenset[str]  # what else was on its way out, by path

    @property
    def takes(self) -> timedelta:
        """How long carrying it out is expected to take."""
        return timedelta(seconds=self.proposal.seconds(self.statement))

    @property
    def text(self) -> str:
        """The statement as one text."""
        return "\n".join(self.statement.lines())


def consent(
    settings: Settings, kept_store: store.ConsentStore | None = None, card_keys: tuple[bytes, ...] = ()
) -> Consent:
    """The consent of a process; raises BackupError for a weak key or an audit log that cannot be written."""
    kept_store = kept_store or file_store.memory_store()
    chain = codes.keys(settings, "audit log")[:1] if settings.secret else ()
    log = audit_log.open_log(settings.audit_log, key=chain[0] if chain else None)
    keys = codes.keys(settings, fallback=kept_store.key)
    return Consent(settings, keys, kept_store, log, card_keys=card_keys or (secrets.token_bytes(32),))


async def evaluate(
    proposal: Proposal, caller: Caller, now: datetime, others: Iterable[store.Reservation]
) -> Evaluation:
    """The proposal with its targets and its effect as they are now, what `others` announced taken as gone.

    The effect counts too: what hangs on a target can change while the target does not, and make this copy the last.
    """
    leaving = store.by_path(others, now)
    subject = await proposal.read()
    statement = await proposal.describe(subject, now, leaving)
    call = codes.Call(
        proposal.tool, proposal.arguments, caller.principal, proposal.state(subject), statement.binding_facts
    )
    return Evaluation(proposal, subject, statement, call, frozenset(leaving))
