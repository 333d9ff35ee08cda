"""Schemathesis against the simulated tenant, to its end: `python -m tests.fuzz [EXAMPLES]` (default 20 of each).

It is given our descriptions with the ids of resources that the tenant has, so that its requests get past "not found".
Schemathesis lives in whichever environment has it: SCHEMATHESIS names its command, else it is looked for.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any

import httpx2

from greenlake_backup_mcp.openapi import document
from greenlake_backup_mcp.simulator.switches import Switches
from tests.support.simulated import NOW

TOKEN = f"Bearer {Switches().ready_token}"
SOME = 12  # ids for each place: deletes leave some
MOST = 100
SERVE = """
import sys
from datetime import datetime, UTC
from greenlake_backup_mcp.simulator.server.app import serve
serve({port}, now=lambda: datetime.fromisoformat("{now}"))
"""


@dataclass(frozen=True)
class Ran:
    """What schemathesis said of one description: the operations it tested, the requests it made, its own words."""

    tested: int
    cases: int
    passed: int
    output: str

    @property
    def whole(self) -> bool:
        """Whether it ran to its end and each answer was one that the tenant meant."""
        return self.tested > 0 and self.cases == self.passed > 0 and "Server error" not in self.output


def command() -> str | None:
    """Schemathesis' command; None where there is none."""
    beside = Path(sys.executable).with_name("schemathesis")
    return os.environ.get("SCHEMATHESIS") or shutil.which("schemathesis") or (str(beside) if beside.exists() else None)


@contextmanager
def tenant() -> Iterator[str]:
    """A simulated tenant in its own process; its base URL."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = SERVE.format(port=port, now=NOW.isoformat())
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(400):
            try:
                httpx2.get(base, timeout=1)
                break
            except httpx2.TransportError:
                time.sleep(0.05)  # the process is starting
        yield base
    finally:
        process.terminate()
        process.wait(10)


def filled(document: Any, base: str) -> Any:
    """The description with ids that the tenant has as the only values of its paths' parameters."""
    for path, item in document["paths"].items():
        values = _values(base, path)
        if not values:
            continue
        for operation in (item, *(v for v in item.values() if isinstance(v, dict))):
            inputs = operation.get("parameters", [])
            named = [_resolved(document, one) for one in inputs]
            operation["parameters"] = [
                _fixed(one, values[_place(path, one["name"])]) if one.get("in") == "path" else inputs[n]
                for n, one in enumerate(named)
            ]
            if not operation["parameters"]:
                del operation["parameters"]
    return document


def _values(base: str, path: str) -> list[list[str]]:
    """Ids for each place in a path; those of the second belong to the one of the first."""
    before, *rest = re.split(r"/\{[^}]*\}", path)
    if not rest:
        return []
    holder = before.rpartition("/")[2]  # that of a datastore's backups is listed by another API
    owners = next(filter(None, (ids(base, f"{api.prefix}/{holder}") for api in document.APIS)), [])
    if len(rest) < 2:
        return [owners[:SOME]]
    for owner in owners:
        if inner := ids(base, f"{before}/{owner}{rest[0]}"):
            return [[owner], inner[:SOME]]
    raise AssertionError(f"nothing for {path}")


def ids(base: str, path: str) -> list[str]:
    """The first ids of a list; of a path that only takes writes none."""
    answer = httpx2.get(f"{base}{path}", params={"limit": MOST}, headers={"Authorization": TOKEN}, timeout=30)
    return [item["id"] for item in answer.json()["items"]] if answer.status_code == 200 else []


def _place(path: str, name: str) -> int:
    return re.findall(r"\{([^}]*)\}", path).index(name)


def _resolved(document: Any, parameter: Any) -> Any:
    if "$ref" not in parameter:
        return parameter
    result = document
    for part in parameter["$ref"].removeprefix("#/").split("/"):
        result = result[part]
    return result


def _fixed(parameter: Any, values: list[str]) -> Any:
    return {**parameter, "schema": {"type": "string", "enum": values}} if values else parameter


def run(api: document.Api, base: str, schemathesis: str, *, examples: int, where: Path) -> Ran:
    """What schemathesis finds with this description; `where` is a directory it may write to."""
    file = where / api.file.name
    file.write_text(json.dumps(filled(json.loads(api.file.read_text(encoding="utf-8")), base)), encoding="utf-8")
    arguments = [schemathesis, "run", str(file), "--url", base, "-H", f"Authorization: {TOKEN}", "--seed", "1",
                 "--checks", "not_a_server_error", "--max-examples", str(examples),
                 "--phases", "coverage,fuzzing"]  # fmt: skip
    ran = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=where)
    tested = re.search(r"Tested: (\d+)", ran.stdout)
    cases = re.search(r"(\d+) generated, (?:\d+ found [^,]*, )?(\d+) passed", ran.stdout)
    return Ran(
        int(tested[1]) if tested else 0,
        int(cases[1]) if cases else 0,
        int(cases[2]) if cases else 0,
        ran.stdout + ran.stderr,
    )


def main() -> int:
    """Run it and print; 1 where the tenant failed, 2 where there is no schemathesis."""
    result = command()
    if result is None:
        print("schemathesis is not on this machine: pip install schemathesis, or name its command in SCHEMATHESIS")
        return 2
    examples = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    wrong = 0
    with tenant() as base, tempfile.TemporaryDirectory() as where:
        for api in document.APIS:
            ran = run(api, base, result, examples=examples, where=Path(where))
            print(f"{api.name}: {ran.tested} operations, {ran.cases:,} requests, {ran.passed:,} answered as meant")
            if not ran.whole:
                wrong += 1
                print(ran.output[-8000:])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
