"""`config CLIENT`: what each client is told, merged without losing anything, without a secret in a file."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.cli import parser
from greenlake_backup_mcp.client_config import files, registry
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.server import app

SECRET = "not-for-any-file"
HERE = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty home, and a project directory in it to stand in."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "APPDATA", "CODEX_HOME", "COPILOT_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(project)
    return tmp_path


def configured(name: str, *flags: str, **environment: str) -> tuple[registry.Client, dict[str, Any]]:
    client = registry.client(name)
    return client, registry.entry(client, flags, environment)


def content(file: Path) -> Any:
    text = file.read_text(encoding="utf-8")
    return tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)


@pytest.mark.parametrize("name", registry.TABLE)
def test_each_client_is_written_where_it_reads_and_starts_a_server_that_offers_tools(name: str, home: Path) -> None:
    assert parser.main(["config", name, "--write"]) == 0
    client = registry.client(name)
    assert client.file().is_relative_to(home)
    entry = content(client.file())[client.table][registry.NAME]
    command = [entry["command"], *entry["args"]] if "args" in entry else entry["command"]
    start = command.index("greenlake_backup_mcp")
    assert command[start + 1] == "serve"
    assert Path(command[0]).exists()
    flags = command[start + 2 :]
    chosen = settings.load(demo=True, **{k[2:]: v for k, v in zip(flags[::2], flags[1::2], strict=True)})
    assert app.tool_set(chosen).offered


def test_vs_code_is_kept_within_its_128_tools_and_told_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert parser.main(["config", "vscode"]) == 0
    out, answer = capsys.readouterr()
    args = json.loads(out)["servers"][registry.NAME]["args"]
    chosen = settings.load(demo=True, toolsets=args[args.index("--toolsets") + 1])
    assert len(app.tool_set(settings.load(demo=True)).offered) > 128
    assert len(app.tool_set(chosen).offered) <= 128
    assert "128" in answer
    assert "--surface search" in answer


def test_vs_code_asks_in_words_and_hides_the_secret() -> None:
    client, entry = configured("vscode")
    asked = json.loads(files.snippet(client, entry))["inputs"]
    assert [a["id"] for a in asked if a["password"]] == ["GREENLAKE_CLIENT_SECRET"]
    assert all("GREENLAKE_" not in a["description"] for a in asked)
    assert "eu-central" in asked[0]["description"]


def test_claude_code_reads_its_file_where_a_variable_is_not_set() -> None:
    _, entry = configured("claude-code")
    assert set(entry["env"].values()) == {f"${{{name}:-}}" for name in registry.TENANT}


def test_a_choice_of_ones_own_replaces_the_choice_for_the_client() -> None:
    for flags in (("--read-only",), ("--toolsets", "vms"), ("--surface", "search")):
        _, entry = configured("vscode", *flags)
        assert entry["args"][entry["args"].index("serve") + 1 :] == list(flags)


@pytest.mark.parametrize("name", registry.TABLE)
def test_no_secret_is_ever_written(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GREENLAKE_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("GREENLAKE_CLIENT_ID", "an-id")
    parser.main(["config", name])
    parser.main(["config", name, "--write"])
    out = "".join(capsys.readouterr())
    assert SECRET not in out
    assert SECRET not in registry.client(name).file().read_text(encoding="utf-8")


def test_what_a_placeholder_leaves_counts_as_unset() -> None:
    """An unanswered prompt or an unset variable arrives as it stands in the file, or empty."""
    for value in (
        "",
        "${GREENLAKE_REGION}",
        "${env:GREENLAKE_REGION}",
        "${input:GREENLAKE_REGION}",
        "${GREENLAKE_REGION:-}",
    ):
        assert settings.load(region=value, demo=True).region is None


@pytest.mark.parametrize("name", [n for n in registry.TABLE if n != "codex"])
def test_what_is_in_the_file_stays_and_a_copy_is_kept(name: str) -> None:
    client = registry.client(name)
    file = client.file()
    file.parent.mkdir(parents=True, exist_ok=True)
    before = {"theme": "dark", client.table: {"other": {"command": "x", "env": {"A": "1"}}}, "list": [1, {"ä": None}]}
    file.write_text(json.dumps(before), encoding="utf-8")
    written, copy = files.write(*configured(name))
    after = content(written)
    assert after["theme"] == "dark"
    assert after["list"] == before["list"]
    assert after[client.table]["other"] == {"command": "x", "env": {"A": "1"}}
    assert copy
    assert json.loads(copy.read_text(encoding="utf-8")) == before


@pytest.mark.parametrize("name", registry.TABLE)
def test_writing_twice_changes_nothing_and_makes_no_second_copy(name: str) -> None:
    file, _ = files.write(*configured(name))
    first = file.read_bytes()
    _, copy = files.write(*configured(name))
    assert copy is None
    assert file.read_bytes() == first
    assert len(list(file.parent.iterdir())) == 1


def test_what_a_person_filled_in_survives_a_second_writing() -> None:
    file, _ = files.write(*configured("claude-desktop"))
    filled = content(file)
    filled["mcpServers"][registry.NAME]["env"] |= {"GREENLAKE_CLIENT_SECRET": "mine", "HTTPS_PROXY": "p"}
    filled["mcpServers"][registry.NAME]["disabled"] = True
    file.write_text(json.dumps(filled), encoding="utf-8")
    files.write(*configured("claude-desktop", "--read-only", GREENLAKE_REGION="eu-west"))
    entry = content(file)["mcpServers"][registry.NAME]
    assert entry["env"]["GREENLAKE_CLIENT_SECRET"] == "mine"
    assert entry["env"]["HTTPS_PROXY"] == "p"
    assert entry["env"]["GREENLAKE_REGION"] == "eu-west"
    assert entry["disabled"] is True
    assert entry["args"][-1] == "--read-only"


@pytest.mark.parametrize(
    "text", ['{"a": 1, // comment\n}', "[1]", '{"mcpServers": 3}', "{", '{"mcpServers": null}', "\x00"]
)
def test_a_file_that_is_not_understood_is_left_alone_and_the_text_is_given(text: str) -> None:
    client, entry = configured("cursor")
    file = client.file()
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BackupError) as problem:
        files.write(client, entry)
    assert file.read_text(encoding="utf-8") == text
    assert "left as it is" in problem.value.message
    assert registry.NAME in problem.value.hint


def test_toml_keeps_comments_order_and_other_servers() -> None:
    client, entry = configured("codex")
    file = client.file()
    file.parent.mkdir(parents=True)
    before = 'model = "x"  # mine\n\n[mcp_servers.other]\ncommand = "y"\n\n[tools]\nweb = true'
    file.write_text(before, encoding="utf-8")
    files.write(client, entry)
    assert file.read_text(encoding="utf-8").startswith(before)
    assert content(file)["mcp_servers"]["other"] == {"command": "y"}
    files.write(*configured("codex", "--read-only"))
    after = file.read_text(encoding="utf-8")
    assert after.startswith(before)
    assert after.count(f"[mcp_servers.{registry.NAME}]") == 1
    assert content(file)["mcp_servers"][registry.NAME]["args"][-1] == "--read-only"


@pytest.mark.parametrize(
    "text",
    [
        "a = [",
        f"[mcp_servers]\n{registry.NAME} = 3\n",
    ],
)
def test_toml_that_cannot_be_changed_safely_is_left_alone(text: str) -> None:
    client, entry = configured("codex")
    file = client.file()
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BackupError, match=r"left as it (?:was|is)"):
        files.write(client, entry)
    assert file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    "text",
    [
        f'[mcp_servers]\n{registry.NAME} = {{command = "z", cwd = "/x"}}\n',
        (
            f'# mine\n[mcp_servers.{registry.NAME}]\ncommand = "z"\n'
            f'[mcp_servers.{registry.NAME}.env]\nA = "1"\n\n[tools]\nb = 1\n'
        ),
    ],
)
def test_toml_keeps_what_the_client_wrote_into_the_entry(text: str) -> None:
    client, entry = configured("codex")
    file = client.file()
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    files.write(client, entry)
    before, after = tomllib.loads(text), content(file)
    mine = after["mcp_servers"][registry.NAME]
    assert mine == {**before["mcp_servers"][registry.NAME], **entry}
    assert after == before | {"mcp_servers": {registry.NAME: mine}}
    files.write(client, entry)
    assert content(file) == after


def test_clients_on_models_with_few_tools_get_few() -> None:
    for client in registry.TABLE.values():
        if client.smaller:
            flags: dict[str, Any] = dict(zip(client.smaller[::2], client.smaller[1::2], strict=True))
            chosen = settings.load(demo=True, **{n.lstrip("-"): v for n, v in flags.items()})
            assert len(app.tool_set(chosen).offered) <= 120 or "--surface" in flags, client.title
    assert all(len(f"mcp__{registry.NAME}__{name}") <= 64 for name in app.tool_set(settings.load(demo=True)).offered)


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda s: st.lists(s, max_size=5) | st.dictionaries(st.text(), s, max_size=5),
    max_leaves=15,
)


@given(before=st.dictionaries(st.text(), JSONISH), servers=st.dictionaries(st.text(), JSONISH))
@examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_json_a_file_holds_is_still_there_afterwards(before: dict[str, Any], servers: dict[str, Any]) -> None:
    client, entry = configured("gemini")
    file = client.file()
    file.parent.mkdir(parents=True, exist_ok=True)
    was = {**before, "mcpServers": servers}
    file.write_text(json.dumps(was), encoding="utf-8")
    files.write(client, entry)
    after = content(file)
    mine = after["mcpServers"].pop(registry.NAME)
    was["mcpServers"].pop(registry.NAME, None)
    assert after == was
    assert mine["args"] == entry["args"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions and links")
def test_permissions_and_links_stay_as_they_are(home: Path) -> None:
    client, entry = configured("cursor")
    file = client.file()
    file.parent.mkdir(parents=True)
    real = home / "dotfiles.json"
    real.write_text('{"a": 1}', encoding="utf-8")
    real.chmod(0o640)
    file.symlink_to(real)
    _, copy = files.write(client, entry)
    assert file.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert copy
    assert copy.stat().st_mode & 0o777 == 0o640


def test_an_unknown_client_is_answered_with_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert parser.main(["config", "emacs"]) == 1
    assert "claude-desktop" in capsys.readouterr().err


def test_a_demo_needs_no_credentials() -> None:
    _, entry = configured("claude-desktop", "--demo")
    assert entry["env"] == {}
    assert entry["args"][-1] == "--demo"


ODD = [
    ("cursor", {"mcpServers": {registry.NAME: {"command": "x", "env": None}}}),
    ("cursor", {"mcpServers": {registry.NAME: {"command": "x", "env": ["A=b"]}}}),
    ("cursor", {"mcpServers": {registry.NAME: "x"}}),
    ("vscode", {"inputs": None}),
    ("vscode", {"inputs": {"a": 1}}),
    ("codex", "mcp_servers = 3\n"),
    ("codex", "[[mcp_servers]]\na = 1\n"),
    ("cursor", '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"),
    ("cursor", '{"a": "\\ud800"}'),
]


@pytest.mark.parametrize(("name", "held"), ODD, ids=[f"{name} {str(held)[:60]}" for name, held in ODD])
def test_an_odd_file_is_left_as_it_is_and_told_in_a_sentence(
    name: str, held: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = registry.client(name).file()
    file.parent.mkdir(parents=True, exist_ok=True)
    text = held if isinstance(held, str) else json.dumps(held)
    file.write_text(text, encoding="utf-8")
    assert parser.main(["config", name, "--write"]) == 1
    assert re.search(r"left as it (is|was)", capsys.readouterr().err)
    assert file.read_text(encoding="utf-8") == text
    assert list(file.parent.iterdir()) == [file]


def test_other_ids_of_vs_codes_inputs_do_not_matter() -> None:
    file = registry.client("vscode").file()
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"inputs": [{"id": ["a"]}, 3]}), encoding="utf-8")
    files.write(*configured("vscode"))
    assert content(file)["inputs"][:2] == [{"id": ["a"]}, 3]


@pytest.mark.skipif(os.name == "nt", reason="POSIX links")
@pytest.mark.parametrize("where", ["a file", "a dangling link", "a link to itself"])
def test_a_place_that_cannot_be_written_is_told_in_a_sentence(
    where: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home / ".cursor"
    if where == "a file":
        folder.write_text("mine", encoding="utf-8")
    elif where == "a dangling link":
        folder.symlink_to("/dev/null/nothing")
    else:
        folder.mkdir()
        (folder / "mcp.json").symlink_to(folder / "mcp.json")
    assert parser.main(["config", "cursor", "--write"]) == 1
    answer = capsys.readouterr().err
    assert "left as it is" in answer
    assert registry.NAME in answer or "cannot be read" in answer


@pytest.mark.skipif(os.name == "nt", reason="a directory in use stays there")
def test_a_directory_that_is_gone_is_told_in_a_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = home / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for words in (["claude-code"], ["vscode", "--write"], ["cursor", "--audit-log", "x.log"]):
        assert parser.main(["config", *words]) == 1
        assert "directory" in capsys.readouterr().err


@pytest.mark.parametrize("name", [n for n in registry.TABLE if n != "codex"])
def test_a_demo_takes_the_place_of_the_tenant_so_that_its_calls_are_not_refused(name: str) -> None:
    assert parser.main(["config", name, "--write"]) == 0
    assert parser.main(["config", name, "--demo", "--write"]) == 0
    client = registry.client(name)
    entry = content(client.file())[client.table][registry.NAME]
    assert not entry.get(client.env)
    assert "--demo" in (entry.get("args") or entry["command"])
    assert parser.main(["config", name, "--write"]) == 0
    assert set(content(client.file())[client.table][registry.NAME][client.env]) == set(registry.TENANT)


def test_a_demo_that_is_asked_for_by_its_flag_does_not_look_at_exported_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("REGION", "eu-west"), ("WORKSPACE_ID", "a1"), ("CLIENT_ID", "i"), ("CLIENT_SECRET", SECRET)):
        monkeypatch.setenv(f"GREENLAKE_{name}", value)
    assert parser.main(["config", "cursor", "--demo", "--write"]) == 0
    assert content(registry.client("cursor").file())["mcpServers"][registry.NAME]["env"] == {}
    assert settings.load(demo=True).client_secret is None
    with pytest.raises(BackupError, match="a demo"):
        settings.load(demo=True, api_base_url="https://example.com")
    monkeypatch.setenv("GREENLAKE_MCP_DEMO", "true")
    with pytest.raises(BackupError, match="a demo"):
        settings.load()


@pytest.mark.parametrize(
    ("flags", "answer"),
    [
        (["--region", "bogus"], "GREENLAKE_REGION"),
        (["--toolsets", "nope"], "nope"),
        (["--budget", "0"], "GREENLAKE_MCP_BUDGET"),
        (["--spec", "nowhere.json"], "nowhere.json"),
        (["--http", "127.0.0.1:1"], "Leave --http out"),
        (["--region", "eu-west", "--api-base-url", "https://a.example"], "both a region and a base URL"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_what_can_never_work_is_not_written(flags: list[str], answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert parser.main(["config", "cursor", "--write", *flags]) == 1
    assert answer in capsys.readouterr().err
    assert not registry.client("cursor").file().exists()


def test_an_id_may_be_given_where_the_secret_comes_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parser.main(["config", "cursor", "--client-id", "an-id"]) == 0
    monkeypatch.setenv("GREENLAKE_MCP_HTTP", "127.0.0.1:1")  # of this shell, not of the client
    assert parser.main(["config", "cursor"]) == 0


def test_paths_are_written_whole_since_a_client_starts_the_server_elsewhere(home: Path) -> None:
    assert parser.main(["config", "cursor", "--write", "--audit-log", "audit.jsonl"]) == 0
    entry = content(registry.client("cursor").file())["mcpServers"][registry.NAME]
    assert str(home / "project" / "audit.jsonl") in entry["args"]
