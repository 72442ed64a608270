"""The shared database is made once, kept in step, and refused where it is not ours."""

from __future__ import annotations

import threading

import psycopg
import pytest
from harness_postgres import Postgres
from sqlmodel import SQLModel

from monitor.store.database import StoreError
from monitor.store.migrations import SCHEMA
from monitor.store.shared import schema
from monitor.store.shared.connection import connect
from monitor.store.shared.schema import prepare

SHARED = ("transactions", "records", "late_findings", "transcripts", "entries", "memory")


def columns(connection: psycopg.Connection, table: str) -> set[str]:
    query = "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
    return {row[0] for row in connection.execute(query, (table,))}


def test_it_is_made_once_with_the_columns_of_the_models(url: str) -> None:
    with connect(url) as connection:
        name = prepare(connection, "here")
        assert prepare(connection, "here") == name
        for table in SHARED:
            wanted = {column.name for column in SQLModel.metadata.tables[table].columns}
            assert wanted <= columns(connection, table), table


def test_relays_that_start_at_once_make_it_once(url: str) -> None:
    names: list[str] = []

    def start() -> None:
        with connect(url) as connection:
            names.append(prepare(connection, "here"))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 4
    assert len(set(names)) == 1


def test_a_newer_one_or_that_of_another_program_is_refused(
    url: str, postgres: Postgres, database: str
) -> None:
    with postgres.connect(database) as other:
        other.execute("CREATE TABLE theirs (x integer)")
        with connect(url) as connection, pytest.raises(StoreError, match="another program"):
            prepare(connection, "here")
        other.execute("DROP TABLE theirs")
        with connect(url) as connection:
            prepare(connection, "here")
            other.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
            with pytest.raises(StoreError, match=r"here: .*schema 99 by a newer mxtap"):
                prepare(connection, "here")


def test_an_upgrade_is_done_by_one_whole_or_not_at_all(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(url) as connection:
        prepare(connection, "here")
        monkeypatch.setattr(schema, "SCHEMA", SCHEMA + 1)
        add = "ALTER TABLE relays ADD COLUMN more text"
        monkeypatch.setitem(schema.STEPS, SCHEMA, (add, "NONSENSE"))
        with pytest.raises(psycopg.errors.SyntaxError):
            prepare(connection, "here")
        assert "more" not in columns(connection, "relays")
        monkeypatch.setitem(schema.STEPS, SCHEMA, (add,))
        connection.execute("LISTEN mxtap")
        prepare(connection, "here")
        assert "more" in columns(connection, "relays")
        assert [n.payload for n in connection.notifies(timeout=1, stop_after=1)] == ["schema"]
        prepare(connection, "here")


def test_every_version_has_a_step() -> None:
    assert sorted(schema.STEPS) == list(range(schema.FIRST, SCHEMA))


def test_entries_are_an_audit_trail_that_cannot_be_rewritten(url: str) -> None:
    with connect(url) as connection:
        prepare(connection, "here")
        connection.execute(
            "INSERT INTO entries (list, kind, value, action, reason, by, created, ended, origin, "
            "own, seq) VALUES ('ban', 'ip', '127.0.0.8', 'reject', '', 'root', 1, 2, 'a', 1, 1)"
        )
        connection.execute("UPDATE entries SET hits = 2, seq = 2")
        for change in (
            "DELETE FROM entries",
            "UPDATE entries SET value = '127.0.0.1'",
            "UPDATE entries SET ended = NULL",
        ):
            with pytest.raises(psycopg.errors.RaiseException, match="entries"):
                connection.execute(change.encode())


def test_a_server_that_hangs_is_given_up(url: str, postgres: Postgres, database: str) -> None:
    with connect(url) as connection:
        connection.patience = 0.3
        with postgres.hung(database), pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
        assert connection.closed
