"""A task as the service tells it: where it is, how it stands, why it failed. Whatever a field holds, nothing raises.

Knows the fields of async-operations and nothing of how tasks are followed; no HTTP is done here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx2

from greenlake_backup_mcp.lists.views import extractors
from greenlake_backup_mcp.text import sanitize, units

TASKS = "/data-services/v1beta1/async-operations"
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED", "TIMEDOUT")
GOING = ("INITIALIZED", "RUNNING")
LONGEST_INTERVAL = 300.0  # seconds; a service that suggests more would be forgotten
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,127}")
_PATH = re.compile(r"/[a-z][a-z-]*/v\d\w*(?:/[A-Za-z0-9._~%-]+)+")


@dataclass(frozen=True)
class Task:
    """How a task stands. Words are cleaned; `interval` is in seconds, `percent` of 100."""

    id: str
    state: str = ""
    name: str = ""
    percent: float | None = None
    interval: float | None = None
    minutes: float | None = None  # that it is expected to take in all
    over: bool = False
    why: str = ""  # the vendor's reason, code and trace id
    last: str = ""  # of its log messages
    console: str = ""  # where in the console a person can act
    begun: datetime | None = None
    ended: datetime | None = None
    health: str = ""  # OK, WARNING, ERROR, UNKNOWN
    subject: str = ""  # path of the resource it is about
    others: tuple[str, ...] = ()  # paths of the resources associated with it
    children: bool | None = None  # whether it began others; None: it does not say

    @property
    def stands_still(self) -> bool:
        """Whether waiting brings nothing more: it has ended, or a person must act."""
        return self.over or self.state == "PAUSED"


def parse_task(item: Any, task_id: str = "") -> Task:
    """The task of an answer; fields that are missing or of another kind count as not told."""
    if not isinstance(item, Mapping):
        return Task(task_id)
    # the portal's guide says `status`; the description and real answers say `state`
    state = _word(item.get("state") or item.get("status")).upper()
    return Task(
        id=task_id or _word(item.get("id")),
        state=state,
        name=_word(item.get("displayName") or item.get("name")),
        percent=_within(item.get("progressPercent"), 0, 100),
        interval=_within(item.get("suggestedPollingIntervalSeconds"), 1, LONGEST_INTERVAL),
        minutes=_within(item.get("estimatedRunningDurationMinutes"), 1, 100_000),
        over=state in ENDED or (bool(item.get("endedAt")) and state not in (*GOING, "PAUSED")),
        why=reason(item),
        last=_last(extractors.values_at(item, "logMessages")),
        console=_word(extractors.first(item, ["additionalDetails/consoleUri"])),
        begun=units.parse_time(item.get("createdAt")),
        ended=units.parse_time(item.get("endedAt")),
        health=_word(item.get("healthStatus")).upper(),
        subject=path_of(item.get("sourceResourceUri")),
        others=tuple(filter(None, map(path_of, extractors.values_at(item, "associatedResources/resourceUri")[:20]))),
        children=_children(item),
    )


def _children(item: Mapping[str, Any]) -> bool | None:
    """Whether a task has children, by either of the fields that say so."""
    count = units.number(item.get("subtreeOperationCount"))
    flag = item.get("hasChildOperations")
    if flag is True or (count is not None and count > 0):
        return True
    return False if flag is False or count == 0 else None


def located(location: str | None, base: str) -> tuple[str, str]:
    """The path of the task a Location names, or "" and why it is not followed. `base` is the service's URL."""
    if not location:
        return "", "the service named no task (no Location)"
    own = httpx2.URL(base)
    try:
        url = own.join(location.strip())
    except httpx2.InvalidURL:
        return "", "the Location it named is no URL"
    if (url.scheme, url.host, url.port) != (own.scheme, own.host, own.port) or url.userinfo:
        return "", "the Location it named is on another host and was not followed"
    path = url.raw_path.decode().partition("?")[0]
    if own.path.strip("/"):
        path = path.removeprefix(own.path.rstrip("/"))
    match = re.fullmatch(r"/[a-z-]+/v\d\w*/async-operations/([^/]+)/?", path)
    if not match or not is_id(match[1]):
        return "", "the Location it named is no task"
    return path.rstrip("/"), ""


def is_id(text: str) -> bool:
    """Whether a text can be the id of a task."""
    return _ID.fullmatch(text) is not None


def path_of_id(task_id: str) -> str:
    """Where the task of this id is read."""
    return f"{TASKS}/{quote(task_id, safe='')}"


def path_of(uri: Any) -> str:
    """The path of a resource as the service names it in an answer; "" for what is none."""
    return uri if isinstance(uri, str) and len(uri) < 1000 and _PATH.fullmatch(uri) else ""


def reason(item: Mapping[str, Any]) -> str:
    """The vendor's error of a task: {error, errorCode, traceId}, or whatever stands there."""
    error = item.get("error")
    if isinstance(error, Mapping):
        words, trace = error.get("error") or error.get("message"), error.get("traceId") or error.get("debugId")
        return write_reason(words, error.get("errorCode"), trace)
    return sanitize.quoted(error, 400) if isinstance(error, str) and error else ""


def write_reason(message: Any, code: Any, trace: Any) -> str:
    """Why something failed, in the service's words as a quotation, with its code and what HPE support asks for."""
    sentence = sanitize.quoted(str(message), 400) if message else "no reason given"
    facts = [word for word in (_word(code), f"trace id for HPE support: {_word(trace)}" if trace else "") if word]
    return f"{sentence} ({', '.join(facts)})" if facts else sentence


def _last(messages: list[Any]) -> str:
    readable = [m for m in messages if isinstance(m, Mapping) and m.get("message")]
    if not readable:
        return ""
    times = [str(one.get("timestampAt") or one.get("timestamp") or "") for one in readable]
    newest = max(zip(times, range(len(times)), readable, strict=True))[2]
    return sanitize.quoted(str(newest["message"]), 200)


def _word(value: Any) -> str:
    return sanitize.cell(str(value), 120) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def _within(value: Any, least: float, most: float) -> float | None:
    number = units.number(value)
    return None if number is None else min(max(float(number), least), most)
