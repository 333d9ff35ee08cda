"""What the documents say is so: commands, flags, links, tables, modules."""

from __future__ import annotations

import argparse
import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.cli import parser as cli
from greenlake_backup_mcp.client_config import registry
from greenlake_backup_mcp.server import app, prompts
from greenlake_backup_mcp.settings import Settings, variable
from greenlake_backup_mcp.tools import builtin
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.toolsets import TOOLSET_WORDS
from greenlake_backup_mcp.upstream import reading_table

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "server" / "greenlake_backup_mcp"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
# flags of other programs that the documents mention
FOREIGN = {
    "--check",
    "--format",
    "--seeds",
    "--size",
    "--write",
    "--port",
    "--plain",
    "--json",
    "--yes",
    "--cli",
    "--scale",
    "--requirepass",
    "--help",
}


def commands(text: str) -> list[str]:
    """The command lines in the fenced blocks and in backticks."""
    fenced = "\n".join(re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.M | re.S))
    inline = re.findall(r"`([^`\n]+)`", text)
    return [line.split(" #")[0].strip() for line in [*fenced.splitlines(), *inline] if "dev.py " in line]


def test_what_is_generated_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "docs.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)
def test_links_within_the_project_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#][^)]*)\)", text):
        if "://" not in link:
            assert (document.parent / link.split("#")[0]).exists(), link
    headings = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.+)$", text, re.M)}
    for anchor in re.findall(r"\]\(#([^)]+)\)", text):
        assert anchor in headings, anchor


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)
def test_every_command_of_the_documents_exists(document: Path) -> None:
    specification = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    assert specification
    assert specification.loader
    dev = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(dev)
    parser = cli._parser()
    for line in commands(document.read_text(encoding="utf-8")):
        words = shlex.split(line.split("dev.py ", 1)[1].replace("…", "").replace("CLIENT", "vscode"))
        assert words[0].rstrip(".,:") in dev.COMMANDS, line
        if words[0] == "run" and len(words) > 1 and "--help" not in words:
            try:
                parser.parse_args(words[1:])
            except SystemExit:
                pytest.fail(f"The command line does not know: {line}")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)
def test_every_flag_and_variable_of_the_documents_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    flags = {f"--{name.replace('_', '-')}" for name in Settings.model_fields}
    assert set(re.findall(r"`(--[a-z-]+)", text)) <= flags | FOREIGN
    existing = {variable(name) for name in Settings.model_fields} | {"GREENLAKE_TOKEN_ISSUER"}
    match = set(re.findall(r"\bGREENLAKE_[A-Z_]*[A-Z]\b", text))
    assert match - {"GREENLAKE_MCP"} <= existing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)
def test_every_tool_and_toolset_that_the_documents_name_exists(document: Path) -> None:
    tools = app.tool_set(settings.defaults()).all
    text = document.read_text(encoding="utf-8").partition("## Modules")[0]
    verbs = "list|get|create|update|replace|delete|restore|run|wait|suspend|resume"
    named = set(re.findall(rf"`((?:{verbs})_[a-z_]+)`", text))
    assert named <= tools.keys() | reading_table.BY_NAME.keys() | {"run_command", "restore_time"}
    for chosen in re.findall(r"--toolsets ([a-z_,]+)", text):
        assert set(chosen.split(",")) <= set(TOOLSET_WORDS)


def test_the_two_commands_stand_first_in_the_readme() -> None:
    assert commands(README)[:2] == ["python3 dev.py demo", "python3 dev.py test"]


def test_the_tour_ends_with_headings_that_the_readme_has() -> None:
    match = re.search(r"Next: README\.md, (.+)\"", (PACKAGE / "cli" / "demo.py").read_text(encoding="utf-8"))
    assert match
    named = re.findall(r"“([^”]+)”", match[1])
    assert named
    assert set(named) <= set(re.findall(r"^## (.+)$", README, re.M))


def test_figures_of_the_readme_are_those_of_the_tools() -> None:
    tools = app.tool_set(settings.defaults()).offered.values()
    own = [t for t in tools if t.operation and t.operation.path.startswith("/backup-recovery/")]
    gated = [t for t in tools if t.gated]
    assert f"each of the {len(own)} operations" in README
    assert re.search(r"\* (\d+) tools are \*\*gated\*\*", README)[1] == str(len(gated))  # type: ignore[index]
    reads = sum(t.danger is Danger.READ for t in tools)
    assert f"{len(tools)} tools: {reads} read" in README
    assert f"up to {builtin.MOST_CALLS} such calls" in README
    assert len(prompts.PROMPTS) == 7
    assert "Seven prompts come with it" in README
    titles = re.search(r"Seven prompts(.*?)\.\n", README, re.S)
    assert titles
    assert len(re.findall(r"\*[^*]+\*", titles[1])) == 7


def test_the_readme_says_what_was_not_tried_and_where_the_wall_is() -> None:
    assert "Nothing here was tried on a real tenant" in README
    assert "seat belt" in README
    assert "wall" in README
    assert "simulated" in README
    for client in registry.TABLE.values():
        assert client.title in README


def test_every_module_stands_in_a_layer() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = [c for c in project["tool"]["importlinter"]["contracts"] if c["type"] == "layers"]
    assert layers
    for contract in layers:
        assert contract["exhaustive"], contract["name"]
        (container,) = contract["containers"]
        folder = PACKAGE.parent / container.replace(".", "/")
        named = {name.strip() for layer in contract["layers"] for name in layer.split("|") if "(" not in name}
        held = {p.stem for p in folder.glob("*.py")} | {p.parent.name for p in folder.glob("*/__init__.py")}
        optional = {name.strip("() ") for layer in contract["layers"] for name in layer.split("|") if "(" in name}
        assert named == {name for name in held if not name.startswith("_")} - optional, contract["name"]


def test_the_changelog_keeps_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.M)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", h) for h in headings[1:])
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", text, re.M)) <= kinds


def test_the_readme_names_the_tools_that_are_no_operation() -> None:
    assert isinstance(cli._parser(), argparse.ArgumentParser)
    assert all(f"`{tool.name}`" in README for tool in builtin.TOOLS)
