"""Names of tools and of the ids they take, from method and path; TABLE of the words and names that differ.

Must know nothing of schemas, danger or HTTP.
"""

from __future__ import annotations

import re
from functools import lru_cache

from greenlake_backup_mcp.openapi.document import Api, Operation

LONGEST_NAME = 40  # a client's prefix (22 in the field) must still fit 64; longer ones say "gateway" alone


# path segment -> word of the tool's name.
SEGMENT_WORDS = {
    "virtual-machines": "vms",
    "virtual-machine-protection-groups": "vm-protection-groups",
    "async-operations": "tasks",
    "dual-auth-operations": "approvals",
}

# operations whose path does not yield a fair name: (method, end of path) -> name.
NAMES = {
    ("POST", "/protection-store-gateway-sizer"): "size_new_protection_store_gateway",
    ("POST", "/protection-store-gateways/{id}/sizer"): "size_protection_store_gateway",
    ("POST", "/protection-store-gateways/{id}/consoleUser"): "get_protection_store_gateway_console_user",
    ("POST", "/virtual-machine-protection-groups/{id}/restore-pre-check"): "check_vm_protection_group_restore",
}


def tool_name(operation: Operation, api: Api) -> str:
    """Verb first, then the resource as the path says it: `restart_data_orchestrator_guest_os`."""
    for (method, ending), name in NAMES.items():
        if method == operation.method and operation.path.endswith(ending):
            return name
    segments = operation.path.removeprefix(api.prefix).strip("/").split("/")
    nouns = [_words(s) for n, s in enumerate(segments) if not is_id(s) and is_id([*segments, ""][n + 1])]
    last = segments[-1]
    if is_id(last):
        verb = {"GET": "get", "PATCH": "update", "PUT": "replace", "DELETE": "delete"}.get(operation.method, "post")
        parts = [verb, *(singular(n) for n in nouns)]
    elif operation.method == "GET":
        parts = ["list", *(singular(n) for n in nouns), _words(last)]
    elif operation.method == "POST" and last in operation.document.collections:
        parts = ["create", *(singular(n) for n in nouns), singular(_words(last))]
    else:
        verb, _, rest = _words(last).partition("_")
        if verb == "power":
            verb, rest = f"power_{rest}", ""
        parts = [verb, *(singular(n) for n in nouns), rest]
    name = "_".join(p for p in parts if p)
    return name if len(name) <= LONGEST_NAME else name.replace("protection_store_gateway", "gateway")


def argument_name(segment: str) -> str:
    """The name of the id that follows a path segment: `virtual-machines` → `vmId`."""
    head, *rest = singular(_words(segment)).split("_")
    return head + "".join(w.capitalize() for w in rest) + "Id"


def singular(words: str) -> str:
    """The singular of a snake_case plural: `protection_policies` → `protection_policy`."""
    if words.endswith("ies"):
        return words[:-3] + "y"
    return words[:-1] if words.endswith("s") and not words.endswith("ss") else words


def _words(segment: str) -> str:
    segment = SEGMENT_WORDS.get(segment, segment)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", segment).replace("-", "_").lower()


def is_id(segment: str) -> bool:
    """Whether a path segment is a parameter."""
    return segment.startswith("{")


@lru_cache(maxsize=2048)
def tail(path: str) -> str:
    """The path below its API and version, parameters nameless: what is one resource in two APIs has one tail."""
    return re.sub(r"\{[^}]*\}", "{}", re.sub(r"^/[^/]+/[^/]+/", "/", path))
