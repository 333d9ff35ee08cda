"""manifest.json, server.json and the bundle agree with the settings and the tools; a host can start what they say."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from greenlake_backup_mcp import __version__, settings
from greenlake_backup_mcp.cli import parser
from greenlake_backup_mcp.server import app
from greenlake_backup_mcp.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))
REGISTRY = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
ENV: dict[str, str] = MANIFEST["server"]["mcp_config"]["env"]
OURS = {name: value for name, value in ENV.items() if name.startswith("GREENLAKE_")}


def variables() -> set[str]:
    """Every variable that the settings read."""
    collected = set()
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        names = getattr(alias, "choices", None) or [f"GREENLAKE_MCP_{name.upper()}"]
        collected |= {str(n) for n in names}
    return collected


def environment(**filled: str) -> dict[str, str]:
    """The environment that the host makes; what is not filled in stays the literal placeholder."""
    made = {n: re.sub(r"\$\{user_config\.(\w+)\}", lambda m: filled.get(m[1], m[0]), v) for n, v in ENV.items()}
    remaining = {n: v for n, v in os.environ.items() if not n.startswith("GREENLAKE_")}
    return {**remaining, **made}


def started(env: dict[str, str], *arguments: str) -> StdioServerParameters:
    return StdioServerParameters(command=sys.executable, args=[str(ROOT / "server" / "main.py"), *arguments], env=env)


def test_every_variable_of_the_bundle_is_a_setting() -> None:
    assert OURS
    assert set(OURS) <= variables()


def test_every_question_of_the_bundle_reaches_a_setting_and_every_placeholder_is_asked() -> None:
    asked = {re.fullmatch(r"\$\{user_config\.(\w+)\}", value)[1] for value in OURS.values()}  # type: ignore[index]
    assert asked == set(MANIFEST["user_config"])
    for name, value in OURS.items():
        assert name.lower().endswith(value[len("${user_config.") : -1])


def test_the_secret_is_sensitive_and_read_only_is_the_default() -> None:
    asked = MANIFEST["user_config"]
    assert asked["client_secret"]["sensitive"] is True
    assert [name for name, question in asked.items() if question.get("sensitive")] == ["client_secret"]
    assert asked["read_only"]["default"] is True
    assert asked["demo"]["default"] is False


def test_nothing_that_is_left_out_counts_as_given_but_the_switch_that_guards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GREENLAKE_MCP_STATE_DIR")
    for name, value in OURS.items():
        monkeypatch.setenv(name, value)
    assert settings.load() == settings.defaults().model_copy(update={"read_only": True})


def test_what_is_filled_in_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    filled = {
        "GREENLAKE_REGION": "eu-central",
        "GREENLAKE_WORKSPACE_ID": "w",
        "GREENLAKE_CLIENT_ID": "c",
        "GREENLAKE_CLIENT_SECRET": "s",
        "GREENLAKE_MCP_READ_ONLY": "true",
        "GREENLAKE_MCP_TOOLSETS": "vms,jobs",
        "GREENLAKE_MCP_ASK": "always",
        "GREENLAKE_MCP_CATALOG": "memory",
        "GREENLAKE_MCP_EXCEPTIONS": "/etc/exceptions.json",
        "GREENLAKE_MCP_TIMEZONE": "Europe/Berlin",
        "GREENLAKE_MCP_READING": "media_types=json",
        "GREENLAKE_MCP_DEMO": "false",
    }
    assert filled.keys() == OURS.keys()
    for name, value in filled.items():
        monkeypatch.setenv(name, value)
    loaded = settings.load()
    assert (loaded.region, loaded.workspace_id, loaded.client_id) == ("eu-central", "w", "c")
    assert loaded.client_secret
    assert loaded.client_secret.get_secret_value() == "s"
    assert (loaded.read_only, loaded.toolsets, loaded.demo) == (True, "vms,jobs", False)


def test_the_tools_of_the_manifest_are_those_of_the_server() -> None:
    offered = app.tool_set(settings.defaults()).offered
    assert [tool["name"] for tool in MANIFEST["tools"]] == list(offered)
    assert all(set(tool) == {"name", "description"} for tool in MANIFEST["tools"])


def test_versions_and_licence_are_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    package = REGISTRY["packages"][0]
    assert {MANIFEST["version"], REGISTRY["version"], package["version"], project["version"]} == {__version__}
    assert MANIFEST["license"] == project["license"] == "Apache-2.0"
    assert package["identifier"] == MANIFEST["name"] == project["name"]
    assert MANIFEST["compatibility"]["runtimes"]["python"] == project["requires-python"]
    assert "Version 2.0, January 2004" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_the_manifest_has_what_the_schema_wants_of_a_uv_bundle() -> None:
    assert MANIFEST["manifest_version"] == "0.4"
    assert MANIFEST["server"]["type"] == "uv"
    assert (ROOT / MANIFEST["server"]["entry_point"]).is_file()
    config = MANIFEST["server"]["mcp_config"]
    assert config["command"] == "uv"
    assert config["args"][-1] == MANIFEST["server"]["entry_point"]
    assert "${__dirname}" in config["args"]
    # Behind a proxy that reads TLS only the system knows the proxy's authority; the older and the newer name.
    assert config["env"]["UV_NATIVE_TLS"] == config["env"]["UV_SYSTEM_CERTS"] == "1"


def test_the_icon_is_a_square_png_of_512() -> None:
    data = (ROOT / MANIFEST["icon"]).read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (512, 512)


def test_the_registry_entry_names_settings_and_marks_the_secret() -> None:
    text = {v["name"]: v for v in REGISTRY["packages"][0]["environmentVariables"]}
    assert text.keys() <= variables()
    assert [name for name, v in text.items() if v.get("isSecret")] == ["GREENLAKE_CLIENT_SECRET"]
    assert len(REGISTRY["description"]) <= 100
    assert f"mcp-name: {REGISTRY['name']}" in (ROOT / "README.md").read_text(encoding="utf-8")


REGISTRY_SCHEMA = {
    # The facts of the registry's schema of 2025-12-11 that concern this entry, and no name that it would not know.
    "type": "object",
    "required": ["name", "description", "version"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"const": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"},
        "name": {"type": "string", "pattern": r"^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$", "minLength": 3, "maxLength": 200},
        "title": {"type": "string", "minLength": 1, "maxLength": 100},
        "description": {"type": "string", "minLength": 1, "maxLength": 100},
        "version": {"type": "string", "maxLength": 255},
        "packages": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["registryType", "identifier", "version", "transport"],
                "additionalProperties": False,
                "properties": {
                    "registryType": {"const": "pypi"},
                    "identifier": {"type": "string"},
                    "version": {"type": "string", "not": {"const": "latest"}},
                    "runtimeHint": {"const": "uvx"},
                    "transport": {"const": {"type": "stdio"}},
                    "packageArguments": {"const": [{"type": "positional", "value": "serve"}]},
                    "environmentVariables": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["name"],
                            "additionalProperties": False,
                            "properties": {
                                "name": {"type": "string"},
                                "description": {"type": "string"},
                                "isRequired": {"type": "boolean"},
                                "isSecret": {"type": "boolean"},
                                "format": {"enum": ["string", "number", "boolean", "filepath"]},
                                "default": {"type": "string"},
                                "choices": {"type": "array", "items": {"type": "string"}},
                            },
                        },
                    },
                },
            },
        },
    },
}


def test_the_registry_entry_obeys_the_registrys_schema() -> None:
    Draft202012Validator.check_schema(REGISTRY_SCHEMA)
    Draft202012Validator(REGISTRY_SCHEMA).validate(REGISTRY)


@pytest.mark.parametrize(
    ("switch", "era"), [({"read_only": "true"}, "auto"), ({}, "auto"), ({}, "legacy"), ({"read_only": ""}, "legacy")]
)
async def test_the_entry_of_the_bundle_is_read_only_unless_it_is_switched_off(switch: dict[str, str], era: str) -> None:
    env = environment(demo="true", **switch)
    async with Client(stdio_client(started(env)), mode=era) as client:
        tools = (await client.list_tools()).tools
        result = await client.call_tool("list_protection_stores", {"limit": 0})
    assert tools
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
    assert not result.is_error


async def test_the_entry_of_the_bundle_may_change_things_once_it_is_switched_so() -> None:
    async with Client(stdio_client(started(environment(demo="true", read_only="false")))) as client:
        assert "delete_vm_backup" in {tool.name for tool in (await client.list_tools()).tools}


@pytest.mark.parametrize(
    ("filled", "cure"),
    [
        ({}, "GREENLAKE_"),
        ({"client_id": "c"}, "GREENLAKE_CLIENT_SECRET"),
        ({"region": "mars"}, "us-west"),
        ({"toolsets": "vms,nonsense"}, "nonsense"),
        ({"demo": "true", "client_id": "c", "client_secret": "s"}, "GREENLAKE_MCP_DEMO"),
        ({"read_only": "perhaps"}, "GREENLAKE_MCP_READ_ONLY"),
    ],
)
async def test_a_broken_setting_is_told_as_the_first_result_with_its_cure(filled: dict[str, str], cure: str) -> None:
    async with Client(stdio_client(started(environment(**filled)))) as client:
        tools = (await client.list_tools()).tools
        prompts = (await client.list_prompts()).prompts
        result = await client.call_tool("list_vms", {})
    text = " ".join(str(getattr(part, "text", "")) for part in result.content)
    assert tools
    assert prompts
    assert result.is_error
    assert cure in text
    assert "Traceback" not in text


async def test_a_broken_setting_changes_nothing_and_offers_no_way_around() -> None:
    async with Client(stdio_client(started(environment(region="mars", demo="false")))) as client:
        result = await client.call_tool("delete_protection_policy", {"protectionPolicyId": "x", "confirm": "preview"})
    assert result.is_error


async def test_a_broken_setting_is_told_on_the_search_surface_too() -> None:
    env = environment(region="mars") | {"GREENLAKE_MCP_SURFACE": "search"}
    async with Client(stdio_client(started(env))) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        call = ("find_tools", {"query": "vms"}) if "find_tools" in names else ("list_vms", {})
        result = await client.call_tool(*call)
    assert result.is_error
    assert "us-west" in str(result.content)


def test_the_cure_is_on_stderr_and_nothing_else_on_stdout() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "server" / "main.py")],
        input="", capture_output=True, text=True, env=environment(region="mars"), timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == ""
    assert "us-west" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_command_of_the_command_line_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("serve", "demo", "tools", "call", "doctor", "config", "simulate"):
        with pytest.raises(SystemExit) as end:
            parser.main([command, "--help"])
        assert end.value.code == 0
    assert "claude-desktop" in capsys.readouterr().out
    values: dict[str, Any] = MANIFEST["user_config"]
    assert all(question["description"] for question in values.values())
