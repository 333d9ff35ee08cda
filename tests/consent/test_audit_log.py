"""The record: there before what it announces, without secrets and codes, readable after a crash."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from greenlake_backup_mcp.consent import audit_log, audit_verify
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.server import app as mcp_server
from tests.support.tiny_tenant import BACKUP, NOW, OWN, VM, Tenant, loaded

COPY = f"{OWN}/virtual-machines/{VM}/backups/{BACKUP}"
CODE = re.compile(r'confirm: "([A-Z2-7]{4}-[A-Z2-7]{4})"')
RESTORE = {
    "vmId": VM,
    "backupId": BACKUP,
    "fileRestoreMethod": "OVERWRITE",
    "filePathInfo": [{"absoluteSourcePath": "/etc/fstab", "absoluteTargetPath": "/restored"}],
    "targetInfo": {"virtualMachineId": VM, "credentialsInfo": {"username": "root", "password": "hunter2"}},
}


def tenant() -> Tenant:
    vm = {"id": VM, "name": "sql-prod-01", "generation": 9}
    return Tenant({COPY: {"id": BACKUP, "generation": 1}, f"/virtualization/v1beta1/virtual-machines/{VM}": vm})


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def confirmed(app: Tenant, path: Path) -> str:
    """Preview and carry out a file restore; the code used."""
    async with Client(mcp_server.create(loaded(audit_log=path), app=app, now=lambda: NOW)) as client:
        preview = await client.call_tool("restore_vm_files", {**RESTORE, "confirm": "preview"})
        code = CODE.search(preview.content[0].text)[1]
        await client.call_tool("restore_vm_files", {**RESTORE, "confirm": "AAAA-AAAA"})
        await client.call_tool("restore_vm_files", {**RESTORE, "confirm": code})
    return code


async def test_each_step_of_a_gated_call_is_a_line(tmp_path: Path):
    path = tmp_path / "audit.jsonl"
    await confirmed(tenant(), path)
    found = lines(path)
    assert [line["event"] for line in found] == ["preview", "refusal", "consent", "request", "outcome"]
    assert len({line["call"] for line in found[2:]}) == 1
    assert found[3]["outcome"] == audit_log.UNKNOWN
    assert found[4]["outcome"] == "done"
    assert found[3]["target"] == {
        "path": f"/virtualization/v1beta1/virtual-machines/{VM}",
        "id": VM,
        "name": "sql-prod-01",
        "generation": 9,
    }


async def test_secrets_and_codes_are_in_no_line(tmp_path: Path):
    path = tmp_path / "audit.jsonl"
    code = await confirmed(tenant(), path)
    text = path.read_text(encoding="utf-8")
    assert "hunter2" not in text
    assert code not in text
    assert "root" in text


async def test_the_request_is_on_the_disk_before_it_is_sent(tmp_path: Path):
    path = tmp_path / "audit.jsonl"
    on_disk: list[str] = []

    class Watching(Tenant):
        def _answer(self, method: str, path_: str, body: bytes) -> tuple[int, Any]:
            if method == "POST":
                on_disk.extend(line["event"] for line in lines(path))
            return super()._answer(method, path_, body)

    await confirmed(Watching(tenant().resources), path)
    assert on_disk[-1] == "request"


async def test_without_a_record_nothing_is_sent(tmp_path: Path):
    app, path = tenant(), tmp_path / "audit.jsonl"
    server = mcp_server.create(loaded(audit_log=path), app=app, now=lambda: NOW)
    log = audit_log.open_log(path)
    assert log.descriptor is not None
    async with Client(server) as client:
        preview = await client.call_tool("restore_vm_files", {**RESTORE, "confirm": "preview"})
        for name in os.listdir("/proc/self/fd"):  # the disk goes away: every descriptor of the log is closed
            try:
                if os.readlink(f"/proc/self/fd/{name}") == str(path):
                    os.close(int(name))
            except OSError:
                continue
        code = CODE.search(preview.content[0].text)[1]
        result = await client.call_tool("restore_vm_files", {**RESTORE, "confirm": code})
    assert result.is_error
    assert "cannot be written" in result.content[0].text
    assert app.writes == []


@pytest.mark.parametrize(
    ("given", "tool", "reason"),
    [
        ({"read_only": True}, "restore_vm_files", "changes things, and this server is read-only"),
        ({"read_only": True, "surface": "search"}, "call_read_tool", "changes things, and this server is read-only"),
        ({"toolsets": "jobs"}, "restore_vm_files", "is limited to the toolsets jobs"),
    ],
)
async def test_a_gated_call_that_this_server_does_not_offer_is_a_refusal_in_the_record(
    given: dict[str, Any], tool: str, reason: str, tmp_path: Path
):
    app, path = tenant(), tmp_path / "audit.jsonl"
    server = mcp_server.create(loaded(audit_log=path, **given), app=app, now=lambda: NOW)
    asked = {**RESTORE, "confirm": "AAAA-AAAA"}
    inner = {"name": "restore_vm_files", "arguments": asked} if tool == "call_read_tool" else asked
    async with Client(server) as client:
        result = await client.call_tool(tool, inner)
    assert reason in result.content[0].text
    (line,) = lines(path)
    assert (line["event"], line["tool"], line["principal"]) == ("refusal", "restore_vm_files", "local")
    assert reason in line["reason"]
    assert line["arguments"]["vmId"] == VM
    assert "hunter2" not in path.read_text(encoding="utf-8")
    assert (app.reads, app.writes) == ([], [])


def test_a_file_that_cannot_be_written_is_told_at_the_start(tmp_path: Path):
    with pytest.raises(BackupError, match="cannot be written"):
        audit_log.open_log(tmp_path / "nowhere" / "audit.jsonl")


def test_the_file_is_its_owners_alone_and_is_appended_to(tmp_path: Path):
    path = tmp_path / "audit.jsonl"
    for _ in range(2):
        audit_log.record(audit_log.open_log(path), "preview", call="1", tool="t", principal="me")
    assert len(lines(path)) == 2
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_torn_line_takes_no_other_along(tmp_path: Path):
    path = tmp_path / "audit.jsonl"
    audit_log.record(audit_log.open_log(path), "request", call="1", tool="t", principal="me")
    with path.open("a", encoding="utf-8") as file:
        file.write('{"event":"outc')
    audit_log.record(audit_log.open_log(path), "request", call="2", tool="t", principal="me")
    assert [line["call"] for line in audit_verify.unsettled(path)] == ["1", "2"]


@pytest.mark.parametrize("text", ["a\nb", "\u202eevil", "x" * 10_000, "\x00", '"', "\ud800"])
def test_whatever_a_name_holds_a_line_stays_one_line_of_json(tmp_path: Path, text: str):
    path = tmp_path / "audit.jsonl"
    audit_log.record(audit_log.open_log(path), "preview", call="1", tool="t", principal="me", target={"name": text})
    assert len(lines(path)) == 1


KILLED = """
import os, signal, sys
import anyio
sys.path.insert(0, {tests!r})
from pathlib import Path
from tests.consent.test_audit_log import tenant, confirmed
from tests.support.tiny_tenant import Tenant

class Deadly(Tenant):
    def _answer(self, method, path, body):
        if method == "POST":
            os.kill(os.getpid(), signal.SIGKILL)
        return super()._answer(method, path, body)

anyio.run(confirmed, Deadly(tenant().resources), Path({path!r}))
"""


def test_a_server_killed_between_consent_and_answer_leaves_what_is_unknown(tmp_path: Path):
    path = tmp_path / "audit.jsonl"
    script = KILLED.format(tests=str(Path(__file__).parents[2]), path=str(path))
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert run.returncode == -signal.SIGKILL, run.stderr.decode()
    (left,) = audit_verify.unsettled(path)
    assert left["tool"] == "restore_vm_files"
    assert left["outcome"] == "unknown until a line with event outcome and the same call follows"
    assert left["target"]["name"] == "sql-prod-01"
