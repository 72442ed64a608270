"""The doctor looks at the shared database, and leaves it as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness_net import free_port
from harness_postgres import Postgres

from monitor.doctor import look
from monitor.doctor.database import Shared
from monitor.store import Store
from monitor.store.migrations import SCHEMA


def test_an_empty_one_stays_empty(url: str, postgres: Postgres, database: str) -> None:
    assert look.shared(url) == Shared()
    with postgres.connect(database) as other:
        query = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert other.execute(query).fetchone() == (0,)


def test_the_relays_that_are_connected_are_known_by_name(url: str, tmp_path: Path) -> None:
    stores = [Store(tmp_path / str(n), url, name) for n, name in enumerate(("mx1", "mx2", "mx2"))]
    seen = look.shared(url)
    assert (seen.schema, seen.writable, seen.fault, seen.refused) == (SCHEMA, True, "", "")
    assert Counter(seen.serving) == {"mx1": 1, "mx2": 2}
    for store in stores:
        store.close()
    assert look.shared(url).serving == ()


@pytest.fixture
def guest(url: str, postgres: Postgres, database: str) -> Iterator[str]:
    """The database as one sees it who may enter and read, and no more."""
    with postgres.connect(database) as other:
        other.execute("CREATE ROLE guest LOGIN")
        other.execute("GRANT USAGE ON SCHEMA public TO guest")
        other.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO guest")
        yield url.replace("//mxtap:hush@", "//guest@")
        other.execute("DROP OWNED BY guest; DROP ROLE guest")


def test_one_that_may_not_be_written(url: str, guest: str, tmp_path: Path) -> None:
    assert look.shared(guest) == Shared(writable=False)
    Store(tmp_path, url, "mx1").close()
    assert look.shared(guest) == Shared(schema=SCHEMA, writable=False)
    assert look.shared(url) == Shared(schema=SCHEMA)


def test_that_of_another_program(url: str, postgres: Postgres, database: str) -> None:
    with postgres.connect(database) as other:
        other.execute("CREATE TABLE theirs (x integer)")
    assert "another program" in look.shared(url).refused


def test_one_that_is_away(url: str, postgres: Postgres) -> None:
    away = look.shared(url.replace(f":{postgres.port}/", f":{free_port()}/"))
    assert "refused" in away.fault
    assert away == Shared(fault=away.fault)
