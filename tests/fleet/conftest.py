"""What tests of judgement over the estate share."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from tests.support.estates import opened, small_estate


@pytest.fixture
def catalog() -> Iterator[sqlite3.Connection]:
    """The catalog of the small estate, for one test to change."""
    connection = opened(small_estate()[1])
    yield connection
    connection.close()
