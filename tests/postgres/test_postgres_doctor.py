"""The doctor looks at the shared database, and leaves it as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness_net import free_port
from harness_postgres import Postgres

from monitor.config import Settings
from monitor.doctor import look
from monitor.doctor.database import Shared
from monitor.store import Store
from monitor.store.migrations import SCHEMA

Seen = Callable[[str], Shared]


@pytest.fixture
def seen(tmp_path: Path) -> Callable[[str], Shared]:
    """``seen(url)``: what is seen from a state folder of one's own, that of mx1."""
    return lambda url: look.shared(Settings(database=url, state=tmp_path / "mx1"))


def test_an_empty_one_stays_empty(seen: Seen, url: str, postgres: Postgres, database: str) -> None:
    assert seen(url) == Shared()
    with postgres.connect(database) as other:
        query = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert other.execute(query).fetchone() == (0,)


def test_the_other_relays_that_are_connected_are_known_by_name(
    seen: Seen, url: str, tmp_path: Path
) -> None:
    stores = [Store(tmp_path / name, url, name.rstrip("b")) for name in ("mx1", "mx2", "mx2b")]
    assert seen(url) == Shared(schema=SCHEMA, others=("mx2", "mx2"))
    for store in stores:
        store.close()
    assert seen(url) == Shared(schema=SCHEMA)


@pytest.fixture
def guest(url: str, postgres: Postgres, database: str) -> Iterator[str]:
    """The database as one sees it who may enter and read, and no more."""
    with postgres.connect(database) as other:
        other.execute("CREATE ROLE guest LOGIN")
        other.execute("GRANT USAGE ON SCHEMA public TO guest")
        other.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO guest")
        yield url.replace("//mxtap:hush@", "//guest@")
        other.execute("DROP OWNED BY guest; DROP ROLE guest")


def test_one_that_may_not_be_written(
    seen: Seen, url: str, guest: str, postgres: Postgres, database: str, tmp_path: Path
) -> None:
    assert seen(guest) == Shared(writable=False)
    Store(tmp_path, url, "mx1").close()
    assert seen(guest) == Shared(schema=SCHEMA, writable=False)
    assert seen(url) == Shared(schema=SCHEMA)
    with postgres.connect(database) as other:
        other.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")  # type: ignore[arg-type]
        try:
            assert seen(url) == Shared(schema=SCHEMA, writable=False)
        finally:
            other.execute(f"ALTER DATABASE {database} RESET ALL")  # type: ignore[arg-type]


def test_that_of_another_program(seen: Seen, url: str, postgres: Postgres, database: str) -> None:
    with postgres.connect(database) as other:
        other.execute("CREATE TABLE theirs (x integer)")
    assert "another program" in seen(url).refused


def test_one_that_is_away(seen: Seen, url: str, postgres: Postgres) -> None:
    away = seen(url.replace(f":{postgres.port}/", f":{free_port()}/"))
    assert "refused" in away.fault
    assert away == Shared(fault=away.fault)
