"""The control socket: private, bounded, shared by several, and it survives a restart."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import stat
import sys
import tempfile
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from monitor import events as ev
from monitor.capture.file import save
from monitor.control.client import SocketFeed
from monitor.control.feed import FeedError
from monitor.control.offline import StoreFeed, open_feed
from monitor.control.protocol import Link, ListsUpdate, RecordUpdate, Request, Status
from monitor.control.requests import AT_ONCE, Requests, Study
from monitor.control.server import SOCKET, ControlError, ControlServer
from monitor.control.visitor import MAX_WAITING
from monitor.control.who import user
from monitor.hub import Hub
from monitor.hub.search import search
from monitor.insight.questions import LetterTo, Question, StudyError
from monitor.policy.entry import Draft
from monitor.record import Record
from monitor.store import Store

BAN = Draft(list="ban", kind="ip", value="127.0.0.9")


def transaction(hub: Hub, number: int, *said: ev.AnyEvent) -> None:
    s: dict[str, Any] = {"session": f"s{number}", "at": 1000.0 + number}
    verdict = ev.Verdict(code=250, reply="ok", phase="eod", by="upstream")
    tx = f"s{number}-1"
    address = {"ip": "192.0.2.7", "port": 1, "local_ip": "192.0.2.1", "local_port": 25}
    hub.emit(ev.Opened(**s, relay="r", **address))
    hub.emit(
        ev.Mail(**s, transaction=tx, address="a@client.test", code=250, reply="", by="upstream")
    )
    for event in said:
        hub.emit(event)
    hub.emit(ev.Ended(**s, transaction=tx, verdict=verdict))
    hub.emit(ev.Closed(**s, how="quit"))


@asynccontextmanager
async def serving(state: Path, study: Study | None = None) -> AsyncIterator[Hub]:
    store = Store(state)
    hub = Hub(store)

    async def history(**query: Any) -> list[Record]:
        store.writer.flush()
        return search(store.history, **query)

    status = Status(relay="r", version="", started=0, now=0)
    server = ControlServer(hub, lambda: status, history, study, {"name": "r"})
    await server.start(state)
    try:
        yield hub
    finally:
        await server.stop()
        store.close()


async def until(feed: SocketFeed, wanted: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(5):
        async for update in feed.updates():
            if wanted(update):
                return update
    raise AssertionError("the feed ended")


async def test_the_socket_is_the_owners_alone_and_one_relays(tmp_path: Path) -> None:
    async with serving(tmp_path) as hub:
        assert stat.S_IMODE((tmp_path / SOCKET).stat().st_mode) == 0o600
        with pytest.raises(ControlError, match="in use"):
            await ControlServer(hub, lambda: None, None).start(tmp_path)  # type: ignore


async def test_several_clients_hear_records_and_list_changes(tmp_path: Path) -> None:
    async with serving(tmp_path) as hub:
        feeds = [SocketFeed(tmp_path), SocketFeed(tmp_path)]
        for feed in feeds:
            await feed.start()
        transaction(hub, 1)
        entry = await feeds[0].add(BAN)
        assert entry.by
        for feed in feeds:
            record = await until(feed, lambda u: isinstance(u, RecordUpdate))
            assert record.record.id == "s1-1"
            lists = await until(feed, lambda u: isinstance(u, ListsUpdate))
            assert [e.id for e in lists.entries] == [entry.id]
        assert [r.id for r in await feeds[1].history()] == ["s1-1"]
        assert isinstance((await feeds[1].transcript("s1"))[0], ev.Opened)
        assert (await feeds[1].end(entry.id)).ended is not None
        for feed in feeds:
            await feed.close()


async def test_evidence_has_the_octets_that_were_captured(tmp_path: Path) -> None:
    said = ev.Content(session="s1", at=1001.0, transaction="s1-1", size=5, sha256="0")
    octets = ev.Body(session="s1", at=1001.0, transaction="s1-1", offset=0, data=b"hello")
    (tmp_path / "captures").mkdir()
    save(tmp_path / "captures" / "19700101T000000Z.mxtap", [said, octets])

    async def check(feed: SocketFeed | StoreFeed, rules: dict[str, str]) -> None:
        events = await feed.evidence("s1")
        assert octets in events
        assert [event for event in events if event != octets] == await feed.transcript("s1")
        assert await feed.rules() == rules
        await feed.close()

    async with serving(tmp_path) as hub:
        transaction(hub, 1, said)
        feed = SocketFeed(tmp_path)
        await feed.start()
        await check(feed, {"name": "r"})
    await check(StoreFeed(tmp_path), {})


async def test_history_comes_in_pages_from_a_running_relay_and_a_stopped_one(
    tmp_path: Path,
) -> None:
    async def check(feed: SocketFeed | StoreFeed) -> None:
        first = await feed.page(limit=2, query="code:250")
        assert [r.id for r in first.records] == ["s5-1", "s4-1"]
        more = await feed.page(limit=2, query="code:250", past=first.reached)
        assert [r.id for r in more.records] == ["s3-1", "s2-1"]
        oldest = await feed.page(limit=9, order="ip", backward=False)
        assert [r.id for r in oldest.records] == [f"s{n}-1" for n in range(1, 6)]
        assert oldest.reached is None
        with pytest.raises(FeedError, match="at character"):
            await feed.page(limit=2, query="((")
        await feed.close()

    async with serving(tmp_path) as hub:
        for number in range(1, 6):
            transaction(hub, number)
        feed = SocketFeed(tmp_path)
        await feed.start()
        with pytest.raises(FeedError, match="Invalid enum value 'size'"):
            await feed.page(limit=2, order="size")  # type: ignore[arg-type]
        await check(feed)
    await check(StoreFeed(tmp_path))


async def test_errors_are_sentences_and_the_connection_lives_on(tmp_path: Path) -> None:
    async with serving(tmp_path):
        feed = SocketFeed(tmp_path)
        await feed.start()
        with pytest.raises(FeedError, match="is not an IP address"):
            await feed.add(Draft(list="ban", kind="ip", value="nonsense"))
        with pytest.raises(FeedError, match="at character"):
            await feed.history(query="((")
        with pytest.raises(FeedError, match="unknown request"):
            await feed._call("explode")
        with pytest.raises(FeedError, match="no entry"):
            await feed.end(99)
        assert await feed.lists() == []
        await feed.close()


async def test_garbage_and_endless_lines_cost_their_own_connection_only(tmp_path: Path) -> None:
    async with serving(tmp_path):
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / SOCKET))
        writer.write(b"garbage\n")
        assert b"not a request" in await reader.readline()
        writer.write(b"x" * 1_000_000)
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(5):
                assert await reader.read() == b""
        feed = SocketFeed(tmp_path)
        await feed.start()
        await feed.close()


async def test_a_client_that_never_reads_costs_no_memory(tmp_path: Path) -> None:
    async with serving(tmp_path) as hub:
        _, writer = await asyncio.open_unix_connection(str(tmp_path / SOCKET), limit=1)
        writer.write(b'{"id":1,"do":"subscribe"}\n')
        server = hub.listeners[0].__self__  # type: ignore[attr-defined]
        async with asyncio.timeout(5):
            while not any(c.subscribed for c in server._clients):
                await asyncio.sleep(0)
        (client,) = server._clients
        client.answer(b"y" * MAX_WAITING)  # what was asked for displaces no update
        size = 100_000
        for _ in range(MAX_WAITING // size + 50):
            client.offer(b"x" * size)
        updates = sum(len(line) for line, _ in client._queue if line.startswith(b"x"))
        assert MAX_WAITING - size < updates <= MAX_WAITING
        assert client._missed == 50
        writer.close()


async def test_what_was_read_makes_room_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as hub:
        feed = SocketFeed(tmp_path)
        await feed.start()
        server = hub.listeners[0].__self__  # type: ignore[attr-defined]
        (client,) = server._clients
        for _ in range(3):
            for _ in range(10):
                client.offer(b'{"type":"missed","count":1,"pad":"%s"}\n' % (b"x" * 100_000))
            async with asyncio.timeout(5):
                while client._queue:
                    await asyncio.sleep(0)
        assert client._waiting == client._missed == 0
        await feed.close()


async def test_who_asks_and_never_reads_is_heard_no_further(tmp_path: Path) -> None:
    asked = 0

    async with serving(tmp_path) as hub:
        server = hub.listeners[0].__self__  # type: ignore[attr-defined]

        def status() -> str:
            nonlocal asked
            asked += 1
            return "x" * 300_000

        server._status = status
        _, writer = await asyncio.open_unix_connection(str(tmp_path / SOCKET), limit=1)
        writer.write(b'{"id":1,"do":"status"}\n' * 2_000)
        async with asyncio.timeout(5):
            while not asked:
                await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0.001)
        assert asked < 10
        writer.close()
        async with asyncio.timeout(5):
            while server._clients:
                await asyncio.sleep(0)


async def test_who_goes_without_its_answers_leaves_none(tmp_path: Path) -> None:
    """Nor do they wait for the collector: that counts objects, and not how large they are."""
    size = 1_000_000
    async with serving(tmp_path) as hub:
        server = hub.listeners[0].__self__  # type: ignore[attr-defined]
        server._requests._status = lambda: "x" * size
        gc.collect()
        gc.disable()
        tracemalloc.start()
        try:
            for _ in range(5):
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(str(tmp_path / SOCKET))
                    client.send(b'{"id":1,"do":"status"}\n' * 10)
                    async with asyncio.timeout(5):
                        while not any(c._queue or c.answered.is_set() for c in server._clients):
                            await asyncio.sleep(0)
                        for _ in range(20):
                            await asyncio.sleep(0)
                async with asyncio.timeout(5):
                    while server._clients:
                        await asyncio.sleep(0)
            assert tracemalloc.get_traced_memory()[0] < size
        finally:
            tracemalloc.stop()
            gc.enable()


async def test_who_goes_before_he_is_answered_is_let_go(tmp_path: Path) -> None:
    """His sender ends by an update that it cannot write; the answer comes after that."""
    async with serving(tmp_path) as hub:
        server = hub.listeners[0].__self__  # type: ignore[attr-defined]
        asked, known = asyncio.Event(), asyncio.Event()

        async def history(**_: object) -> list[Record]:
            asked.set()
            await known.wait()
            return []

        server._requests._history = history
        async with asyncio.timeout(5):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(tmp_path / SOCKET))
                client.send(b'{"id":1,"do":"subscribe"}\n{"id":2,"do":"history"}\n')
                await asked.wait()
                (visitor,) = server._clients
            while not visitor.gone:
                visitor.offer(b"{}\n")
                await asyncio.sleep(0)
            known.set()
            while server._clients:
                await asyncio.sleep(0)
        visitor.offer(b"{}\n")
        assert not visitor._queue


async def test_after_a_restart_the_feed_catches_up_without_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.control.client.RETRY", 0.01)
    feed = SocketFeed(tmp_path)
    async with serving(tmp_path) as hub:
        await feed.start()
        transaction(hub, 1)
        await until(feed, lambda u: isinstance(u, RecordUpdate))
        await feed._call("lists")
    async with serving(tmp_path) as hub:
        transaction(hub, 2)
        heard: list[Any] = []
        async with asyncio.timeout(5):
            async for update in feed.updates():
                heard.append(update)
                if isinstance(update, RecordUpdate):
                    break
        assert [u.up for u in heard if isinstance(u, Link)] == [False, True]
        assert heard[-1].record.id == "s2-1"
        await feed.close()


async def test_a_stopped_relay_answers_from_its_store(tmp_path: Path) -> None:
    feed = await open_feed(tmp_path)
    assert isinstance(feed, StoreFeed)
    entry = await feed.add(BAN)
    assert [e.id for e in await feed.lists()] == [entry.id]
    await feed.close()
    async with serving(tmp_path):
        running = await open_feed(tmp_path)
        assert isinstance(running, SocketFeed)
        assert [e.id for e in await running.lists()] == [entry.id]
        await running.close()


async def test_every_change_has_its_user_whatever_a_process_says_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "monitor")
    me = user(os.getuid())
    for name in ("LOGNAME", "USER"):
        monkeypatch.setenv(name, "somebody-else")
    stopped = await open_feed(tmp_path)
    first = await stopped.add(BAN)
    await stopped.close()
    async with serving(tmp_path):
        running = await open_feed(tmp_path)
        await running.end(first.id)
        second = await running.add(BAN)
        trail = await running.trail()
        await running.close()
    assert [(e.id, e.by, e.ended_by) for e in trail] == [(first.id, me, me), (second.id, me, "")]
    stopped = await open_feed(tmp_path)
    assert await stopped.trail() == trail
    await stopped.close()
    assert [r.getMessage() for r in caplog.records] == [
        f"{me} ended entry {first.id}: ban ip 127.0.0.9 (reject)",
        f"{me} added entry {second.id}: ban ip 127.0.0.9 (reject)",
    ]


def test_a_user_without_a_name_is_a_number() -> None:
    assert user(0) == "root"
    assert user(4_000_000_000) == "uid 4000000000"


ASK_AS = """
import os, socket, sys
os.setuid(int(sys.argv[1]))
with socket.socket(socket.AF_UNIX) as sock:
    sock.connect(sys.argv[2])
    sock.settimeout(10)
    try:
        sock.send(b'{"id":1,"do":"status"}\\n')
        print(sock.recv(100).decode())
    except ConnectionError:
        pass
