"""A delete that a second person must approve: the approval it waits for. Reads only; nobody here can approve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp.lists.views import extractors
from greenlake_backup_mcp.text import sanitize
from greenlake_backup_mcp.upstream.client import ApiClient

from .read_back import read_page

APPROVALS = "/data-services/v1beta1/dual-auth-operations"
SUBJECTS = (  # what an approval is about, in each of the shapes that are described
    "operationResource/resourceUri", "associatedResources/resourceUri", "associatedResources/resource/resourceUri",
)  # fmt: skip
PENDING = "PENDING_DELETE_APPROVAL"


async def describe_approval(api: ApiClient, path: str) -> list[str]:
    """That a delete of the resource at `path` is not done, with the approval it waits for and what a person can do."""
    lines = [f"Not done: a second person must approve the deletion first (state {PENDING}); nobody here can."]
    approval = await _find_approval(api, path)
    if approval is None:
        return [*lines, "Its approval was not found; list_approvals shows those that wait."]
    identity = sanitize.cell(str(approval.get("id")))
    by = sanitize.cell(str(approval.get("requestedByEmail") or "this API client"))
    moment = f" at {sanitize.cell(str(when))}" if (when := approval.get("requestedAt")) else ""
    return [
        *lines,
        f"Approval {identity}, asked for by {by}{moment}: in the console under dual authorization.",
        f'Tell the person; get_approval approvalId="{identity}" shows what was decided.',
    ]


async def _find_approval(api: ApiClient, path: str) -> Mapping[str, Any] | None:
    one = (("filter", f"resourceUri eq '{path}'"), ("limit", "100"))
    for query in (one, (("sort", "requestedAt desc"), ("limit", "100")), (("limit", "100"),)):
        page = await read_page(api, APPROVALS, *query)
        for item in page.items:
            # written PENDING by the description and Pending by the service of old
            pending = str(item.get("state", "")).casefold().startswith("pend")
            if pending and path in (extractors.every(item, SUBJECTS) or ()):
                return item
    return None
