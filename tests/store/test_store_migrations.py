"""A database of a past version comes along whole, or stays as it was; a backup is made first."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from pathlib import Path

import pytest

from monitor.hub.search import search
from monitor.policy.entry import Draft
from monitor.store import Store, StoreError, database, migrations
from monitor.store.database import FILE

FIXTURES = Path(__file__).parent.parent / "fixtures" / "store"
BACKUP = f"{FILE}.schema-1.backup"
BAN = Draft(list="ban", kind="ip", value="127.0.0.8")


def run(path: Path, script: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        if ";" in script:
            connection.executescript(script)
            return []
        found = connection.execute(script).fetchall()
        connection.commit()
        return found


def form(path: Path) -> set[str]:
    """Every table, index and trigger, whatever the white space."""
    return {" ".join(str(sql).split()) for (sql,) in run(path, "SELECT sql FROM sqlite_master")}


def version_1(state: Path) -> Path:
    state.mkdir(exist_ok=True)
    run(state / FILE, (FIXTURES / "version-1.sql").read_text())
    return state / FILE


def test_every_past_version_has_a_fixture_and_a_step() -> None:
    past = range(1, migrations.SCHEMA)
    assert sorted(migrations.STEPS) == list(past)
    assert {f"version-{n}.sql" for n in past} <= {path.name for path in FIXTURES.iterdir()}


@pytest.mark.parametrize("fixture", sorted(FIXTURES.iterdir()), ids=lambda path: path.stem)
def test_a_past_version_comes_along_whole(tmp_path: Path, fixture: Path) -> None:
    run(tmp_path / FILE, fixture.read_text())
    store = Store(tmp_path)
    [ban] = store.entries.in_force()
    assert (ban.value, ban.by, ban.hits) == ("127.0.0.9", "root", 3)
    first, second = search(store.history, limit=10, query="relay:relay.test")
    assert [f.code for f in first.findings] == ["tls.none", "retry.gave-up"]
    assert second.message is not None
    assert store.memory.get("retry", "a") == b"1"
    assert store.history.transcript("s")
    store.close()
    Store(tmp_path / "new").close()
    assert form(tmp_path / FILE) == form(tmp_path / "new" / FILE)


def test_a_backup_is_made_first_and_holds_what_the_wal_still_had(tmp_path: Path) -> None:
    path = version_1(tmp_path)
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("UPDATE entries SET reason = 'in the WAL' WHERE id = 1")
        other.commit()
        Store(tmp_path).close()
    backup = tmp_path / BACKUP
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert run(backup, "SELECT value FROM meta WHERE key = 'schema'") == [("1",)]
    assert run(backup, "SELECT reason FROM entries WHERE id = 1") == [("in the WAL",)]
    backup.unlink()
    Store(tmp_path).close()
    assert not backup.exists(), "nothing is left to upgrade"


def test_a_step_that_fails_leaves_the_old_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = version_1(tmp_path)
    before = form(path)
    steps = ("CREATE INDEX half ON entries (list)", "DELETE FROM entries", "NONSENSE")
    monkeypatch.setitem(migrations.STEPS, 1, steps)
    with pytest.raises(StoreError, match=r"NONSENSE.* as it was, its backup .*schema-1.backup"):
        Store(tmp_path)
    assert form(path) == before
    assert run(path, "SELECT count(*) FROM entries") == [(2,)]
    assert run(path, "SELECT value FROM meta WHERE key = 'schema'") == [("1",)]
    monkeypatch.undo()
    Store(tmp_path).close()
    assert run(path, "SELECT value FROM meta WHERE key = 'schema'") == [(str(database.SCHEMA),)]


def test_without_a_backup_there_is_no_upgrade(tmp_path: Path) -> None:
    path = version_1(tmp_path)
    (tmp_path / BACKUP).mkdir()
    with pytest.raises(StoreError, match="no backup could be made"):
        Store(tmp_path)
    assert run(path, "SELECT value FROM meta WHERE key = 'schema'") == [("1",)]
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM entries",
        "UPDATE entries SET \"by\" = 'nobody'",
        "UPDATE entries SET value = '127.0.0.1'",
        "UPDATE entries SET ended = NULL, ended_by = NULL",
    ],
)
def test_entries_are_an_audit_trail_that_cannot_be_rewritten(tmp_path: Path, change: str) -> None:
    store = Store(tmp_path)
    added = store.entries.add(BAN, "root")
    store.entries.end(added.id, "mail")
    store.entries.count_hits([(added.id, 2)])
    store.close()
    with pytest.raises(sqlite3.IntegrityError, match="entries"):
        run(tmp_path / FILE, change)
