"""What the catalog says of a random tenant is true, or told as unread; in full: python -m tests.catalog_property."""

from __future__ import annotations

from tests import catalog_property


def test_nothing_is_misfiled_and_only_what_was_deleted_too_early_is_called_vanished() -> None:
    result = catalog_property.play(seed=3, rounds=3)
    assert result.compared > 50
    assert result.failed_lists > 0
    assert result.expired > 100
    assert result.misfiled == []
    assert result.deleted
    assert result.vanished == result.deleted
    assert result.wrong_causes == []
