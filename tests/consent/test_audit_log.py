"""The record: there before what it announces, without secrets and codes, readable after a crash."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from greenlake_backup_mcp.cli.parser import main
from greenlake_backup_mcp.consent import audit_log, audit_verify, file_store
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.server import app as mcp_server
from tests.support.results import code_in, text_of
from tests.support.tiny_tenant import BACKUP, NOW, OWN, VM, Tenant, loaded

COPY = f"{OWN}/virtual-machines/{VM}/backups/{BACKUP}"
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
        code = code_in(preview)
        await client.call_tool("restore_vm_files", {**RESTORE, "confirm": "AAAA-AAAA"})
        await client.call_tool("restore_vm_files", {**RESTORE, "confirm": code})
    return code


async def test_each_step_of_a_gated_call_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    await confirmed(tenant(), path)
    actual = lines(path)
    assert [line["event"] for line in actual] == ["preview", "refusal", "consent", "request", "outcome"]
    assert len({line["call"] for line in actual[2:]}) == 1
    assert actual[3]["outcome"] == audit_log.UNKNOWN
    assert actual[4]["outcome"] == "unknown"  # files in a guest, and no task that tells of them
    assert actual[3]["target"] == {
        "path": f"/virtualization/v1beta1/virtual-machines/{VM}",
        "id": VM,
        "name": "sql-prod-01",
        "generation": 9,
    }


async def test_secrets_and_codes_are_in_no_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    code = await confirmed(tenant(), path)
    text = path.read_text(encoding="utf-8")
    assert "hunter2" not in text
    assert code not in text
    assert "root" in text


async def test_the_request_is_on_the_disk_before_it_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    on_disk: list[str] = []

    class Watching(Tenant):
        def _answer(self, method: str, path_: str, body: bytes) -> tuple[int, Any]:
            if method == "POST":
                on_disk.extend(line["event"] for line in lines(path))
            return super()._answer(method, path_, body)

    await confirmed(Watching(tenant().resources), path)
    assert on_disk[-1] == "request"


FULL = OSError(errno.ENOSPC, "No space left on device")


class Disk:
    """A disk that is full from the nth line on, and takes only so many bytes of the first that fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, full_at: int, takes: int = 0) -> None:
        self.full_at, self.takes, self.write, self.count = full_at, takes, os.write, 0
        monkeypatch.setattr(os, "write", self)

    def __call__(self, descriptor: int, content: bytes) -> int:
        self.count += b"\n" in bytes(content)
        if self.count < self.full_at:
            return self.write(descriptor, content)
        if self.takes:
            taken, self.takes = self.takes, 0
            return self.write(descriptor, content[:taken])
        raise FULL


@pytest.mark.parametrize("takes", [0, 7])
async def test_a_full_disk_before_the_request_sends_nothing_and_tears_no_line(
    tmp_path: Path, monkeypatch: Any, takes: Any
) -> None:
    app, path = tenant(), tmp_path / "audit.jsonl"
    async with Client(mcp_server.create(loaded(audit_log=path), app=app, now=lambda: NOW)) as client:
        preview = await client.call_tool("restore_vm_files", {**RESTORE, "confirm": "preview"})
        code = code_in(preview)
        Disk(monkeypatch, 2, takes)  # the consent is written, the request is not
        result = await client.call_tool("restore_vm_files", {**RESTORE, "confirm": code})
    assert result.is_error
    assert "cannot be written" in text_of(result)
    assert "Nothing was sent." in text_of(result)
    assert app.writes == []
    assert [line["event"] for line in lines(path)] == ["preview", "consent"]
    assert audit_verify.verify([path]).problems == []


async def test_a_delete_that_the_record_refuses_takes_back_what_it_announced(tmp_path: Path, monkeypatch: Any) -> None:
    app, path = tenant(), tmp_path / "audit.jsonl"
    copy = {"vmId": VM, "backupId": BACKUP}
    async with Client(mcp_server.create(loaded(audit_log=path), app=app, now=lambda: NOW)) as client:
        code = code_in(await client.call_tool("delete_vm_backup", {**copy, "confirm": "preview"}))
        Disk(monkeypatch, 2)  # the consent is written, the request is not
        await client.call_tool("delete_vm_backup", {**copy, "confirm": code})
    assert app.writes == []
    assert await file_store.open_store(loaded()).reserved(NOW) == []


