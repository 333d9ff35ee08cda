"""What the catalog says of a random tenant is true, or told as unread; in full: python -m tests.catalog_property."""

from __future__ import annotations

from tests import catalog_property


def test_nothing_is_misfiled_and_only_what_was_deleted_too_early_is_called_vanished() -> None:
    found = catalog_property.play(seed=3, rounds=3)
    assert found.compared > 50
    assert found.failed_lists > 0
    assert found.expired > 100
    assert found.misfiled == []
    assert found.deleted
    assert found.vanished == found.deleted
    assert found.wrong_causes == []
