"""What the doctor says of a database that relays share."""

from __future__ import annotations

import pytest

from monitor.config import Settings
from monitor.doctor.database import Shared, judge
from monitor.store.migrations import SCHEMA

URL = "postgresql+psycopg://mx:secret@db.test/mail"
SETTINGS = Settings(database=URL, name="mx1.test")


def told(seen: Shared, *, serves: bool = True) -> list[tuple[str, str, str]]:
    checks = list(judge(seen, SETTINGS, serves))
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
        (Shared(schema=SCHEMA, serving=("mx1.test", "mx2.test")), "ok", "relays connected: 2"),
    ],
)
def test_the_database(seen: Shared, state: str, words: str) -> None:
    [(name, found, said)] = told(seen)
    assert (name, found) == ("database", state)
    assert words in said


def test_relays_are_told_apart_by_their_names() -> None:
    both = Shared(schema=SCHEMA, serving=("mx1.test", "mx2.test", "mx2.test"))
    assert told(both)[1:] == [("names", "warning", "2 relays go by the name mx2.test")]


def test_one_that_is_not_connected_yet_counts_with_the_name_that_it_will_have() -> None:
    other = Shared(schema=SCHEMA, serving=("mx1.test",))
    assert told(other)[1:] == []
    assert told(other, serves=False)[1:] == [
        ("names", "warning", "2 relays go by the name mx1.test")
    ]