@pytest.mark.parametrize("takes", [0, 7])
async def test_a_full_disk_after_the_request_changes_nothing_of_what_is_told_but_that(
    tmp_path: Path, monkeypatch: Any, takes: Any
) -> None:
    app, path = tenant(), tmp_path / "audit.jsonl"
    async with Client(mcp_server.create(loaded(audit_log=path), app=app, now=lambda: NOW)) as client:
        preview = await client.call_tool("restore_vm_files", {**RESTORE, "confirm": "preview"})
        code = code_in(preview)
        Disk(monkeypatch, 3, takes)
        text = text_of(await client.call_tool("restore_vm_files", {**RESTORE, "confirm": code}))
    assert len(app.writes) == 1
    assert "Nothing was sent" not in text
    assert "THE RECORD FAILED: this outcome is not in it." in text
    assert [line["event"] for line in lines(path)] == ["preview", "consent", "request"]
    assert len(audit_verify.verify([path]).waiting) == 1


async def test_a_plan_whose_record_fails_under_way_still_tells_what_was_done(tmp_path: Path, monkeypatch: Any) -> None:
    app, path = tenant(), tmp_path / "audit.jsonl"
    app.deletes = True
    other = COPY.replace(BACKUP, VM)
    app.resources[other] = {"id": VM, "generation": 1}
    calls = [{"tool": "delete_vm_backup", "arguments": {"vmId": VM, "backupId": one}} for one in (BACKUP, VM)]
    async with Client(mcp_server.create(loaded(audit_log=path), app=app, now=lambda: NOW)) as client:
        preview = await client.call_tool("run_plan", {"calls": calls, "confirm": "preview"})
        code = code_in(preview)
        Disk(monkeypatch, 4)  # consent, the plan's request and the first call's are written
        text = text_of(await client.call_tool("run_plan", {"calls": calls, "confirm": code}))
    assert len(app.writes) == 1
    assert text.startswith("Plan of 2 calls: 1 done, 1 refused.")
    assert "THE RECORD FAILED" in text


@pytest.mark.parametrize("how", ["removed", "rotated", "truncated"])
async def test_a_record_that_was_taken_away_is_made_anew_and_goes_on_from_the_last_line(
    tmp_path: Path, how: str
) -> None:
    app, path = tenant(), tmp_path / "audit.jsonl"
    async with Client(mcp_server.create(loaded(audit_log=path), app=app, now=lambda: NOW)) as client:
        preview = await client.call_tool("restore_vm_files", {**RESTORE, "confirm": "preview"})
        before = audit_verify.verify([path]).last
        if how == "rotated":
            path.rename(tmp_path / "audit.jsonl.1")
        elif how == "removed":
            path.unlink()
        else:
            os.truncate(path, 0)
        code = code_in(preview)
        await client.call_tool("restore_vm_files", {**RESTORE, "confirm": code})
    assert len(app.writes) == 1
    assert [line["event"] for line in lines(path)] == ["consent", "request", "outcome"]
    report = audit_verify.verify([path])
    assert (report.problems, report.beginning) == ([], before)
    if how == "rotated":
        assert audit_verify.verify([tmp_path / "audit.jsonl.1", path]).problems == []


async def test_a_record_that_cannot_be_made_anew_stops_the_request(tmp_path: Path) -> None:
    app, place = tenant(), tmp_path / "there"
    place.mkdir()
    async with Client(mcp_server.create(loaded(audit_log=place / "a"), app=app, now=lambda: NOW)) as client:
        preview = await client.call_tool("restore_vm_files", {**RESTORE, "confirm": "preview"})
        shutil.rmtree(place)
        code = code_in(preview)
        result = await client.call_tool("restore_vm_files", {**RESTORE, "confirm": code})
    assert "cannot be written" in text_of(result)
    assert app.writes == []


async def test_calls_that_need_no_consent_are_in_the_record_too(tmp_path: Path) -> None:
    app, path = tenant(), tmp_path / "audit.jsonl"
    async with Client(mcp_server.create(loaded(audit_log=path, wait=0), app=app, now=lambda: NOW)) as client:
        await client.call_tool("refresh_mssql_database", {"mssqlDatabaseId": VM})
        await client.call_tool("get_vm_backup", {"vmId": VM, "backupId": BACKUP})
    assert [line["event"] for line in lines(path)] == ["request", "outcome"]
    assert {line["tool"] for line in lines(path)} == {"refresh_mssql_database"}
    assert lines(path)[0]["target"]["path"].endswith(f"/mssql-databases/{VM}/refresh")


async def test_the_record_holds_the_digest_of_the_text_that_was_given_out(tmp_path: Path) -> None:
    app, path = tenant(), tmp_path / "audit.jsonl"
    async with Client(mcp_server.create(loaded(audit_log=path), app=app, now=lambda: NOW)) as client:
        preview = await client.call_tool("restore_vm_files", {**RESTORE, "confirm": "preview"})
    assert lines(path)[0]["text"] == hashlib.sha256(text_of(preview).encode()).hexdigest()