"""


@pytest.mark.parametrize(("uid", "heard"), [(0, True), (65534, False)])
async def test_other_users_are_refused_even_where_the_file_lets_them_in(
    require: Callable[[object, str], None], uid: int, heard: bool
) -> None:
    require(os.geteuid() == 0, "only root can become another")
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        async with serving(state):
            os.chmod(state, 0o755)
            os.chmod(state / SOCKET, 0o666)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", ASK_AS, str(uid), str(state / SOCKET)),
                stdout=asyncio.subprocess.PIPE,
            )
            told, _ = await process.communicate()
    assert process.returncode == 0
    assert (b'"relay"' in told) is heard


async def test_a_study_holds_up_nothing_and_another_ends_it(tmp_path: Path) -> None:
    begun: list[str] = []
    ended: list[str] = []

    async def study(question: Question) -> object:
        assert isinstance(question, LetterTo)
        begun.append(question.sender)
        try:
            await asyncio.sleep(0 if question.sender == "quick" else 60)
        except asyncio.CancelledError:
            ended.append(question.sender)
            raise
        if not question.since:
            raise StudyError("nothing is known")
        return [question.sender]

    async with serving(tmp_path, study):
        feed = SocketFeed(tmp_path)
        await feed.start()
        slow = asyncio.create_task(feed.study(LetterTo(sender="slow"), list))
        async with asyncio.timeout(5):
            assert await feed.lists() == []
            assert await feed.study(LetterTo(sender="quick", since=1.0), list) == ["quick"]
            with pytest.raises(FeedError, match="another was asked"):
                await slow
            with pytest.raises(FeedError, match="nothing is known"):
                await feed.study(LetterTo(sender="quick"), list)
            left = asyncio.create_task(feed.study(LetterTo(sender="left"), list))
            while begun[-1] != "left":
                await asyncio.sleep(0.001)
            await feed.close()
            while ended != ["slow", "left"]:
                await asyncio.sleep(0.001)
        left.cancel()


async def test_few_look_at_the_past_at_once(tmp_path: Path) -> None:
    """Each has up to MAX_HISTORY records in memory, and a thread that the mail may want."""
    looking = most = 0

    async def history(**_: Any) -> list[Record]:
        nonlocal looking, most
        looking += 1
        most = max(most, looking)
        await asyncio.sleep(0)
        looking -= 1
        return []

    with contextlib.closing(Store(tmp_path)) as store:
        requests = Requests(
            Hub(store), lambda: Status(relay="r", version="", started=0, now=0), history
        )
        asked = (requests.answer(Request(id=n, do="history"), "me") for n in range(10))
        assert [each.id for each in await asyncio.gather(*asked)] == list(range(10))
    assert most == AT_ONCE
