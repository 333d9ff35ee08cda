"""Dual authorization: deletes that wait for a second person, who is never the one who asked."""

from __future__ import annotations

from collections.abc import Callable

from .names import Item, Ref, format_time
from .seed.data_services import pending
from .state import PENDING, Tenant
from .tasks import Task

SECOND = "second-person@example.com"
DECISIONS = {"capital": ("Approved", "Canceled"), "upper": ("APPROVED", "CANCELLED")}


def ask(tenant: Tenant, about: Item, what: str, on_approval: Callable[[], object], ref: Ref | None = None) -> Task:
    """The task that asks a second person for a delete; `on_approval` is what happens when that one agrees.

    It ends when the request waits; in the reading that says so it is PAUSED until somebody decided. Meanwhile `ref` is
    in state PENDING_DELETE_APPROVAL.
    """

    def finish() -> None:
        if ref:
            tenant.write(ref, state="PENDING_DELETE_APPROVAL")
        task.paused = tenant.switches.dual_delete == "paused"
        word = PENDING[tenant.switches.dual_words]
        item = pending(tenant.world, tenant.new_id("dual"), about, what, tenant.now(), word)
        tenant.pending_approvals[item["id"]] = decided

    def decided(approved: bool) -> None:
        if task.paused:
            task.end("SUCCEEDED" if approved else "CANCELLED", tenant.now(), None)
        if approved:
            on_approval()

    return (task := tenant.start(f"Request approval to {what[0].lower()}{what[1:]}", 5, about, finish=finish))


def waiting(tenant: Tenant) -> list[str]:
    """The ids of what waits."""
    return [i["id"] for i in tenant.all("dual-auth-operations") if i["state"] in PENDING.values()]


def approve(tenant: Tenant, id: str) -> None:
    """Approve a pending operation, as a second person in the console; KeyError where there is none."""
    _decide(tenant, id, approved=True)


def cancel(tenant: Tenant, id: str) -> None:
    """Refuse a pending operation, as a second person in the console; KeyError where there is none."""
    _decide(tenant, id, approved=False)


def _decide(tenant: Tenant, id: str, *, approved: bool) -> None:
    tenant.settle()
    if id not in waiting(tenant):
        raise KeyError(id)
    word = DECISIONS[tenant.switches.dual_words][0 if approved else 1]
    item = tenant.write(("dual-auth-operations", id), state=word, checkedAt=format_time(tenant.now()),
                        checkedByEmail=SECOND, checkedByUri="/identity/users/second-person")  # fmt: skip
    ref = tuple((item or {})["operationResource"]["resourceUri"].split("/")[3:])
    if decided := tenant.pending_approvals.pop(id, None):
        decided(approved)
    elif approved:  # it waited before anybody asked anything of this tenant
        tenant.remove(ref)
    if not approved and (tenant.read(ref) or {}).get("state") == "PENDING_DELETE_APPROVAL":
        tenant.write(ref, state="OK")
