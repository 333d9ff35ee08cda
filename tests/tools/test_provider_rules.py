"""Every tool of every surface is taken by each provider's rules: OpenAI strict, Gemini, Anthropic, Bedrock, Ajv."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.client_config import registry as clients
from greenlake_backup_mcp.server import app
from greenlake_backup_mcp.server.tool_listing import to_mcp_tool
from greenlake_backup_mcp.tool_search import surface
from tests.clients.__main__ import CACHE

KEYWORDS = {"type", "format", "enum", "minimum", "maximum", "minItems", "maxItems", "items", "properties", "required"}
ANNOTATIONS = {"description", "title", "default"}
TYPES = {"string", "integer", "number", "boolean", "object", "array"}


def listed() -> dict[str, dict[str, Any]]:
    """Name and schema of every tool that any configuration lists."""
    offered = [*app.tool_set(settings.load(demo=True)).all.values(), *surface.TOOLS]
    return {tool.name: to_mcp_tool(tool).input_schema for tool in offered}


TOOLS = listed()


def schemas(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, sub in schema.get("properties", {}).items():
        yield from schemas(sub, f"{path}.{name}")
    if "items" in schema:
        yield from schemas(schema["items"], f"{path}[]")


def breaches(rule: Any) -> list[str]:
    """Where a rule of one schema does not hold, over all tools."""
    return [f"{name}{path}" for name, root in TOOLS.items() for path, schema in schemas(root) if not rule(schema)]


def test_there_are_tools_of_every_kind() -> None:
    assert {
        "list_vms",
        "delete_vm_backup",
        "run_plan",
        "wait_for_task",
        "find_tools",
        "call_write_tool",
    } <= TOOLS.keys()


def test_the_strict_converter_of_openai_takes_all() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from agents.strict_schema import ensure_strict_json_schema  # noqa: PLC0415
    for schema in TOOLS.values():
        converted = ensure_strict_json_schema(copy.deepcopy(schema))
        assert converted["additionalProperties"] is False


def test_the_converter_of_gemini_takes_all() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from google.genai import types  # noqa: PLC0415

        for schema in TOOLS.values():
            converted = types.Schema.from_json_schema(
                json_schema=types.JSONSchema.model_validate(schema),
                api_option="GEMINI_API",
                raise_error_on_unsupported_field=True,
            )
            assert set(converted.properties or {}) == set(schema["properties"])


def test_a_type_stands_beside_each_enum_and_everywhere_else() -> None:
    assert breaches(lambda s: s.get("type") in TYPES) == []


def test_nothing_but_plain_keywords_is_used() -> None:
    """No $ref, no combinator, no additionalProperties: google-genai and strict Ajv refuse a whole list for one."""
    assert breaches(lambda s: s.keys() <= KEYWORDS | ANNOTATIONS) == []


def test_the_only_format_is_date_time() -> None:
    assert breaches(lambda s: s.get("format", "date-time") == "date-time") == []


def test_enums_hold_values_of_their_type() -> None:
    kinds: dict[str, type | tuple[type, ...]] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
    assert breaches(lambda s: all(isinstance(v, kinds[s["type"]]) for v in s.get("enum", ()))) == []


def test_what_is_required_is_a_property_and_arrays_say_what_they_hold() -> None:
    """Ajv's strictRequired; Gemini and OpenAI want items of every array."""
    assert breaches(lambda s: set(s.get("required", ())) <= set(s.get("properties", {}))) == []
    assert breaches(lambda s: s["type"] != "array" or "items" in s) == []


@pytest.mark.parametrize("prefix", [f"mcp__{clients.NAME}__", f"{clients.NAME}-", f"{clients.NAME}_", ""])
def test_names_with_a_clients_prefix_stay_within_64(prefix: str) -> None:
    """Anthropic, OpenAI and Bedrock: letters, digits, _ and -, at most 64."""
    assert [name for name in TOOLS if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", prefix + name)] == []


def test_arguments_have_names_that_anthropic_takes() -> None:
    names = {name for schema in TOOLS.values() for _, s in schemas(schema) for name in s.get("properties", {})}
    assert [name for name in names if not re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", name)] == []


def test_the_root_is_an_object_for_bedrock() -> None:
    assert [name for name, schema in TOOLS.items() if schema["type"] != "object" or "properties" not in schema] == []


@pytest.mark.parametrize("argument", ["filter", "where", "sort", "select", "confirm"])
def test_arguments_that_need_words_have_a_sentence_in_each_tool(argument: str) -> None:
    """Frameworks drop the server's instructions."""
    with_it = [schema["properties"][argument] for schema in TOOLS.values() if argument in schema["properties"]]
    assert len(with_it) > 20
    assert [schema for schema in with_it if not schema.get("description", "").endswith(".")] == []


AJV = """
const fs = require("fs"), tools = JSON.parse(fs.readFileSync(0, "utf8")), refused = [];
const formats = require("ajv-formats").default;
for (const [draft, Ajv] of [["07", require("ajv").default], ["2020-12", require("ajv/dist/2020").default]]) {
  const ajv = formats(new Ajv({strict: true, strictRequired: true, strictTypes: true, allowUnionTypes: false}));
  for (const [name, schema] of Object.entries(tools)) {
    try { ajv.compile(schema); } catch (error) { refused.push(`${name} (draft ${draft}): ${error.message}`); }
  }
}
console.log(JSON.stringify(refused));
"""


@pytest.fixture(scope="module")
def ajv() -> str:
    """The folder whose modules hold Ajv, kept in the user's cache; left out where there is no Node or no registry."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("strict Ajv is left out: there is no Node on this machine")
    folder = CACHE / "ajv-8"
    if not (folder / "node_modules" / "ajv-formats").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        quiet = ("--silent", "--no-audit", "--no-fund", "--fetch-retries=0")
        command = [npm, "install", *quiet, "--prefix", str(folder), "ajv@8", "ajv-formats@3"]
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=40)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            shutil.rmtree(folder, ignore_errors=True)  # half of it is no use the next time
            pytest.skip("strict Ajv is left out: npm cannot bring it here")
    return str(folder / "node_modules")


def test_strict_ajv_takes_all(ajv: str) -> None:
    """TypeScript's SDK and the clients built on it compile each schema; some in strict mode, which refuses a list."""
    command = ["node", "-e", AJV]
    done = subprocess.run(
        command,
        input=json.dumps(TOOLS),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "NODE_PATH": ajv},
    )
    assert json.loads(done.stdout) == []
