"""The command line and dev.py: a mistake is a sentence with its cure; in a client, the first result."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.cli import commands, doctor, parser
from greenlake_backup_mcp.server import startup_checks
from greenlake_backup_mcp.simulator.switches import Switches
from tests.soak import served

ROOT = Path(__file__).resolve().parents[2]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("GREENLAKE_")}
MAIN = [sys.executable, "-m", "greenlake_backup_mcp"]


def run(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MAIN, *words], capture_output=True, text=True, check=False, timeout=60, env=CLEAN | env, input=""
    )


@pytest.mark.parametrize(
    ("flags", "env", "cures"),
    [
        (["--regoin", "eu-west"], {}, ["--regoin", "serve --help"]),
        (["--region"], {}, ["--region", "serve --help"]),
        (["--budget", "lots"], {"GREENLAKE_MCP_READ_ONLY": "maybe"}, ["a whole number", "true or false", "BUDGET"]),
        (["--spec", "/nowhere/api.json"], {}, ["/nowhere/api.json", "--spec"]),
        (["--demo", "--audit-log", "/nowhere/at/all.log"], {}, ["/nowhere/at/all.log", "another file"]),
        (["--demo"], {"GREENLAKE_MCP_REDIS_URL": "nonsense"}, ["redis://"]),
        (["--demo"], {"GREENLAKE_MCP_SECRET": "short"}, ["16 characters", "token_urlsafe"]),
        (["--api-base-url", "htp://x"], {"GREENLAKE_TOKEN": "t"}, ["https://"]),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
async def test_a_wrong_start_is_told_as_the_first_result(
    flags: list[str], env: dict[str, str], cures: list[str]
) -> None:
    server = StdioServerParameters(command=MAIN[0], args=[*MAIN[1:], "serve", *flags], env=CLEAN | env)
    async with Client(stdio_client(server)) as client:
        tools = (await client.list_tools()).tools
        result = await client.call_tool("list_vms", {})
    answer = " ".join(str(getattr(part, "text", "")) for part in result.content)
    assert tools
    assert result.is_error
    assert not [cure for cure in cures if cure not in answer], answer
    assert "Traceback" not in answer
    assert "Errno" not in answer


def test_the_same_sentence_is_on_stderr_in_one_line() -> None:
    done = run("serve", "--regoin", "x")
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "--regoin" in done.stderr


def test_a_server_for_many_does_not_start_with_wrong_words() -> None:
    for words, env in ((["--http", "127.0.0.1:0"], {}), ([], {"GREENLAKE_MCP_HTTP": "127.0.0.1:0"})):
        done = run("serve", *words, "--regoin", "x", **env)
        assert done.returncode == 2
        assert "--regoin" in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["call", "list_vmz", "--demo"], "Did you mean list_vms"),
        (["call", "list_vms", "limit", "--demo"], "is not name=value"),
        (["config", "emacs"], "claude-desktop"),
        (["simulate", "--port", "99999"], "from 1 to 65535"),
        (["serve", "--http", "127.0.0.1:99999"], "is not HOST:PORT"),
        (["tools", "--toolsets", "vm"], "vms"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_a_wrong_command_is_one_sentence(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert parser.main(words) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert len(err.strip().splitlines()) == 1


def test_a_port_in_use_is_said_before_anything_is_promised() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("simulate", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "cannot be listened on" in done.stderr
    assert "Simulated tenant on" not in done.stderr


def test_flags_may_stand_before_the_arguments_of_a_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert parser.main(["call", "list_protection_stores", "--demo", "limit=0"]) == 0
    assert "protection stores" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        parser.main(["call", "list_protection_stores", "--demo", "limit=0", "--nonsense"])


def test_an_answer_that_is_an_error_comes_without_log_lines() -> None:
    done = run("call", "get_vm", "vmId=nope", "--demo")
    assert done.returncode == 1
    assert "not found" in done.stdout
    assert done.stderr == ""


def test_a_console_that_lacks_our_letters_gets_others() -> None:
    done = run("call", "list_protection_jobs", "limit=3", "--demo", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [("tools", "--json"), ("demo",)], ids=" ".join)
async def test_whoever_stops_reading_gets_no_traceback(words: tuple[str, ...]) -> None:
    process = await asyncio.create_subprocess_exec(
        *MAIN, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=CLEAN
    )
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
    assert process.stderr
    assert await process.stderr.read() == b""
    await process.wait()


def test_doctor_says_which_credentials_there_are_and_not_what_they_are() -> None:
    secrets = {"GREENLAKE_CLIENT_ID": "an-id", "GREENLAKE_CLIENT_SECRET": "hidden-one"}
    done = run(
        "doctor", GREENLAKE_API_BASE_URL="http://127.0.0.1:9", GREENLAKE_TOKEN_URL="http://127.0.0.1:9/t", **secrets
    )
    assert done.returncode == 1
    assert "client id and client secret set; not set: GREENLAKE_WORKSPACE_ID" in done.stdout
    assert "HTTPS_PROXY" in done.stdout
    assert "hidden-one" not in done.stdout + done.stderr
    bare = run("doctor")
    assert "no tenant yet" in bare.stdout
    assert "--demo" in bare.stdout


API_CLIENT = {"GREENLAKE_REGION": "eu-west", "GREENLAKE_CLIENT_ID": "i", "GREENLAKE_CLIENT_SECRET": "s"}


@pytest.mark.parametrize(
    ("env", "answer"),
    [
        ({"HTTPS_PROXY": "socks5://127.0.0.1:1"}, "HTTPS_PROXY names a proxy"),
        ({"HTTPS_PROXY": "foo://bar"}, "HTTPS_PROXY names a proxy"),
        ({"SSL_CERT_FILE": "/nope.pem"}, "SSL_CERT_FILE names /nope.pem: No such file"),
        ({"SSL_CERT_FILE": str(ROOT / "README.md")}, "holds no certificates"),
        ({"GREENLAKE_MCP_HTTP": "0.0.0.0:99999"}, "is not HOST:PORT"),
        (
            {"GREENLAKE_MCP_HTTP": "127.0.0.1:0", "GREENLAKE_MCP_TOKENS_FILE": "/nope"},
            "/nope cannot be read",
        ),
        ({"GREENLAKE_MCP_HTTP": "127.0.0.1:0", "GREENLAKE_MCP_PUBLIC_URL": "foo"}, "GREENLAKE_MCP_PUBLIC_URL must be"),
        ({"GREENLAKE_MCP_HTTP": "127.0.0.1:0", "GREENLAKE_MCP_PUBLIC_URL": "https://a.example"}, "by others"),
        ({"GREENLAKE_MCP_HTTP": "127.0.0.1:0", "GREENLAKE_MCP_REDIS_URL": "redis://x"}, "GREENLAKE_MCP_SECRET is not"),
        ({"GREENLAKE_MCP_REDIS_URL": "foo"}, "no URL of Redis"),
        ({"GREENLAKE_MCP_SECRET": "x"}, "16 characters"),
        ({"GREENLAKE_MCP_AUDIT_LOG": "/nope/x"}, "/nope/x cannot be written"),
    ],
    ids=lambda v: " ".join(f"{k}={w}" for k, w in v.items())[:80] if isinstance(v, dict) else "",
)
def test_doctor_finds_what_keeps_a_server_from_starting_or_from_any_request(
    env: dict[str, str], answer: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (API_CLIENT | env).items():
        monkeypatch.setenv(name, value)
    assert anyio.run(doctor.examine, settings.load()) == 1
    message = capsys.readouterr().out
    assert answer in message
    assert "cure" in message


def test_a_wrong_proxy_is_told_as_the_answer_of_a_call() -> None:
    done = run("call", "list_vms", **API_CLIENT, HTTPS_PROXY="socks5://127.0.0.1:1")
    assert done.returncode == 1
    assert "HTTPS_PROXY" in done.stdout
    assert "mistake" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("env", "answer"),
    [
        ({"GREENLAKE_MCP_AUDIT_LOG": "/nope/x"}, "/nope/x cannot be written"),
        ({"GREENLAKE_MCP_REDIS_URL": "foo"}, "no URL of Redis"),
        ({"GREENLAKE_MCP_SECRET": ","}, "no key"),
        ({"GREENLAKE_REGION": ""}, "GREENLAKE_REGION"),
        ({"GREENLAKE_CLIENT_ID": "<client id>"}, "GREENLAKE_CLIENT_ID still holds the placeholder"),
        ({"GREENLAKE_MCP_TOKENS_FILE": "/nope"}, "Not looked at: GREENLAKE_MCP_TOKENS_FILE"),
    ],
    ids=lambda v: str(v) if isinstance(v, dict) else "",
)
def test_what_is_wrong_with_a_server_of_one_client_is_on_stderr_at_the_start(env: dict[str, str], answer: str) -> None:
    done = run("serve", **(API_CLIENT | env))
    assert (done.returncode, done.stdout) == (0, "")
    assert answer in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_setting_that_needs_another_one_is_not_passed_over() -> None:
    alone = settings.load(audience="a", http="127.0.0.1:0")
    assert "GREENLAKE_MCP_AUDIENCE" in startup_checks.unused_settings(alone)
    assert startup_checks.unused_settings(settings.load(http="127.0.0.1:0", grace=1)) == ""
    assert startup_checks.unused_settings(settings.load(demo=True)) == ""


def test_doctor_shows_no_password_of_a_base_url_and_refuses_it() -> None:
    """It would be sent in the place of the token."""
    done = run("doctor", GREENLAKE_API_BASE_URL="https://user:hidden-one@a.example", GREENLAKE_TOKEN="t")
    assert done.returncode == 1
    assert "https://a.example" in done.stdout
    assert "name and password" in done.stdout
    assert "hidden-one" not in done.stdout + done.stderr


def test_doctor_says_where_a_path_is_wrong() -> None:
    with served() as base:
        done = run("doctor", GREENLAKE_API_BASE_URL=f"{base}/elsewhere", GREENLAKE_TOKEN=Switches().ready_token)
    assert done.returncode == 1
    assert "HTTP 404" in done.stdout
    assert "Check the id" not in done.stdout
    assert "GREENLAKE_API_BASE_URL" in done.stdout


def test_a_service_that_cannot_be_reached_is_named() -> None:
    done = run(
        "call", "list_vms", GREENLAKE_API_BASE_URL="http://127.0.0.1:9", GREENLAKE_TOKEN="t", GREENLAKE_MCP_RETRIES="0"
    )
    assert "cannot be reached (127.0.0.1)" in done.stdout


@pytest.mark.parametrize(("flags", "lines"), [((), 1), (("--log-json", "--log-level", "info"), 0)])
async def test_a_server_for_many_says_where_it_serves(flags: tuple[str, ...], lines: int) -> None:
    process = await asyncio.create_subprocess_exec(
        *MAIN, "serve", "--demo", "--http", "127.0.0.1:0", *flags, stderr=asyncio.subprocess.PIPE, env=CLEAN
    )
    assert process.stderr
    first = (await process.stderr.readline()).decode()
    process.kill()
    rest = (await process.stderr.read()).decode()
    await process.wait()
    if lines:
        assert re.fullmatch(r"Serving on http://127\.0\.0\.1:[1-9]\d+/mcp; Ctrl-C ends it\.\n", first)
    else:
        assert all(json.loads(line) for line in (first + rest).splitlines())


def loaded(file: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location("loaded", ROOT / file)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_an_old_python_understands_enough_of_dev_py_to_say_what_is_needed() -> None:
    text = (ROOT / "dev.py").read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 6))
    assert "from __future__" not in text


def test_dev_py_explains_each_of_its_commands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dev = loaded("dev.py")
    monkeypatch.setattr(sys, "argv", ["dev.py", "help"])
    assert dev.main() == 0
    answer = capsys.readouterr().out
    assert all(f"\n    {name} " in answer for name in dev.COMMANDS)
    monkeypatch.setattr(sys, "argv", ["dev.py", "demmo"])
    assert dev.main() == 2
    assert "demo, run" in capsys.readouterr().err


def test_run_works_in_the_directory_one_stands_in(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else `config vscode --write` would write beside dev.py."""
    dev = loaded("dev.py")
    monkeypatch.setattr(dev, "ready", lambda extra: None)
    monkeypatch.setattr(dev, "PYTHON", sys.executable)
    monkeypatch.setattr(sys, "argv", ["dev.py", "run", "config", "vscode"])
    monkeypatch.chdir(tmp_path)
    assert dev.main() == 0
    assert str(tmp_path / ".vscode") in capfd.readouterr().err


