"""Two relays and one PostgreSQL: each is whole by itself, and hears of the other at once."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conversation import World
from harness_net import wait_until
from harness_postgres import Postgres
from msgspec.structs import replace
from sqlalchemy import insert
from test_store import record

from monitor import events as ev
from monitor.findings.catalogue import finding
from monitor.hub.search import page, search
from monitor.policy.entry import Draft
from monitor.record import Late, Record
from monitor.store import Store, StoreError
from monitor.store.models import EntryRow
from monitor.store.reading import Reading

BAN = Draft(list="ban", kind="ip", value="127.0.0.9", reason="why")
LATER = "451 4.3.2 Please try again later"

Open = Callable[[str], Store]


@pytest.fixture
def opened(tmp_path: Path, url: str) -> Iterator[Open]:
    """``opened("mx1")``: the store of that relay, opened (again)."""
    stores: dict[str, Store] = {}

    def open_store(name: str) -> Store:
        if name in stores:
            stores.pop(name).close()
        stores[name] = Store(tmp_path / name, url, name)
        return stores[name]

    yield open_store
    for store in stores.values():
        store.close()


@pytest.fixture
def pair(opened: Open) -> tuple[Store, Store]:
    return opened("mx1"), opened("mx2")


def bans(store: Store) -> list[str]:
    return [entry.value for entry in store.entries.in_force()]


def soon(ready: Callable[[], object], seconds: float = 8.0) -> None:
    wait_until(ready, seconds)  # a loaded machine is slow


def synced(*stores: Store) -> None:
    """All that happened there so far is known everywhere, and written."""
    for store in (*stores, *stores):
        store.writer.flush()
        assert store.shared.exchange.settle(10)
        store.writer.flush()


def of(relay: str, number: int, *findings: ev.Finding) -> Record:
    return replace(record(number, *findings), id=f"{relay}-{number}", session=relay, relay=relay)


# Lists


def test_a_ban_at_one_holds_at_the_other_within_a_second(pair: tuple[Store, Store]) -> None:
    one, two = pair
    added = one.settled(one.entries.add(BAN, "root"))
    soon(lambda: bans(two) == ["127.0.0.9"], 1)
    [there] = two.entries.in_force()
    assert (there.id, there.by, there.reason) == (added.id, "root", "why")
    assert added.id > 0
    two.entries.end(there.id, "other")
    assert bans(two) == []
    soon(lambda: bans(one) == [], 1)
    for store in pair:
        soon(lambda store=store: [(e.id, e.ended_by) for e in store.entries.trail(9)] == [
            (added.id, "other")
        ])  # fmt: skip
    with pytest.raises(ValueError, match=f"no entry {added.id} is in force"):
        one.entries.end(added.id, "root")


def test_a_ban_is_in_force_here_before_the_others_know_it(opened: Open) -> None:
    one = opened("mx1")
    added = one.entries.add(BAN, "root")
    assert added.id < 0
    assert bans(one) == ["127.0.0.9"]
    soon(lambda: one.entries.in_force()[0].id > 0)
    one.entries.end(added.id, "root")  # the first id is still understood
    assert bans(one) == []


def test_hits_at_all_relays_add_up(pair: tuple[Store, Store]) -> None:
    one, two = pair
    added = one.settled(one.entries.add(BAN, "root"))
    soon(lambda: bans(two))
    one.entries.count_hits([(added.id, 2)])
    two.entries.count_hits([(added.id, 3)])
    for store in pair:
        soon(lambda store=store: store.entries.in_force()[0].hits == 5)


def test_lists_from_before_are_shared_and_come_back_without(tmp_path: Path, url: str) -> None:
    alone = Store(tmp_path / "mx1")
    alone.entries.add(BAN, "root")
    alone.entries.end(alone.entries.add(Draft(list="ban", kind="helo", value="x"), "root").id, "me")
    alone.close()
    one, two = Store(tmp_path / "mx1", url, "mx1"), Store(tmp_path / "mx2", url, "mx2")
    soon(lambda: bans(two) == ["127.0.0.9"])
    two.entries.end(two.entries.in_force()[0].id, "two")
    soon(lambda: bans(one) == [])
    one.close()
    two.close()
    alone = Store(tmp_path / "mx1")
    assert bans(alone) == []
    alone.close()


# Memory


def test_memory_is_one(pair: tuple[Store, Store]) -> None:
    one, two = pair
    now = time.time()
    one.memory.put("retry", "a", b"1", now + 1_000)
    soon(lambda: two.memory.get("retry", "a") == b"1")
    two.memory.put("retry", "a", b"2", now + 1_000)
    soon(lambda: one.memory.get("retry", "a") == b"2")
    one.memory.drop("retry", "a")
    soon(lambda: two.memory.get("retry", "a") is None)


def test_the_later_change_wins_whatever_the_clocks_say(pair: tuple[Store, Store]) -> None:
    one, two = pair
    one.shared.telling._outbox._clock = lambda: time.time() + 3_600
    one.memory.put("retry", "a", b"fast clock", time.time() + 9_000)
    soon(lambda: two.memory.get("retry", "a"))
    two.memory.put("retry", "a", b"later", time.time() + 9_000)
    soon(lambda: one.memory.get("retry", "a") == b"later")


def test_what_is_due_is_told_by_its_own_relay_and_by_another_much_later(
    pair: tuple[Store, Store],
) -> None:
    one, two = pair
    now = time.time()
    one.memory.put("retry", "a", b"1", now + 9_000, due=now)
    soon(lambda: two.memory.get("retry", "a"))
    for store in pair:
        store.writer.flush()
    assert [key for key, _ in one.memory.due("retry", now, 9)] == ["a"]
    assert two.memory.due("retry", now + 299, 9) == []
    assert [key for key, _ in two.memory.due("retry", now + 601, 9)] == ["a"]


def test_a_sender_that_rotates_between_relays_is_seen_as_one(pair: tuple[Store, Store]) -> None:
    worlds = [
        World(store.memory, name=f"{name}.here.example", at=time.time())
        for store, name in zip(pair, ("mx1", "mx2"), strict=True)
    ]
    now = time.time()
    for turn, host in enumerate(("192.0.2.1", "198.51.100.1", "203.0.113.1", "192.0.3.1")):
        world = worlds[turn % 2]
        world.now = now + turn * 2_000
        world.attempt(host, LATER, spf="sender.example", relay=world.settings.name)
        for store in (pair[turn % 2], pair[1 - turn % 2]):
            assert store.shared.exchange.settle(10)
    assert [found.severity for found in worlds[0].found("retry.host-rotation")] == ["notice"]
    severities = [found.severity for found in worlds[1].found("retry.host-rotation")]
    assert severities == ["notice", "warning"]


def test_a_sender_that_gave_up_is_told_once(pair: tuple[Store, Store]) -> None:
    start = time.time()
    one, two = (
        World(store.memory, name=f"{name}.here.example", at=start, retry={"no_retry": 600})
        for store, name in zip(pair, ("mx1", "mx2"), strict=True)
    )
    one.attempt(reply=LATER)
    for minute in range(25):
        for store in (*pair, pair[0]) if minute % 2 == 0 else ():
            assert store.shared.exchange.settle(10)
            store.writer.flush()
        for world in (two, one):
            world.now = start + minute * 60
            world.tick()
    assert one.severity("retry.gave-up") == "error"
    assert two.codes("retry.gave-up") == []


def test_a_greylist_pass_at_one_is_known_at_the_other(pair: tuple[Store, Store]) -> None:
    one, two = (World(store.memory, at=time.time()) for store in pair)
    assert "greylist.deferred" in [f.code for f in one.attempt()]
    one.wait(120)
    assert "greylist.passed" in [f.code for f in one.attempt()]
    synced(*pair)
    two.now = one.now + 60
    assert "greylist.known" in [f.code for f in two.attempt()]


# History


def test_history_of_all_or_of_one(pair: tuple[Store, Store], tmp_path: Path, url: str) -> None:
    one, two = pair
    for number in range(3):
        one.history.add(of("mx1", number, finding("tls.none")))
        two.history.add(of("mx2", number))
    one.history.add_transcript("mx1", 2.0, [ev.Closed(session="mx1", at=2.0, how="quit")])
    synced(one)
    two.history.add_late(Late(id="mx1", about="mx1-1", findings=(finding("retry.gave-up"),)))
    synced(two)
    for store in pair:
        found = search(store.past, limit=10)
        assert len({each.id for each in found}) == 6
        assert [r.id for r in search(store.past, limit=9, query="relay:mx2")] == [
            "mx2-2", "mx2-1", "mx2-0",
        ]  # fmt: skip
        assert [r.id for r in search(store.past, limit=9, query="finding:retry.gave-up")] == [
            "mx1-1"
        ]
        first = page(store.past, limit=4, order="severity")
        rest = page(store.past, limit=4, order="severity", past=first.reached)
        assert len(first.records) + len(rest.records) == 6
        assert store.past.transcript("mx1")
    reading = Reading(tmp_path / "mx2", url)
    assert len(list(reading.records(0))) == 6
    reading.close()


def test_what_is_found_late_may_be_there_before_its_record(pair: tuple[Store, Store]) -> None:
    one, two = pair
    two.history.add_late(Late(id="mx1", about="mx1-1", findings=(finding("retry.gave-up"),)))
    synced(two)
    one.history.add(of("mx1", 1, finding("tls.none")))
    synced(one)
    for query in ("finding:retry.gave-up", "finding:tls.none", "sev>=warning"):
        [told] = search(two.past, limit=9, query=query)
        assert [f.code for f in told.findings] == ["tls.none", "retry.gave-up"]


def test_who_watches_hears_of_the_others_records(pair: tuple[Store, Store]) -> None:
    one, two = pair
    heard: list[Record | Late] = []
    one.shared.exchange.on_news = heard.extend
    two.history.add(of("mx2", 1))
    synced(two)
    synced(one)
    one.shared.exchange.watched = lambda: True
    two.history.add(of("mx2", 2, finding("tls.none")))
    one.history.add(of("mx1", 1))
    two.history.add_late(Late(id="mx2", about="mx2-2", findings=(finding("retry.gave-up"),)))
    two.writer.flush()
    soon(lambda: len(heard) == 2)
    assert [getattr(each, "about", each.id) for each in heard] == ["mx2-2", "mx2-2"]


def test_history_from_before_comes_along_once(tmp_path: Path, url: str) -> None:
    alone = Store(tmp_path / "mx1")
    for number in range(1_200):
        alone.history.add(of("mx1", number))
    alone.history.add_late(Late(id="mx1", about="mx1-7", findings=(finding("retry.gave-up"),)))
    alone.close()
    for _ in range(2):
        one = Store(tmp_path / "mx1", url, "mx1")
        soon(lambda one=one: len(search(one.past, limit=2_000)) == 1_200)
        assert len(search(one.past, limit=9, query="finding:retry.gave-up")) == 1
        [told] = search(one.past, limit=9, query="finding:retry.gave-up")
        assert [f.code for f in told.findings] == ["retry.gave-up"]
        one.close()


def test_a_row_that_the_database_does_not_take_keeps_no_other_from_it(opened: Open) -> None:
    one = opened("mx1")
    for number in range(3):
        one.history.add(of("mx1", number))
    one.history.add(replace(of("mx1", 9), id="a\0b"))
    one.history.add(of("mx1", 10))
    synced(one)
    soon(lambda: "1 changes never reached" in " ".join(one.problems))
    assert len(search(one.past, limit=9)) == 4


def test_the_past_is_pruned_everywhere(pair: tuple[Store, Store]) -> None:
    one, two = pair
    now = time.time()
    one.history.add(of("mx1", 1))  # of 1970
    one.history.add_transcript("mx1", 2.0, [ev.Closed(session="mx1", at=2.0, how="quit")])
    one.memory.put("retry", "old", b"1", now - 1_000)
    one.memory.put("retry", "new", b"1", now + 1_000)
    synced(one)
    soon(lambda: two.memory.get("retry", "new"))
    assert len(search(two.past, limit=9)) == 1
    two.prune(now, keep=3_600, remembered=10)
    synced(two)
    assert search(two.past, limit=9) == []
    assert two.past.transcript("mx1") == []
    with one.past.connect() as connection:
        kept = connection.exec_driver_sql("SELECT key FROM memory").scalars().all()
    assert kept == ["new"]


# Without it


def test_without_the_database_each_goes_on_and_catches_up(opened: Open, postgres: Postgres) -> None:
    one, two = opened("mx1"), opened("mx2")
    shared = one.settled(one.entries.add(BAN, "root"))
    soon(lambda: bans(two))
    one.memory.put("retry", "before", b"1", time.time() + 1_000)
    soon(lambda: two.memory.get("retry", "before"))
    postgres.stop()
    try:
        soon(lambda: one.problems and two.problems)
        assert "hush" not in " ".join(one.problems)
        one.entries.add(Draft(list="ban", kind="helo", value="away.test"), "root")
        one.entries.end(shared.id, "root")
        one.memory.put("retry", "away", b"2", time.time() + 1_000)
        one.memory.drop("retry", "before")
        one.history.add(of("mx1", 1))
        started = time.monotonic()
        one.flush()
        assert [r.id for r in search(one.past, limit=9)] == ["mx1-1"]
        assert time.monotonic() - started < 1
        assert bans(two) == ["127.0.0.9"]
        one, two = opened("mx1"), opened("mx2")  # both are started anew, and know what they knew
        assert bans(one) == ["away.test"]
        assert bans(two) == ["127.0.0.9"]
        assert one.memory.get("retry", "away") == b"2"
        assert "changes wait for it" in one.problems[0]
        assert two.memory.get("retry", "before") == b"1"
    finally:
        postgres.start()
    soon(lambda: bans(two) == ["away.test"])
    soon(lambda: two.memory.get("retry", "away") == b"2")
    soon(lambda: two.memory.get("retry", "before") is None)
    soon(lambda: not one.problems and not two.problems)
    soon(lambda: [r.id for r in search(two.past, limit=9)] == ["mx1-1"])


def test_a_database_that_hangs_keeps_nobody_waiting(
    opened: Open, postgres: Postgres, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.store.shared.connection.Timely.patience", 0.5)
    one, two = opened("mx1"), opened("mx2")
    one.history.add(of("mx1", 1))
    synced(one)
    with postgres.hung(database):
        started = time.monotonic()
        one.entries.add(BAN, "root")
        one.memory.put("retry", "a", b"1", time.time() + 1_000)
        one.history.add(of("mx1", 2))
        one.writer.flush()
        assert bans(one) == ["127.0.0.9"]
        assert time.monotonic() - started < 0.2
        assert len(search(one.past, limit=9)) == 2  # its own
        soon(lambda: one.problems)
    soon(lambda: bans(two) == ["127.0.0.9"])
    soon(lambda: two.memory.get("retry", "a") == b"1")


def test_a_copy_of_a_state_folder_is_no_other_relay(opened: Open, tmp_path: Path, url: str) -> None:
    opened("mx1")
    shutil.copytree(tmp_path / "mx1", tmp_path / "copy")
    copy = Store(tmp_path / "copy", url, "mx2")
    assert "another relay uses a copy of this state folder" in copy.problems[0]
    copy.close()


def test_an_empty_database_in_its_place_gets_the_lists_again(
    opened: Open, postgres: Postgres, database: str, url: str
) -> None:
    one, two = opened("mx1"), opened("mx2")
    one.entries.add(BAN, "root")
    two.entries.add(Draft(list="ban", kind="helo", value="x.test"), "root")
    soon(lambda: len(bans(one)) == len(bans(two)) == 2)
    with postgres.connect("postgres") as making:
        making.execute(f"DROP DATABASE {database} WITH (FORCE)".encode())
        making.execute(f"CREATE DATABASE {database}".encode())
    for store in (one, two):
        soon(lambda store=store: sorted(bans(store)) == ["127.0.0.9", "x.test"])
    soon(lambda: {e.id > 0 for s in (one, two) for e in s.entries.in_force()} == {True})


def test_a_database_that_was_set_back_gets_the_rest_again(
    opened: Open, postgres: Postgres, database: str
) -> None:
    one, two = opened("mx1"), opened("mx2")
    one.history.add(of("mx1", 1))
    first = one.settled(one.entries.add(BAN, "root"))
    synced(one)
    soon(lambda: bans(two))
    with postgres.connect(database) as restored:
        tables = ("transactions", "records", "entries", "relays", "memory")
        for table in tables:
            restored.execute(f"CREATE TABLE old_{table} AS TABLE {table}".encode())
        two.entries.end(first.id, "two")
        two.entries.add(Draft(list="ban", kind="helo", value="later.test"), "two")
        one.history.add(of("mx1", 2))
        synced(one)
        synced(two)
        soon(lambda: bans(one) == ["later.test"])
        with restored.transaction():
            restored.execute("SELECT setval('changes', (SELECT max(seq) FROM old_entries))")
            restored.execute(f"TRUNCATE {', '.join(tables)}".encode())
            restored.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            for table in tables:
                how = "OVERRIDING SYSTEM VALUE" if table in ("transactions", "entries") else ""
                restored.execute(f"INSERT INTO {table} {how} TABLE old_{table}".encode())
            restored.execute("ALTER TABLE entries ALTER COLUMN id RESTART WITH 2")
    for store in (one, two):
        soon(lambda store=store: bans(store) == ["later.test"] and not store.problems)
    soon(lambda: [r.id for r in search(two.past, limit=9)] == ["mx1-2", "mx1-1"])


def test_without_its_driver_the_setting_says_so(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "monitor.store.shared")
    with pytest.raises(StoreError, match=r"pip install 'mxtap\[postgresql\]'"):
        Store(tmp_path / "mx1", url, "mx1")


def test_a_database_that_was_upgraded_is_left_alone(
    opened: Open, postgres: Postgres, database: str, tmp_path: Path, url: str
) -> None:
    one = opened("mx1")
    with postgres.connect(database) as newer:
        newer.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
        newer.execute("NOTIFY mxtap, 'schema'")
        soon(lambda: "newer mxtap" in " ".join(one.problems))
        one.entries.add(BAN, "root")
        assert bans(one) == ["127.0.0.9"]
        with pytest.raises(StoreError, match="newer mxtap"):
            Store(tmp_path / "mx2", url, "mx2")
        assert newer.execute("SELECT count(*) FROM entries").fetchone() == (0,)


def test_many_entries_and_values_come_along_at_once(tmp_path: Path, opened: Open) -> None:
    alone = Store(tmp_path / "mx1")
    rows = [
        {"list": "ban", "kind": "helo", "value": f"x{n}.test", "action": "reject", "reason": "",
         "by": "root", "created": 1.0, "hits": 0}
        for n in range(4_500)
    ]  # fmt: skip
    with alone._engine.begin() as connection:
        connection.execute(insert(EntryRow), rows)
    alone.close()
    one, two = opened("mx1"), opened("mx2")
    for n in range(4_500):
        one.memory.put("retry", str(n), b"x", time.time() + 1_000)
    soon(lambda: len(bans(two)) == 4_500)
    soon(lambda: two.memory.get("retry", "4499"))