# --- the chain --------------------------------------------------------------------------------------------------------

KEY = b"k" * 32


def written(path: Path, key: bytes | None = KEY, count: int = 5) -> list[bytes]:
    log = audit_log.open_log(path, key=key)
    for n in range(count):
        audit_log.record(log, "preview", call=str(n), tool="t", principal="me")
    return path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("key", [KEY, None])
def test_an_untouched_record_has_no_problem(tmp_path: Path, key: bytes | None) -> None:
    written(tmp_path / "a", key)
    report = audit_verify.verify([tmp_path / "a"], [key] if key else [])
    assert (report.lines, report.problems, report.keyed) == (5, [], 4 if key else 0)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda text: [text[0], text[1].replace(b'"me"', b'"em"'), *text[2:]], "line 3"),
        (lambda text: [text[0], *text[2:]], "line 2"),
        (lambda text: [text[0], text[2], text[1], *text[3:]], "line 2"),
        (lambda text: [text[0], b"{}\n", *text[1:]], "line 2"),
        (lambda text: [*text[:2], b'{"half', *text[2:]], "line 3"),
    ],
    ids=["changed", "removed", "swapped", "inserted", "torn"],
)
def test_where_a_record_was_changed_is_told(tmp_path: Path, change: Any, where: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"".join(change(written(path))))
    report = audit_verify.verify([path], [KEY])
    assert where in report.problems[0]


def test_who_chains_a_record_anew_without_the_key_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a"
    remaining = [json.loads(line) for line in written(path)]
    path.unlink()
    before, text = "", b""
    for line in remaining:
        content = json.dumps({**line, "principal": "you", "before": before}, separators=(",", ":")).encode()
        before, text = audit_log.digest(content, None), text + content + b"\n"
    path.write_bytes(text)
    report = audit_verify.verify([path], [KEY])
    assert report.keyed == 0
    assert any("4 are not chained with the key" in line for line in audit_verify.render(report, with_keys=True))


MANY = """
import sys
from pathlib import Path
from greenlake_backup_mcp.consent import audit_log
log = audit_log.open_log(Path(sys.argv[1]))
for n in range(40):
    audit_log.record(log, "preview", call=f"{sys.argv[2]}-{n}", tool="t", principal="me", reason="x" * 3000)
"""