def test_pack_explains_itself_and_says_where_it_cannot_write(tmp_path: Path) -> None:
    def packed(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "dev.py"), "pack", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    helped = packed("--help")
    assert helped.returncode == 0
    assert "greenlake-backup-mcp.mcpb" in helped.stdout
    assert not list(tmp_path.iterdir())
    nowhere = tmp_path / "missing" / "x.mcpb"
    wrong = packed(str(nowhere))
    assert wrong.returncode == 1
    assert wrong.stderr == f"{nowhere} cannot be written: No such file or directory.\n"


def test_the_bundle_is_made_without_node_and_holds_what_starts_it(tmp_path: Path) -> None:
    target = tmp_path / "x.mcpb"
    done = subprocess.run(
        [sys.executable, str(ROOT / "dev.py"), "pack", str(target)], capture_output=True, text=True, check=True
    )
    assert "Claude Desktop" in done.stdout
    with zipfile.ZipFile(target) as bundle:
        names = set(bundle.namelist())
        bundle.extractall(tmp_path / "unpacked")
    assert {n.split("/")[0] for n in names} == {
        "LICENSE", "README.md", "icon.png", "manifest.json", "pyproject.toml", "server"
    }  # fmt: skip
    package = ROOT / "server" / "greenlake_backup_mcp"
    modules = {p.relative_to(ROOT).as_posix() for p in package.rglob("*.py")}
    assert modules <= names
    assert not [n for n in names if "__pycache__" in n or "errata" in n or n.endswith((".pyc", ".log", ".env"))]
    started = subprocess.run(
        [sys.executable, str(tmp_path / "unpacked" / "server" / "main.py"), "--demo"],
        capture_output=True, text=True, check=False, env=CLEAN, input="",
    )  # fmt: skip
    assert (started.returncode, started.stdout, started.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("vmId=12345", "12345"),
        ("vmId=007", "007"),
        ("vmId=true", "true"),
        ("vmId=1e5", "1e5"),
        ('vmId="a b"', "a b"),
        ("vmId=[1]", "[1]"),
        ('vmId="a', '"a'),
    ],
)
def test_a_word_of_the_command_line_is_text_until_the_tool_says_otherwise(word: str, value: str) -> None:
    assert commands.pairs([word]) == {"vmId": value}


def test_the_tool_says_what_is_a_number_a_switch_or_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert parser.main(["call", "list_vms", "--demo", "limit=2", "summary=page", "offset=3"]) == 0
    assert "Rows 4-5 of 400" in capsys.readouterr().out
    assert parser.main(["call", "get_vm", "--demo", "vmId=12345"]) == 1
    assert "not found" in capsys.readouterr().out
