"""The store: durable lists, history written behind, memory that reads its own writes."""

from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from monitor import events as ev
from monitor.findings.catalogue import finding
from monitor.hub.search import search
from monitor.policy.entry import Draft
from monitor.record import Client, Late, Message, Recipient, Record, moment
from monitor.store import Store, StoreError
from monitor.store.database import FILE
from monitor.store.writer import TOGETHER

BAN = Draft(list="ban", kind="ip", value="127.0.0.9", reason="why", lifetime=60)


def record(number: int, *findings: ev.Finding) -> Record:
    return Record(
        id=f"s-{number}",
        session="s",
        started=moment(1000 + number),
        ended=moment(1000.5 + number),
        relay="relay.test",
        client=Client(ip="192.0.2.7", port=25, helo="client.test"),
        mail_from="a@client.test",
        rcpts=(Recipient("b@home.test", 250, "ok"),),
        message=Message(size=10, from_="a@client.test", subject="\\udcff hostile"),
        verdict=ev.Verdict(code=250, reply="ok", phase="eod", by="upstream"),
        findings=findings,
    )


def test_a_ban_is_there_after_a_crash(tmp_path: Path) -> None:
    store = Store(tmp_path)
    added = store.entries.add(BAN, "root")
    # No close: another process sees it already.
    assert [e.id for e in Store(tmp_path).entries.in_force()] == [added.id]
    ended = store.entries.end(added.id, "root")
    assert ended.ended is not None
    assert Store(tmp_path).entries.in_force() == []
    with pytest.raises(ValueError, match="no entry"):
        store.entries.end(added.id, "root")


def test_history_comes_back_newest_first_with_late_findings(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in range(3):
        store.history.add(record(number, finding("tls.none")))
    late = finding("retry.gave-up", severity="error")
    store.history.add_late(Late(id="s", about="s-1", findings=(late,)))
    assert store.writer.flush()
    found = search(store.history, limit=10)
    assert [r.id for r in found] == ["s-2", "s-1", "s-0"]
    assert [f.code for f in found[1].findings] == ["tls.none", "retry.gave-up"]
    assert [r.id for r in search(store.history, limit=10, before=1001.5)] == ["s-0"]
    assert [r.id for r in search(store.history, limit=1)] == ["s-2"]
    store.history.prune(1001.6)
    assert [r.id for r in search(store.history, limit=10)] == ["s-2"]


@pytest.mark.parametrize("count", [1, TOGETHER - 1, TOGETHER, 2 * TOGETHER + 3])
def test_each_row_of_a_batch_is_written_once_and_in_order(tmp_path: Path, count: int) -> None:
    store = Store(tmp_path)
    for number in range(count):
        store.history.add(record(number))
        store.history.add(record(number))  # as one that came back in a batch that failed once
        event = ev.Command(session=f"t{number}", at=1.0, text=str(number))
        store.history.add_transcript(f"t{number}", 2.0, [event])
        store.memory.put("retry", str(number % 7), b"%d" % number, 1e9)
    assert store.writer.flush()
    wanted = [f"s-{number}" for number in reversed(range(count))]
    assert [r.id for r in search(store.history, limit=1000)] == wanted
    for number in range(count):
        [found] = store.history.transcript(f"t{number}")
        assert found.text == str(number)
    store.close()
    again = Store(tmp_path)
    last = {str(number % 7): b"%d" % number for number in range(count)}
    assert dict(again.memory.newest("retry", 1000)) == last


def test_a_transcript_comes_back_as_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path)
    events: list[ev.AnyEvent] = [
        ev.Command(session="s", at=1.0, text="EHLO \\x1b"),
        ev.Closed(session="s", at=2.0, how="quit"),
    ]
    store.history.add_transcript("s", 2.0, events)
    store.writer.flush()
    assert store.history.transcript("s") == events
    assert store.history.transcript("unknown") == []


def test_memory_reads_its_writes_and_outlives_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.memory.put("retry", "a", b"1", 100)
    store.memory.put("retry", "b", b"2", 200)
    store.memory.drop("retry", "a")
    store.memory.put("retry", "a", b"3", 150)
    store.memory.drop("retry", "b")
    assert store.memory.get("retry", "a") == b"3"
    assert store.memory.get("retry", "b") is None
    store.close()
    again = Store(tmp_path)
    assert again.memory.get("retry", "a") == b"3"
    assert list(again.memory.newest("retry", 9)) == [("a", b"3")]
    again.memory.expire(151)
    assert list(again.memory.newest("retry", 9)) == []


