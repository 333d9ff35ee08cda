"""What a newcomer runs first, and the file of the backup catalog as people meet it at the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from greenlake_backup_mcp.cli import parser


def test_the_tour_shows_a_preview_and_the_deletion_that_its_code_confirms(capfd: pytest.CaptureFixture[str]) -> None:
    assert parser.main(["demo", "--plain"]) == 0
    output = capfd.readouterr().out
    assert "\x1b" not in output
    _, _, after = output.partition("confirm='preview'")
    assert "assistant ▸ delete_vm_backup" in after


def test_doctor_describes_the_catalog_and_forget_leaves_what_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "catalog.sqlite"
    flags = ["--demo", "--catalog", str(file), "--log-level", "error"]
    assert parser.main(["doctor", *flags]) == 0
    assert "not begun yet" in capsys.readouterr().out
    assert parser.main(["catalog", "forget", *flags]) == 0
    assert "There is no catalog to forget." in capsys.readouterr().out
    file.write_bytes(b"somebody's notes")
    assert parser.main(["doctor", *flags]) == 0
    assert "the server would keep it in memory" in capsys.readouterr().out
    assert parser.main(["catalog", "forget", *flags]) == 1
    assert "was not removed" in capsys.readouterr().err
    assert file.read_bytes() == b"somebody's notes"
