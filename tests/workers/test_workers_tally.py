"""Counts that several processes share."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest

from monitor.relay.spool import Spool, SpoolFull
from monitor.relay.tally import SESSIONS, SPOOL
from monitor.workers import tally
from monitor.workers.tally import SharedTally


@pytest.fixture
def rows() -> Iterator[list[SharedTally]]:
    memory = tally.make(2)
    rows = [SharedTally(memory, 0), SharedTally(memory, 1)]
    os.close(memory)
    yield rows
    for row in rows:
        row.close()


def test_what_one_counts_all_of_them_see(rows: list[SharedTally]) -> None:
    for key in (SESSIONS, SPOOL, "192.0.2.1", "2001:db8::/64"):
        rows[0].add(key)
        rows[1].add(key, 5)
        assert [row.count(key) for row in rows] == [6, 6]
        rows[1].add(key, -5)
        assert [row.count(key) for row in rows] == [1, 1]
        assert [rows[1].of_row(row, key) for row in (0, 1)] == [1, 0]


def test_a_row_is_cleared_and_the_other_stays(rows: list[SharedTally]) -> None:
    for row in rows:
        row.add(SESSIONS, 2)
        row.add("192.0.2.1", 2)
    rows[0].clear(1)
    assert rows[1].count(SESSIONS) == rows[1].count("192.0.2.1") == 2


def test_a_crowd_of_addresses_is_never_counted_too_low_and_seldom_too_high(
    rows: list[SharedTally],
) -> None:
    counts = Counter({f"192.0.{n // 250}.{n % 250}": 1 + n % 3 for n in range(2_000)})
    for address, count in counts.items():
        rows[count % 2].add(address, count)
    over = [rows[0].count(address) - count for address, count in counts.items()]
    assert min(over) == 0
    assert sum(each > 0 for each in over) < 400
    assert max(over) < 10
    for address, count in counts.items():
        rows[count % 2].add(address, -count)
    assert {rows[0].count(address) for address in counts} == {0}


def test_the_spool_is_one_room_for_all(rows: list[SharedTally]) -> None:
    one, other = (Spool(10, 1_000, tally=row) for row in rows)
    message = one.message()
    message.write(b"sixsix")
    with pytest.raises(SpoolFull):
        other.message().write(b"fives")
    message.close()
    other.message().write(b"fives")
    assert one.used == other.used == 5