def test_of_a_kind_with_few_values_the_database_is_not_asked(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.memory.put("retry", "old", b"1", 100)
    store.close()
    again = Store(tmp_path)
    again.memory.put("retry", "waits", b"2", 100)
    assert again.memory.get("retry", "new") is None
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("DELETE FROM memory")
    assert again.memory.get("retry", "old") == b"1"
    assert again.memory.get("retry", "waits") == b"2"
    again.close()


def test_of_a_kind_with_many_values_each_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.store.memory.CACHED", 3)
    store = Store(tmp_path)
    assert store.memory.get("retry", "5") is None
    for number in range(6):
        store.memory.put("retry", str(number), b"x", 100)
    store.writer.flush()
    assert [store.memory.get("retry", str(number)) for number in range(7)] == [b"x"] * 6 + [None]
    store.close()
    monkeypatch.setattr("monitor.store.memory._LOAD", "SELECT key, value FROM memory WHERE kind=?")
    monkeypatch.setattr("monitor.store.memory.LOADED", 5)
    again = Store(tmp_path)
    assert [again.memory.get("retry", str(number)) for number in range(7)] == [b"x"] * 6 + [None]
    again.close()


def test_memory_is_bounded_and_forgets_what_expires_the_soonest(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in range(10):
        store.memory.put("retry", str(number), b"x", 1_000 + number)
        store.memory.put("greylist", str(number), b"x", 1_000 + number)
    store.writer.flush()
    store.memory.expire(1_000.5, remembered=4)
    assert [key for key, _ in store.memory.newest("retry", 99)] == ["9", "8", "7", "6"]
    assert len(store.memory.newest("greylist", 99)) == 4
    store.close()
    again = Store(tmp_path)
    assert again.memory.get("retry", "5") is None
    assert again.memory.get("retry", "6") == b"x"
    again.close()


def test_the_writer_does_what_is_asked_of_it_soon(tmp_path: Path) -> None:
    store, done = Store(tmp_path), threading.Event()
    store.writer.soon(done.set)
    assert done.wait(10)
    store.close()


def test_who_flushes_waits_for_the_batch_that_is_being_written(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    store = Store(tmp_path)
    begun, go_on = threading.Event(), threading.Event()

    def slow(*_: object) -> None:
        begun.set()
        assert go_on.wait(10)

    store.history.add(record(1))
    mocker.patch.object(store.writer, "_execute", side_effect=slow)
    first = threading.Thread(target=store.writer.flush)
    first.start()
    assert begun.wait(10)
    second = threading.Thread(target=store.writer.flush)
    second.start()
    second.join(0.1)
    assert second.is_alive()
    go_on.set()
    first.join(10)
    second.join(10)
    assert not second.is_alive()
    store.close()


def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    state = tmp_path / "state"
    Store(state)
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert stat.S_IMODE((state / FILE).stat().st_mode) == 0o600


def test_a_database_of_a_newer_version_or_another_program_is_refused(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    with pytest.raises(StoreError, match="newer mxtap"):
        Store(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    with sqlite3.connect(other / FILE) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StoreError, match="another program"):
        Store(other)


@pytest.mark.parametrize(
    "damage", [b"no database at all" * 1_000, b"\0" * 5_000], ids=["all", "header"]
)
def test_a_damaged_database_is_put_aside_and_told(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path)
    assert store.problems == []
    store.close()
    with (tmp_path / FILE).open("r+b") as file:
        file.write(damage)
    store = Store(tmp_path)
    store.history.add(record(1))
    assert store.writer.flush()
    store.close()
    [kept] = tmp_path.glob(f"{FILE}.damaged-*")
    assert kept.read_bytes().startswith(damage)
    assert kept.name in store.problems[0]
    assert kept.name in caplog.text
    again = Store(tmp_path)
    assert again.problems == store.problems
    again.close()


def test_a_lost_table_costs_history_only_and_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("DROP TABLE transactions")
    store.history.add(record(1))
    assert not store.writer.flush()
    assert "history is not written" in store.writer.problem
