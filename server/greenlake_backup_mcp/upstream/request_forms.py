"""The form in which a request leaves, by the readings taken: made of the request alone, so its meaning is one.

Whoever consents consents to the meaning. Which readings shape a request, how it looks in each, and which of them a
refusal names. Knows requests and readings; sends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from . import published
from .messages import Request

MERGE, PLAIN = "application/merge-patch+json", "application/json"
REFUSED = (400, 415, 422)  # after which nothing was executed, and another form may be tried
FILTERS = ("bare_timestamps", "in_lists", "escaped_quotes")
_LITERAL = re.compile(r"'((?:[^']|'')*+)'")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\d:.]*(?:Z|[+-]\d\d:\d\d)?")
_IN = re.compile(r"((?<=\s)in\s*+)\(((?:'(?:[^']|'')*+'|[^'()])*+)\)")
_TYPES = ("virtualization/", "hybrid-cloud/")
_MISSING = re.compile(r"requir|missing|must|null|empty|absent|not (?:present|given|set|specified)|expected", re.I)
_UNKNOWN = re.compile(
    r"unknown|unrecogni[sz]ed|unexpected|not (?:allowed|defined|known|permitted|supported)|addition", re.I
)
_HINTS = {  # words of a refusal of a filter that tell which of its readings is meant
    "bare_timestamps": re.compile(r"time|date|rfc", re.IGNORECASE),
    "in_lists": re.compile(r"'in'|`in`|\bin operator|bracket|parenthes|\blist\b", re.IGNORECASE),
    "escaped_quotes": re.compile(r"quot|escape|character|unterminated", re.IGNORECASE),
}


def points(request: Request) -> tuple[str, ...]:
    """The readings that shape this request: another value of one makes another form of it."""
    return tuple(_points(request))


def _points(request: Request) -> Iterator[str]:
    text = next((value for name, value in request.query if name == "filter"), "")
    if text:
        literals = _LITERAL.findall(text)
        if any(_TIME.fullmatch(value) for value in literals):
            yield "bare_timestamps"
        if any("''" in value for value in literals):
            yield "escaped_quotes"
        if _IN.search(text):
            yield "in_lists"
    if request.media_type == MERGE:
        yield "media_types"
    body = request.body
    if not isinstance(body, dict):
        return
    operation = request.operation_id
    if any(next(published.holders(body, row.within), None) is not None for row in published.names_of(operation)):
        yield "published_names"
    if operation in published.RESTORES and ("backupId" in body) != ("snapshotId" in body):
        yield "recovery_point_of_restore"
    if operation == "VmpgRestore" and any(
        r.get("recoveryPointType") == "CLOUDBACKUP" for r in published.holders(body, "recoveryInfo")
    ):
        yield "cloud_backup_word"
    if published.KEEP_FOLDERS["backupId"] in body:
        yield "kept_folders_word"
    if any(_types(body)):
        yield "asset_types"


def scope_of(point: str, request: Request) -> str:
    """Of what a finding holds: "" of all the tenant; of one operation what is misspelled or required only there."""
    if point == "recovery_point_of_restore":
        return f"{request.operation_id}/{'backupId' if 'backupId' in request.body else 'snapshotId'}"
    return request.operation_id if point == "published_names" else ""


def _types(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(kind := value.get("type"), str) and kind.startswith(_TYPES):
            yield kind
        for item in value.values():
            yield from _types(item)
    elif isinstance(value, list):
        for item in value:
            yield from _types(item)


def form_of(request: Request, values: Mapping[str, str]) -> Request:
    """The request in the form by the readings of its points (`values`: what each is taken to be)."""
    if not values:
        return request
    query, body, media_type = request.query, request.body, request.media_type
    if any(name in values for name in FILTERS):
        query = tuple((name, _filter(text, values) if name == "filter" else text) for name, text in query)
    if values.get("media_types") == "json":
        media_type = PLAIN
    if values.get("kept_folders_word") == "corrected":
        wrong, right = published.KEEP_FOLDERS["backupId"], published.KEEP_FOLDERS["snapshotId"]
        body = {right if name == wrong else name: value for name, value in body.items()}
    if (word := values.get("cloud_backup_word")) == "CLOUD_BACKUP":
        body = {**body, "recoveryInfo": [
            {**r, "recoveryPointType": word} if r.get("recoveryPointType") == "CLOUDBACKUP" else r
            for r in body["recoveryInfo"]
        ]}  # fmt: skip
    if values.get("published_names") == "published":
        body = published.published_body(request.operation_id, body, request.beside)
    if values.get("recovery_point_of_restore") == "both":
        name = body.get("backupId") or body.get("snapshotId")  # the same id twice names no other recovery point
        body = {**body, "backupId": body.get("backupId", name),
                "snapshotId": body.get("snapshotId", request.beside.get("snapshotId", name))}  # fmt: skip
    if (kind := values.get("asset_types", "as given")) != "as given":
        body = _retyped(body, kind)
    return replace(request, query=query, body=body, media_type=media_type)


def _filter(text: str, values: Mapping[str, str]) -> str:
    if values.get("in_lists") == "square":
        text = _IN.sub(r"\1[\2]", text)

    def literal(match: re.Match[str]) -> str:
        inner = match[1]
        if values.get("bare_timestamps") == "yes" and _TIME.fullmatch(inner):
            return inner
        return "'" + inner.replace("''", "\\'") + "'" if values.get("escaped_quotes") == "backslash" else match[0]

    return _LITERAL.sub(literal, text)


def _retyped(value: Any, kind: str) -> Any:
    if isinstance(value, list):
        return [_retyped(item, kind) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: f"{kind}/{item.partition('/')[2]}"
        if name == "type" and isinstance(item, str) and item.startswith(_TYPES)
        else _retyped(item, kind)
        for name, item in value.items()
    }


def is_named(point: str, request: Request, status: int | None, words: str) -> bool:
    """Whether a refusal names the point of a reading, so that another form of the request may cure it.

    `words`: the service's own. Of a read, a filter that is refused without a reason may be refused for any of them.
    """
    if status not in REFUSED:
        return False
    if point == "media_types":
        return status == 415 or re.search(r"content.?type|media.?type|merge.?patch", words, re.IGNORECASE) is not None
    if status == 415 or not words:
        return False
    if point in FILTERS:
        if any(hint.search(words) for name, hint in _HINTS.items() if name in points(request)):
            return _HINTS[point].search(words) is not None
        return not re.search(r"\b(?:select|sort|limit|offset)\b", words) or "filter" in words.lower()
    if point == "published_names":
        return any(
            (has_word(words, row.published) and _MISSING.search(words))
            or (has_word(words, row.described.rpartition("/")[2]) and _UNKNOWN.search(words))
            for row in published.names_of(request.operation_id)
        )
    if point == "recovery_point_of_restore":
        missing = "snapshotId" if "backupId" in request.body else "backupId"
        return has_word(words, missing) and _MISSING.search(words) is not None
    if point == "asset_types":
        return (
            any(kind in words for kind in _types(request.body))
            or re.search(r"[\w\]]/type\b|\.type\b", words) is not None
        )
    named = {"cloud_backup_word": "recoveryPointType|CLOUD_?BACKUP", "kept_folders_word": "retainOrig"}[point]
    return re.search(named, words) is not None


def has_word(words: str, name: str) -> bool:
    """Whether a refusal's words hold this name of a property by itself."""
    return bool(name) and re.search(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])", words) is not None
