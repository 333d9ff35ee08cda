"""What becomes of an answer on its way out: cut to the budget and counted, masked, with what must be told beside it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp.types import CallToolResult, ElicitRequest, ElicitRequestFormParams, InputRequiredResult, TextContent

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.dispatch import results
from tests.support.results import text_of

SETTINGS = settings.load(demo=True, budget=1000)


def test_lines_beyond_the_budget_are_dropped_whole_and_counted() -> None:
    lines = text_of(results.text_result(("x" * 99 for _ in range(100)), SETTINGS)).splitlines()
    *whole, note, simulated = lines
    assert {len(line) for line in whole} == {99}
    assert note == f"({100 - len(whole)} more lines left out: the answer's budget is 1000 tokens.)"
    assert simulated == results.SIMULATED


@pytest.mark.parametrize("count", [2, 2000])
def test_a_list_is_an_object_of_its_items_within_the_budget(count: int) -> None:
    result = results.json_result([{"id": n, "password": "hunter2"} for n in range(count)], SETTINGS)
    assert result.structured_content
    assert json.loads(text_of(result)) == result.structured_content
    assert result.structured_content["items"][0] == {"id": 0, "password": "[hidden]"}
    assert len(text_of(result).encode()) <= 1000 * results.BYTES_PER_TOKEN


def test_a_small_value_is_left_as_it_is() -> None:
    assert results.fit_json([1], SETTINGS) == [1]


def test_notes_are_in_both_forms_of_an_answer_and_in_no_question() -> None:
    noted: CallToolResult = results.add_notes(results.json_result({"a": 1}, SETTINGS), ["hear\u200b this"])
    assert noted.structured_content == json.loads(text_of(noted))
    assert "hear" in noted.structured_content["notes"][0]
    assert text_of(results.add_notes(results.text_result(["a"], SETTINGS), ["b"])).endswith("b")
    form = ElicitRequestFormParams(message="?", requested_schema={"type": "object", "properties": {}})
    question = InputRequiredResult(input_requests={"q": ElicitRequest(params=form)}, request_state="s")
    assert results.add_notes(question, ["b"]) is question


def test_what_is_secret_is_hidden_in_both_forms_of_an_answer() -> None:
    def mask(text: str) -> str:
        return text.replace("hunter2", "[hidden]")

    held: dict[str, Any] = {"a": ["hunter2", 1], "hunter2": "b"}
    result = CallToolResult(content=[TextContent(text="x hunter2")], structured_content=held)
    masked = results.mask_result(result, mask)
    assert "hunter2" not in str(masked)
    assert masked.structured_content == {"a": ["[hidden]", 1], "[hidden]": "b"}
    clean = results.text_result(["x"], SETTINGS)
    assert results.mask_result(clean, mask) == clean
