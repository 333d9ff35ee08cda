"""The rule of the yardstick holds: a script may pass what was shown and nothing else; truth sees the tenant only."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from .evidence import Evidence, UnknownValue

HERE = Path(__file__).parent
ID = "5dd3db83-f009-4d4f-aeb2-d15d1aa0958d"
QUESTION = "It is 2026-11-24 07:40 UTC. Keep the backups of app-dev* for 21 days, since yesterday at the latest."
SCHEMAS: dict[str, Any] = {
    "look": {
        "description": "Rows of assets, e.g. where kind = 'vm'.",
        "properties": {"id": {"type": "string"}, "limit": {"type": "integer"}, "where": {"type": "string"}},
    },
    "change": {
        "properties": {
            "kind": {"enum": ["PARENT", "ALTERNATE"]},
            "assetInfo": {"properties": {"type": {"description": "As told, e.g. virtualization/virtual-machine."}}},
            "keep": {"properties": {"value": {"type": "integer"}, "unit": {"enum": ["DAYS"]}}},
            "until": {"type": "string"},
            "sql": {"type": "string"},
            "force": {"type": "boolean"},
            "confirm": {"description": '"preview", then its code.'},
        }
    },
    "run_plan": {"properties": {"calls": {"type": "array"}}},
}


def evidence_of_a_job() -> Evidence:
    evidence = Evidence(QUESTION, {"CLOUD_BACKUP"})
    evidence.add(f"id|name|pointInTime\n{ID}|app-dev-04|2026-11-23 20:11 -11h\nSchedule 3 (cloud backup) of 1,200")
    return evidence


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("look", {"id": ID, "limit": 200}),
        ("look", {"where": "name eq 'app-dev' and not size gt 1200"}),
        ("look", {"where": "backupType eq 'CLOUD_BACKUP' and pointInTime lt '2026-11-23T20:11:00Z'"}),
        ("change", {"kind": "PARENT", "keep": {"value": 21, "unit": "DAYS"}, "force": True, "confirm": "preview"}),
        ("change", {"assetInfo": {"type": "virtualization/virtual-machine"}, "until": "2026-11-24T07:40:00Z"}),
        ("change", {"sql": "SELECT name FROM assets WHERE name LIKE 'app-dev%' LIMIT 50"}),
        ("look", {"where": "kind eq 'vm'"}),
        ("run_plan", {"calls": [{"tool": "look", "arguments": {"id": ID}}]}),
    ],
)
def test_what_was_shown_and_what_the_schema_shows_may_be_passed(tool: str, arguments: Any) -> None:
    evidence_of_a_job().check_arguments(tool, SCHEMAS, arguments)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("look", {"id": "5dd3db83-f009-4d4f-aeb2-000000000000"}),
        ("look", {"id": ID[:8]}),
        ("look", {"id": "app-dev-05"}),
        ("look", {"limit": 5000}),
        ("look", {"where": "name eq 'app-prod'"}),
        ("look", {"where": "size gt 1201"}),
        ("look", {"where": "state eq 'FAILED'"}),
        ("look", {"where": "pointInTime lt '2026-11-23T20:12:00Z'"}),
        ("change", {"kind": "SIDEWAYS"}),
        ("change", {"keep": {"value": 22, "unit": "DAYS"}}),
        ("change", {"until": "2026-11-25T07:40:00Z"}),
        ("change", {"sql": "SELECT name FROM assets WHERE id = 'x-1'"}),
        ("change", {"confirm": "B2CZ-WXJB"}),
        ("run_plan", {"calls": [{"tool": "look", "arguments": {"id": "made-up"}}]}),
    ],
)
def test_whatever_nothing_showed_is_refused(tool: str, arguments: Any) -> None:
    with pytest.raises(UnknownValue):
        evidence_of_a_job().check_arguments(tool, SCHEMAS, arguments)


def test_an_answer_makes_its_values_known_from_then_on() -> None:
    evidence = evidence_of_a_job()
    with pytest.raises(UnknownValue):
        evidence.check_arguments("look", SCHEMAS, {"id": "new-vm-1"})
    evidence.add("Made: new-vm-1.")
    evidence.check_arguments("look", SCHEMAS, {"id": "new-vm-1"})


def test_times_follow_from_times_and_amounts_that_were_shown() -> None:
    evidence = evidence_of_a_job()
    assert evidence.shift("2026-11-24 07:40", days=-1) == "2026-11-23T07:40:00Z"
    evidence.check_arguments("change", SCHEMAS, {"until": "2026-11-23T07:40:00Z"})
    with pytest.raises(UnknownValue):
        evidence.shift("2026-11-24 07:40", days=-13)
    with pytest.raises(UnknownValue):
        evidence.shift("2026-10-24 07:40", days=-1)


def imports(path: Path) -> set[str]:
    collected = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            collected.add("." * node.level + (node.module or ""))
        if isinstance(node, ast.Import):
            collected |= {alias.name for alias in node.names}
    return collected


def own_imports(path: Path) -> set[str]:
    return {name for name in imports(path) if name.startswith("greenlake_backup_mcp")}


def test_truth_imports_nothing_of_the_package_but_the_simulator() -> None:
    assert all(name.startswith("greenlake_backup_mcp.simulator") for name in own_imports(HERE / "truth.py"))
    assert not [name for name in imports(HERE / "truth.py") if name.startswith(".")]


def test_scripts_import_nothing_of_the_package_and_only_the_harness_starts_the_server() -> None:
    modules = {path.name: own_imports(path) for path in HERE.glob("*.py") if not path.name.startswith("test_")}
    assert {name for name, held in modules.items() if held} == {"truth.py", "job.py"}


def test_scripts_reach_the_server_through_the_session_only() -> None:
    for name in ("scripts_a.py", "set_a.py", "set_b.py", "set_c.py", "steps.py"):
        tree = ast.parse((HERE / name).read_text(encoding="utf-8"))
        touched = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not touched & {"evidence", "client", "call_tool", "_tenant"}, name
