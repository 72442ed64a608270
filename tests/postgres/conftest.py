"""One PostgreSQL for all tests, and an empty database for each."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
for room in ("postgres", "real", "relay", "filter", "store"):
    sys.path.insert(0, str(HERE.parent / room))

import harness_postgres  # noqa: E402 (from one of these)
from harness_postgres import Postgres  # noqa: E402


@pytest.fixture(scope="session")
def postgres(require: Callable[[object, str], None]) -> Iterator[Postgres]:
    """The server of this run."""
    for name in harness_postgres.PROGRAMS:
        require(harness_postgres.program(name), f"PostgreSQL's {name} is not installed")
    require(shutil.which("setpriv"), "setpriv is not installed")
    with harness_postgres.running() as server:
        yield server


@pytest.fixture
def database(postgres: Postgres) -> str:
    """An empty database; its name."""
    return postgres.empty()


@pytest.fixture
def url(postgres: Postgres, database: str) -> str:
    """The same as the setting says it."""
    return postgres.url(database)
