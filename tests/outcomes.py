"""Each writing operation as asked, otherwise than asked, without any effect, and with a part that fails:

`python -m tests.outcomes [TOOL …]`; the table is kept in tests/snapshots/outcomes.txt. What is so is what the simulated
tenant was told to do; a success claimed of anything but the first is wrong.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anyio
from mcp import Client

from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.simulator.switches import Deviation
from greenlake_backup_mcp.simulator.tasks import Ending
from greenlake_backup_mcp.tools.registry import Tool
from tests.conftest import ticking
from tests.support import write_samples
from tests.support.own_client import own_client
from tests.support.results import CODE, text_of

PARTS = {"items": [{"id": "one", "status": 200}, {"id": "two", "status": 500, "message": "It did not work."}]}
OTHER: dict[str, Mapping[str, Any]] = {  # another leaf of the request carried out than asked
    "restore_vm": {"targetVmInfo": {"powerOn": True}},
    "restore_vm_protection_group": {"powerOnVmsAfterRestore": True},
    "restore_mssql_database": {"targetDatabaseInfo": {"name": "another"}},
    "restore_datastore": {"targetDatastoreInfo": {"name": "another"}},
}
AT_ONCE: dict[str, Mapping[str, Any]] = {  # without a task
    "create_protection_policy": {"protections": [{"type": "SNAPSHOT", "schedules": [write_samples.SHORTER]}]},
    "replace_protection_policy": {"protections": [{"type": "SNAPSHOT", "schedules": [write_samples.SHORTER]}]},
    "update_protection_policy": {"name": "another"},
    "update_protection_store": {"displayName": "another"},
    "delete_protection_policy": {},
    "delete_data_orchestrator": {},
}
UNSEEN = (  # nothing shows what these did: that is said, and no more
    "ping_protection_store_gateway", "traceroute_protection_store_gateway", "generate_gateway_support_bundle",
    "generate_data_orchestrator_support_bundle", "generate_data_orchestrator_totp",
    "get_protection_store_gateway_console_user",
)  # fmt: skip
RIGHT = re.compile(
    "DIFFERS|contradicts|[Oo]utcome unknown|[Ff]ailed in part|FAILED|not proven deleted|not ended|waits for its end"
)


@dataclass(frozen=True)
class CallAnswer:
    """What a call said, whether as an error, and the reads after it that were no polls."""

    text: str
    is_error: bool
    reads: int


async def try_out(tool: Tool, deviation: Deviation | None) -> CallAnswer | None:
    """The answer of one call on a fresh tenant; None where it has nothing for the call."""
    app = create_app(now=ticking, scale=100_000)
    tenant = app.state.tenant
    asked = write_samples.arguments(tenant, tool)
    if asked is None:
        return None
    assert tool.operation is not None
    async with own_client(app, ticking, wait=8, rate=1e6) as client:
        asked = await confirmed(client, tool, asked)
        if deviation is not None:
            tenant.switch(deviations={tool.operation.id: deviation})
        result = await client.call_tool(tool.name, asked)
    writes = [n for n, one in enumerate(tenant.requests) if one.method != "GET" and "/token" not in one.path]
    after = [one for one in list(tenant.requests)[max(writes, default=0) :] if one.method == "GET"]
    return CallAnswer(text_of(result), bool(result.is_error), sum("async-operations" not in one.path for one in after))


async def confirmed(client: Client, tool: Tool, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with the code of their preview, where this call needs consent."""
    if "confirm" not in tool.arguments:
        return dict(asked)
    preview = text_of(await client.call_tool(tool.name, {**asked, "confirm": "preview"}))
    codes = CODE.findall(preview)
    assert codes or not tool.gated, (tool.name, preview)
    return {**asked, "confirm": codes[-1]} if codes else dict(asked)


def other_than_asked(tool: Tool) -> list[Deviation]:
    """What the tenant does instead: another leaf, a bad state of the result, nothing at all."""
    if tool.name in AT_ONCE:
        return [Deviation(request=AT_ONCE[tool.name])] if AT_ONCE[tool.name] else []
    if tool.name == "restore_vm_protection_group":  # its parts carry it out, whatever becomes of itself
        return [Deviation(request=OTHER[tool.name]), Deviation(children={"2": Ending("FAILED")})]
    actual = [Deviation(ending=Ending("SUCCEEDED"))]
    return [*actual, Deviation(request=OTHER[tool.name])] if tool.name in OTHER else actual


@dataclass(frozen=True)
class Row:
    """What was said of one tool, in a word for each try; and what of it was wrong."""

    name: str
    words: tuple[str, ...]
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        return "  ".join((self.name.ljust(44), *(word.ljust(30) for word in self.words))).rstrip()


async def judge(tool: Tool) -> Row:
    """One tool as asked, with a part that fails, and otherwise than asked."""
    plain = await try_out(tool, None)
    if plain is None:
        return Row(tool.name, (), (f"{tool.name}: the tenant has nothing for it",))
    wrong = []
    if plain.is_error:
        wrong.append(f"{tool.name} as asked: {plain.text}")
    if plain.reads > 6:
        wrong.append(f"{tool.name} as asked: {plain.reads} reads")
    if len(plain.text.encode()) > 1500 * 3:
        wrong.append(f"{tool.name} as asked: {len(plain.text.encode())} bytes")
    first = plain.text.splitlines()[0].lower()
    word = "as asked" if "as asked" in first else "gone" if "resource is gone" in plain.text else "done"
    words = [word + (", some cannot be told" if "Cannot be told" in plain.text else "")]
    parts = await try_out(tool, Deviation(status=207, body=PARTS))
    if parts is not None:
        right = parts.is_error and "failed in part: 1 of 2" in parts.text
        words.append("failed in part: 1 of 2" if right else "WRONG")
        wrong += [] if right else [f"{tool.name} with a part that fails: {parts.text}"]
    for deviation in other_than_asked(tool):
        other = await try_out(tool, deviation)
        if other is None or tool.name in UNSEEN:
            continue
        match = RIGHT.search(other.text)
        words.append(match[0].lower() if match else "cannot be told" if "Cannot be told" in other.text else "WRONG")
        if words[-1] == "WRONG":
            wrong.append(f"{tool.name} otherwise ({deviation}): {other.text}")
    return Row(tool.name, tuple(words), tuple(wrong))


async def main(names: list[str]) -> int:
    """Print what is wrong, then the table, which is kept in tests/snapshots/outcomes.txt; 1 where anything is wrong."""
    call_log.LOGGER.setLevel("CRITICAL")
    tools = [tool for tool in write_samples.writes() if not names or tool.name in names]
    rows = []
    for tool in tools:
        try:
            rows.append(await judge(tool))
        except Exception as error:
            rows.append(Row(tool.name, ("WRONG",), (f"{tool.name}: {error!r}",)))
        for line in rows[-1].wrong:
            print(line, "\n", file=sys.stderr)
    count = sum(bool(row.wrong) for row in rows)
    print(Row("operation", ("as asked", "with a part that fails", "otherwise than asked"), ()))
    print(*sorted(map(str, rows)), sep="\n")
    print(f"{len(tools)} writing operations, {count} told wrongly")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(anyio.run(main, sys.argv[1:]))
