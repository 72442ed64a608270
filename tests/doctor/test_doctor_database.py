"""What the doctor says of a database that relays share."""

from __future__ import annotations

import pytest

from monitor.config import Settings
from monitor.doctor.database import Shared, judge
from monitor.store.migrations import SCHEMA

URL = "postgresql+psycopg://mx:secret@db.test/mail"
SETTINGS = Settings(database=URL, name="mx1.test")


def told(seen: Shared) -> list[tuple[str, str, str]]:
    checks = list(judge(seen, SETTINGS))
    assert not any("secret" in check.seen + check.mend for check in checks)
    return [(check.name, check.state, check.seen) for check in checks]


@pytest.mark.parametrize(
    ("seen", "state", "words"),
    [
        (Shared(fault="connection refused"), "warning", "db.test/mail: connection refused"),
        (Shared(refused="is a database of another program"), "error", "another program"),
        (Shared(), "ok", "empty"),
        (Shared(writable=False), "error", "may not write tables in it"),
        (Shared(schema=SCHEMA, writable=False), "error", "may not write its tables"),
        (Shared(schema=SCHEMA - 1), "notice", f"schema {SCHEMA - 1}, the next relay"),
        (Shared(schema=SCHEMA, others=("mx2.test",)), "ok", "other relays connected: 1"),
    ],
)
def test_the_database(seen: Shared, state: str, words: str) -> None:
    [(name, found, said)] = told(seen)
    assert (name, found) == ("database", state)
    assert words in said


@pytest.mark.parametrize(
    ("others", "twice"), [(("mx2.test", "mx2.test"), "mx2.test"), (("mx1.test",), "mx1.test")]
)
def test_relays_are_told_apart_by_their_names(others: tuple[str, ...], twice: str) -> None:
    found = told(Shared(schema=SCHEMA, others=others))[1:]
    assert found == [("names", "warning", f"2 relays go by the name {twice}")]
