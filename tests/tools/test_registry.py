"""Policy over all tools: names, schemas, hints, order, size; one snapshot per tool."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.openapi import document
from greenlake_backup_mcp.server import app, instructions
from greenlake_backup_mcp.server.tool_listing import to_mcp_tool
from greenlake_backup_mcp.tools import builtin, registry, schemas, toolsets
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool
from tests.support import facts

SNAPSHOTS = Path(__file__).parents[1] / "snapshots" / "tools"
VERBS = {"GET": ("list_", "get_"), "PATCH": ("update_",), "PUT": ("replace_",), "DELETE": ("delete_",)}


def own(all_tools: tuple[Tool, ...]) -> list[Tool]:
    return [t for t in all_tools if t.operation and t.operation.path.startswith("/backup-recovery/")]


def size(tool: Tool) -> int:
    rendered = {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
    return len(json.dumps(rendered, separators=(",", ":"), ensure_ascii=False).encode())


def walk(schema: Any) -> list[dict[str, Any]]:
    """Every schema within a schema; names of properties are data, not keywords."""
    if not isinstance(schema, dict):
        return []
    result = [schema]
    for sub in schema.get("properties", {}).values():
        result += walk(sub)
    for key in ("items", "additionalProperties"):
        result += walk(schema.get(key))
    for key in ("oneOf", "anyOf"):
        for sub in schema.get(key, ()):
            result += walk(sub)
    return result


def test_each_of_the_138_operations_is_a_tool(all_tools: tuple[Tool, ...]) -> None:
    assert len(own(all_tools)) == 138
    assert len({t.operation.id for t in own(all_tools) if t.operation}) == 138


def test_names_are_unique_snake_case_and_leave_room_for_a_prefix(all_tools: tuple[Tool, ...]) -> None:
    names = [t.name for t in all_tools]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)
        assert len(name) <= 41


def test_names_say_the_method(all_tools: tuple[Tool, ...]) -> None:
    for tool in all_tools:
        assert tool.operation is not None
        if tool.operation.method in VERBS:
            assert tool.name.startswith(VERBS[tool.operation.method]), tool.name


def test_one_thing_has_one_name_in_all_tools(all_tools: tuple[Tool, ...]) -> None:
    """An id is never called just `id`, and the same path segment always yields the same argument."""
    for tool in all_tools:
        for argument in tool.arguments.values():
            if argument.place == "path":
                assert re.fullmatch(r"[a-z][A-Za-z]+Id", argument.name), (tool.name, argument)


def test_schemas_are_valid_and_an_object_at_the_root_without_combinators(all_tools: tuple[Tool, ...]) -> None:
    for tool in all_tools:
        Draft202012Validator.check_schema(tool.input_schema)
        assert tool.input_schema["type"] == "object"
        assert not {"oneOf", "anyOf", "allOf", "not", "$defs"} & set(tool.input_schema), tool.name


def test_schemas_hold_no_reference_example_title_or_read_only_property(all_tools: tuple[Tool, ...]) -> None:
    for tool in all_tools:
        for schema in walk(tool.input_schema):
            assert not {"$ref", "example", "examples", "title", "readOnly", "xml", "deprecated"} & set(schema), (
                tool.name
            )


def test_every_property_is_typed(all_tools: tuple[Tool, ...]) -> None:
    for tool in all_tools:
        for schema in walk(tool.input_schema):
            assert {"type", "enum", "const", "oneOf", "anyOf"} & set(schema), (tool.name, schema)


def test_every_body_property_that_can_be_written_is_an_argument(all_tools: tuple[Tool, ...]) -> None:
    for tool in all_tools:
        operation = tool.operation
        if operation is None or operation.body is None:
            continue
        wanted = set(schemas.merged_choice(schemas.writable(operation.body)).get("properties", {}))
        offered = {a.wire for a in tool.arguments.values() if a.place == "body"}
        assert wanted == offered or "body" in tool.arguments, tool.name


def test_gated_tools_and_only_those_require_confirm(all_tools: tuple[Tool, ...]) -> None:
    for tool in all_tools:
        assert ("confirm" in tool.input_schema.get("required", ())) == tool.gated, tool.name
        assert ("confirm" in tool.arguments) == (tool.gated or tool.conditional), tool.name


def test_the_66_gated_tools_keep_confirm_required(all_tools: tuple[Tool, ...]) -> None:
    listed = (Path(__file__).parents[1] / "snapshots" / "gated_tools.txt").read_text(encoding="utf-8").split()
    assert len(listed) == 66
    every = (*all_tools, *builtin.TOOLS)
    assert sorted(t.name for t in every if "confirm" in t.input_schema.get("required", ())) == listed


def test_every_delete_and_every_update_of_a_copy_is_gated(all_tools: tuple[Tool, ...]) -> None:
    for tool in own(all_tools):
        assert tool.operation is not None
        copy = re.search(r"/(backups|snapshots)/\{[^}]+\}$", tool.operation.path)
        if tool.operation.method == "DELETE" or (tool.operation.method == "PATCH" and copy):
            assert tool.gated, tool.name
        if "restore" in tool.name and not tool.name.startswith("check_"):
            assert tool.gated, tool.name


def test_companions_are_reads_only(all_tools: tuple[Tool, ...]) -> None:
    companions = [t for t in all_tools if t not in own(all_tools)]
    assert companions
    for tool in companions:
        assert tool.operation is not None
        assert tool.operation.method == "GET"
        assert tool.danger is Danger.READ


def test_all_four_hints_follow_from_the_danger(all_tools: tuple[Tool, ...]) -> None:
    for tool in all_tools:
        hints = to_mcp_tool(tool).annotations
        assert hints is not None
        assert hints.read_only_hint is (tool.danger is Danger.READ)
        assert hints.destructive_hint is (tool.gated or tool.conditional)
        assert hints.idempotent_hint is not None
        assert hints.open_world_hint is True
        assert hints.title


def test_toolsets_are_known_and_ordered(all_tools: tuple[Tool, ...]) -> None:
    order = list(toolsets.TOOLSET_WORDS)
    places = [(order.index(t.toolset), t.name) for t in all_tools]
    assert places == sorted(places)


def test_read_only_beats_everything(all_tools: tuple[Tool, ...]) -> None:
    chosen = registry.select(all_tools, ["vms"], read_only=True)
    assert chosen
    assert {t.toolset for t in chosen} == {"vms"}
    assert {t.danger for t in chosen} == {Danger.READ}


def test_an_unknown_toolset_is_refused_with_the_known_ones(all_tools: tuple[Tool, ...]) -> None:
    with pytest.raises(BackupError, match="no toolset vmz") as raised:
        registry.select(all_tools, ["vmz"])
    assert "vms" in raised.value.hint


def test_the_tool_list_stays_within_its_budget(all_tools: tuple[Tool, ...]) -> None:
    sizes = {t.name: size(t) for t in own(all_tools)}
    assert sum(sizes.values()) <= 88_500
    assert max(sizes.values()) <= 3_500


@pytest.mark.parametrize("search", [False, True])
@pytest.mark.parametrize("arguments", [{}, {"read_only": True}, {"toolsets": "vms"}, {"toolsets": "stores,tasks"}])
def test_instructions_stay_within_500_tokens_and_name_no_tool_that_is_not_offered(
    arguments: dict[str, Any], search: bool
) -> None:
    offer = app.tool_set(settings.load(**arguments))
    words = instructions.instructions_for(offer.offered, search=search)
    assert len(words) <= 500 * 4
    named = set(re.findall(r"[a-z]+(?:_[a-z]+)+", words))
    assert named & offer.all.keys() <= offer.offered.keys()
    assert ("find_tools" in words) == search
    assert ("confirm" in words) == any(tool.gated for tool in offer.offered.values())


def test_the_published_description_loads_and_gives_138_tools(tmp_path: Path) -> None:
    file = tmp_path / "published.json"
    file.write_text(json.dumps(facts.description()), encoding="utf-8")
    made = registry.tools(file)
    assert len(own(made)) == 138
    assert [t.name for t in made] == [t.name for t in registry.tools()]
    assert [t.danger for t in made] == [t.danger for t in registry.tools()]


def test_an_unknown_operation_that_is_not_a_read_counts_as_destroying() -> None:
    text = json.dumps(
        {
            "openapi": "3.1.0",
            "paths": {
                "/backup-recovery/v1beta1/vaults/{id}/seal": {"post": {"operationId": "VaultSeal", "responses": {}}}
            },
        }
    )
    (operation,) = document.operations(document.parse_document(text, "later"))
    made = registry.tool(operation, document.APIS[0])
    assert made.danger is Danger.DESTROY
    assert made.toolset == "other"
    assert "confirm" in made.input_schema["required"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "has no paths"),
        ('{"openapi":"3.1.0","paths":{}}', "has no paths"),
        ('{"swagger":"2.0","paths":{"/a":{}}}', "is not OpenAPI 3"),
        ('{"openapi":"3.1.0","paths":{"/a":{"get":{"parameters":[{"$ref":"#/nowhere"}]}}}}', "is broken at GET /a"),
        ('{"openapi":"3.1.0","paths":{"/a":{"get":{"parameters":[7]}}}}', "is broken at GET /a"),
    ],
)
def test_a_broken_description_is_named_with_its_fault(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BackupError, match=says):
        registry.tools(path)


def test_an_unreadable_description_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="cannot be read"):
        registry.tools(tmp_path / "absent.json")


def test_a_schema_that_contains_itself_ends() -> None:
    schema = {"type": "object", "properties": {"child": {"$ref": "#/components/schemas/Node"}}}
    text = json.dumps(
        {
            "openapi": "3.1.0",
            "paths": {
                "/x": {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}, "responses": {}}}
            },
            "components": {"schemas": {"Node": schema}},
        }
    )
    (operation,) = document.operations(document.parse_document(text, "recursive"))
    assert operation.body is not None
    assert operation.body["properties"]["child"]["properties"]["child"] == {}


def test_each_tool_is_as_it_was_reviewed() -> None:
    """Run with UPDATE_SNAPSHOTS=1 where a change is meant, and read the difference."""
    offered = app.tool_set(settings.load()).offered.values()
    rendered = {t.name: to_mcp_tool(t).model_dump(by_alias=True, mode="json", exclude_none=True) for t in offered}
    texts = {name: json.dumps(tool, indent=1, ensure_ascii=False) + "\n" for name, tool in rendered.items()}
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOTS.mkdir(parents=True, exist_ok=True)
        for old in SNAPSHOTS.glob("*.json"):
            old.unlink()
        for name, text in texts.items():
            (SNAPSHOTS / f"{name}.json").write_text(text, encoding="utf-8")
    reviewed = {path.stem: path.read_text(encoding="utf-8") for path in SNAPSHOTS.glob("*.json")}
    assert texts == reviewed, "run with UPDATE_SNAPSHOTS=1 if this is meant"


def test_no_argument_asks_to_be_mirrored_in_a_header() -> None:
    """The server tells the SDK so, which would otherwise look through the schema at each call."""
    assert "x-mcp-header" not in json.dumps([tool.input_schema for tool in (*registry.tools(), *builtin.TOOLS)])


@pytest.mark.parametrize("kind", ["snapshot", "backup"])
def test_a_tool_that_can_lock_without_asking_says_that_a_lock_stays(kind: str) -> None:
    """Making a copy is not gated, whatever lockFor is given: a gate goes by operation, not by argument."""
    (tool,) = [t for t in registry.tools() if t.name == f"create_volume_protection_group_{kind}"]
    assert not tool.gated
    assert "A lock (lockFor) cannot be shortened." in tool.description
    assert "cannot be shortened or taken back" in tool.input_schema["properties"]["lockFor"]["description"]


def test_a_description_that_begins_with_a_mark_of_the_byte_order_is_read(tmp_path: Path) -> None:
    bundled = Path(document.__file__).with_name("data-services.json")
    marked = tmp_path / "data-services.json"
    marked.write_text("\ufeff" + bundled.read_text(encoding="utf-8"), encoding="utf-8")
    assert document.load_document(marked) is not None
