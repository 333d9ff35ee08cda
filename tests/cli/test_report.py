"""`report`: the morning check for mail and cron, its exit status the verdict; texts of the tenant are escaped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from greenlake_backup_mcp.cli import parser, report
from greenlake_backup_mcp.fleet.asset_health import WRONG
from greenlake_backup_mcp.fleet.check_health import Section

HOSTILE = "<script>alert(1)</script> | [x](http://e.example) `rm` \u202e=cmd"


def test_the_report_of_a_filled_catalog_is_a_static_page_with_the_verdict_as_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--demo", "--catalog", str(tmp_path / "catalog.sqlite"), "--timezone", "Europe/Berlin"]
    assert parser.main(["catalog", "sync", *flags]) == 0
    assert f"Kept in {tmp_path / 'catalog.sqlite'}." in capsys.readouterr().out
    status = parser.main(["report", "--format", "html", *flags])
    page = capsys.readouterr().out
    assert status == 2
    assert page.startswith("<!DOCTYPE html>")
    assert "Act today: " in page
    assert "Europe/Berlin" in page
    for word in ("<script", "javascript:", "src=", "href=", "http://", "@import"):
        assert word not in page
    states = "|".join(re.escape(state.value) for state in WRONG)
    counted = [int(n) for n in re.findall(rf"<tr><td>(\d+)</td><td>(?:{states})</td>", page)]
    wrong = re.search(r"as promised, (\d+) not", page)
    assert wrong
    assert sum(counted) == int(wrong[1])


def test_texts_of_the_tenant_are_only_text() -> None:
    sections = [Section(HOSTILE, (HOSTILE,), ({"asset": HOSTILE, "n": 1},))]
    page, text = report.to_html("t", sections), report.to_markdown("t", sections)
    for made in (page, text):
        assert "<script" not in made
        assert "\u202e" not in made
    table = next(line for line in text.splitlines() if line.endswith("| 1 |"))
    assert len(re.findall(r"(?<!\\)\|", table)) == 3
    assert not re.search(r"(?<!\\)\]\(", text)


@pytest.mark.parametrize(
    "words", [["--region", "nowhere"], ["--timezone", "Mars/Base"], ["--colour"], ["--demo", "--catalog", "off"]]
)
def test_where_there_is_no_report_the_status_is_no_verdict(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert parser.main(["report", *words]) == 3
    answer = capsys.readouterr()
    assert answer.out == ""
    assert answer.err