def test_several_processes_on_one_file_make_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "a"
    running = [subprocess.Popen([sys.executable, "-c", MANY, str(path), str(n)]) for n in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    report = audit_verify.verify([path])
    assert (report.lines, report.problems) == (120, [])


@pytest.mark.parametrize("how", ["moved", "copied and truncated"])
def test_a_rotation_between_the_lines_of_several_processes_keeps_the_chain(tmp_path: Path, how: str) -> None:
    path, parts = tmp_path / "a", []
    logs = [audit_log.open_log(path, key=KEY) for _ in range(2)]
    for turn in range(4):
        # the last line before a rotation is another's than the first one after it, which may be a new process's
        for log in (logs[turn % 2], logs[(turn + 1) % 2] if turn < 3 else audit_log.open_log(path, key=KEY)):
            audit_log.record(log, "preview", call=str(turn), tool="t", principal="me")
        parts.append(tmp_path / f"a.{turn}")
        if how == "moved":
            path.rename(parts[-1])
        else:
            shutil.copy(path, parts[-1])
            os.truncate(path, 0)
        logs.reverse()
    audit_log.record(audit_log.open_log(path, key=KEY), "preview", call="5", tool="t", principal="me")
    report = audit_verify.verify([*parts, path], [KEY])
    assert (report.lines, report.problems, report.beginning) == (9, [], "")
    assert audit_verify.verify([*parts[1:], path], [KEY]).beginning == audit_verify.verify(parts[:1], [KEY]).last
    assert len(audit_verify.verify([*parts[:1], *parts[2:], path], [KEY]).problems) == 1


def test_what_rotated_and_cannot_be_remembered_is_told_as_missing_lines(tmp_path: Path) -> None:
    path = tmp_path / "a"
    logs = [audit_log.open_log(path) for _ in range(2)]
    (tmp_path / ".a.last").mkdir()  # where the last digest would be kept
    for log in logs:
        audit_log.record(log, "preview", call="1", tool="t", principal="me")
    shutil.copy(path, tmp_path / "a.1")
    os.truncate(path, 0)
    audit_log.record(logs[0], "preview", call="2", tool="t", principal="me")
    assert "lines between them are missing" in audit_verify.verify([tmp_path / "a.1", path]).problems[0]


def test_the_command_tells_what_was_changed_and_what_is_not_settled(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "a"
    log = audit_log.open_log(path)
    audit_log.record(log, "request", call="1", tool="delete_vm_backup", principal="me", target={"path": "/x"})
    assert main(["audit", "verify", str(path)]) == 0
    text = capsys.readouterr().out
    assert "delete_vm_backup /x (call 1)" in text
    assert f"Last digest: {audit_verify.verify([path]).last}." in text
    path.write_bytes(path.read_bytes() + b"garbage\n[1]\n")
    assert main(["audit", "verify", str(path)]) == 1
    assert capsys.readouterr().out.count("is no line of a record") == 2
    path.write_text('{"before": "of another file"}\n{}\n', encoding="utf-8")
    assert main(["audit", "verify", str(path)]) == 1
    text = capsys.readouterr().out
    assert "It goes on from a line with the digest of another file" in text
    assert "line 2 names no line before it" in text


def test_a_line_of_any_length_is_chained(tmp_path: Path) -> None:
    log = audit_log.open_log(tmp_path / "a")
    for _ in range(3):
        audit_log.record(log, "preview", call="1", tool="t", principal="me", arguments={"many": ["x" * 2000] * 90})
    assert audit_verify.verify([tmp_path / "a"]).problems == []


def test_a_record_that_another_process_holds_or_moves_stops_the_request(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "a"
    log = audit_log.open_log(path)
    monkeypatch.setattr(audit_log, "LOCK_SECONDS", 0)
    with path.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BackupError, match="another process holds it"):
            audit_log.record(log, "preview", call="1", tool="t", principal="me")
    flock = fcntl.flock

    def moving(descriptor: int, operation: int) -> None:
        flock(descriptor, operation)
        path.unlink()

    monkeypatch.setattr(fcntl, "flock", moving)
    with pytest.raises(BackupError, match="it is moved away again and again"):
        audit_log.record(log, "preview", call="1", tool="t", principal="me")


@pytest.mark.parametrize(
    ("arguments", "tool", "reason"),
    [
        ({"read_only": True}, "restore_vm_files", "changes things, and this server is read-only"),
        ({"read_only": True, "surface": "search"}, "call_read_tool", "changes things, and this server is read-only"),
        ({"toolsets": "jobs"}, "restore_vm_files", "is limited to the toolsets jobs"),
    ],
)
async def test_a_gated_call_that_this_server_does_not_offer_is_a_refusal_in_the_record(
    arguments: dict[str, Any], tool: str, reason: str, tmp_path: Path
) -> None:
    app, path = tenant(), tmp_path / "audit.jsonl"
    server = mcp_server.create(loaded(audit_log=path, **arguments), app=app, now=lambda: NOW)
    asked = {**RESTORE, "confirm": "AAAA-AAAA"}
    inner = {"name": "restore_vm_files", "arguments": asked} if tool == "call_read_tool" else asked
    async with Client(server) as client:
        result = await client.call_tool(tool, inner)
    assert reason in text_of(result)
    (line,) = lines(path)
    assert (line["event"], line["tool"], line["principal"]) == ("refusal", "restore_vm_files", "local")
    assert reason in line["reason"]
    assert line["arguments"]["vmId"] == VM
    assert "hunter2" not in path.read_text(encoding="utf-8")
    assert (app.reads, app.writes) == ([], [])


def test_a_file_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="cannot be written"):
        audit_log.open_log(tmp_path / "nowhere" / "audit.jsonl")


def test_the_file_is_its_owners_alone_and_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for _ in range(2):
        audit_log.record(audit_log.open_log(path), "preview", call="1", tool="t", principal="me")
    assert len(lines(path)) == 2
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_torn_line_takes_no_other_along(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit_log.record(audit_log.open_log(path), "request", call="1", tool="t", principal="me")
    with path.open("a", encoding="utf-8") as file:
        file.write('{"event":"outc')
    audit_log.record(audit_log.open_log(path), "request", call="2", tool="t", principal="me")
    assert [line["call"] for line in audit_verify.verify([path]).waiting] == ["1", "2"]


@pytest.mark.parametrize("text", ["a\nb", "\u202eevil", "x" * 10_000, "\x00", '"', "\ud800"])
def test_whatever_a_name_holds_a_line_stays_one_line_of_json(tmp_path: Path, text: str) -> None:
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


def test_a_server_killed_between_consent_and_answer_leaves_what_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    script = KILLED.format(tests=str(Path(__file__).parents[2]), path=str(path))
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert run.returncode == -signal.SIGKILL, run.stderr.decode()
    (left,) = audit_verify.verify([path]).waiting
    assert left["tool"] == "restore_vm_files"
    assert left["outcome"] == "unknown until a line with event outcome and the same call follows"
    assert left["target"]["name"] == "sql-prod-01"
