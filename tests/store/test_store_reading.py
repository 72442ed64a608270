"""The database read only, beside its relay and without one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from test_store import record

from monitor.findings.catalogue import finding
from monitor.record import Late
from monitor.store import Store, StoreError
from monitor.store.database import FILE
from monitor.store.reading import SLICE, Reading


def _filled(state: Path, count: int) -> Store:
    store = Store(state)
    for number in range(count):
        store.history.add(record(number))
    store.writer.flush()
    return store


def test_all_is_read_in_order_while_the_relay_writes(tmp_path: Path) -> None:
    store = _filled(tmp_path, SLICE + 10)
    told = [record(number) for number in range(SLICE + 10)]
    late = finding("retry.gave-up", "later")
    store.history.add_late(Late(id="x", about=told[3].id, findings=(late,)))
    store.writer.flush()
    reading = Reading(tmp_path)
    found = list(reading.records(0))
    assert [r.id for r in found] == [r.id for r in told]
    assert found[3].findings[-1] == late
    since = told[-3].ended.timestamp()
    assert [r.id for r in reading.records(since)] == [r.id for r in told[-2:]]
    reading.close()
    store.close()


def test_it_cannot_write(tmp_path: Path) -> None:
    _filled(tmp_path, 1).close()
    reading = Reading(tmp_path)
    with reading.past.connect() as connection, pytest.raises(Exception, match="readonly"):
        connection.exec_driver_sql("DELETE FROM transactions")
    reading.close()


def test_nothing_is_made_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no history"):
        Reading(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_an_older_database_is_left_as_it_is(tmp_path: Path) -> None:
    _filled(tmp_path, 1).close()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema'")
    with pytest.raises(StoreError, match="older mxtap"):
        Reading(tmp_path)


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="cannot be read"):
        Reading(tmp_path)
