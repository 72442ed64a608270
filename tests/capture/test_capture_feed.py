"""The feed of a capture behaves as a relay's does."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest
from capture_sessions import START, day, session

from monitor.capture.feed import CaptureFeed
from monitor.capture.file import save
from monitor.capture.reader import Capture
from monitor.capture.reel import of_captures, of_events
from monitor.control.feed import Feed, FeedError
from monitor.control.protocol import Jumped, ListsUpdate, RecordUpdate, Status, Update
from monitor.events import Body
from monitor.filter.order import Place
from monitor.policy.entry import Draft


def feed_of(count: int = 20) -> CaptureFeed:
    feed = CaptureFeed(of_events("day", day(count), size=11), speed=math.inf)
    feed.playback.play()
    return feed


def shown(updates: list[Update]) -> list[str]:
    return [update.record.id for update in updates if isinstance(update, RecordUpdate)]


async def played(count: int = 20) -> CaptureFeed:
    feed = feed_of(count)
    async with asyncio.timeout(10):
        async for update in feed.updates():
            if feed.playback.ended and isinstance(update, Status):
                break
    return feed


async def test_it_is_a_feed() -> None:
    feed: Feed = feed_of()
    assert not feed.live
    assert (await feed.start()).capture == "replay"


async def test_everything_is_shown_in_order(tmp_path: Path) -> None:
    save(tmp_path / "a.mxtap", day(300))
    feed = CaptureFeed(of_captures("a", [Capture(tmp_path / "a.mxtap")]), speed=math.inf)
    feed.playback.play()
    seen: list[str] = []
    async with asyncio.timeout(10):
        async for update in feed.updates():
            seen += shown([update])
            if len(seen) == 300:
                break
    assert seen == [f"T{n}" for n in range(300)]
    await feed.close()


async def test_history_is_what_was_played_newest_first() -> None:
    feed = feed_of()
    assert await feed.history() == []
    feed.playback.pause()
    feed.playback.seek(START + 12.5)
    got = await feed.history(limit=5)
    assert [record.id for record in got] == ["T11", "T10", "T9", "T8", "T7"]
    more = await feed.history(limit=50, before=got[-1].ended.timestamp())
    assert [record.id for record in more] == [f"T{n}" for n in range(6, -1, -1)]


async def test_history_takes_filters() -> None:
    feed = await played()
    got = await feed.history(query="id:T3 or id:T7 or age<1s")
    assert [record.id for record in got] == ["T19", "T7", "T3"]
    with pytest.raises(FeedError, match="did you mean from"):
        await feed.history(query="form:x")


async def test_history_far_back_is_whole() -> None:
    feed = await played(400)
    got = [record.id for record in await feed.history(limit=1_000)]
    assert got == [f"T{n}" for n in range(399, -1, -1)]


@pytest.mark.parametrize("patience", [-1.0, 60.0])
@pytest.mark.parametrize("backward", [True, False])
async def test_pages_make_up_the_whole(
    patience: float, backward: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.capture.lookback.PATIENCE", patience)
    feed = await played(60)
    for query, expected in (("", range(60)), ("id:T3 or id:T7 or id:T55", (3, 7, 55))):
        seen: list[str] = []
        past: Place | None = None
        for _ in range(500):
            page = await feed.page(limit=7, query=query, backward=backward, past=past)
            assert len(page.records) <= 7
            seen += [record.id for record in page.records]
            past = page.reached
            if past is None:
                break
        wanted = [f"T{n}" for n in expected]
        assert list(dict.fromkeys(seen)) == (wanted[::-1] if backward else wanted)
    with pytest.raises(FeedError, match="order of time only"):
        await feed.page(limit=7, order="severity")


async def test_a_transcript_is_the_whole_session() -> None:
    feed = await played()
    assert await feed.transcript("S7") == session(7, at=START + 7)
    assert await feed.transcript("unknown") == []


async def test_a_session_that_goes_on_and_on_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("monitor.capture.history.MAX_OCTETS", 100_000)
    monkeypatch.setattr("monitor.capture.history.MAX_EVENTS", 30)
    one, other = session(1, body=b"x" * 1_000_000), session(2, at=START + 9)
    endless = one[:-1] + [one[3]] * 100
    feed = CaptureFeed(of_events("bomb", [*endless, *other], size=9), speed=math.inf)
    feed.playback.play()
    async with asyncio.timeout(10):
        async for update in feed.updates():
            if feed.playback.ended and isinstance(update, Status):
                break
    events = await feed.transcript("S1")
    assert len(events) == 30
    assert 0 < sum(len(event.data) for event in events if isinstance(event, Body)) <= 100_000
    assert await feed.transcript("S2") == other


async def test_a_jump_says_that_history_must_be_asked() -> None:
    feed = feed_of()
    feed.playback.pause()
    updates = feed.updates()
    assert isinstance(await anext(updates), Status)
    feed.playback.seek(START + 5)
    assert await anext(updates) == Jumped()


async def test_a_loop_shows_the_end_before_it_begins_again() -> None:
    feed = feed_of(3)
    feed.playback.loop = True
    seen: list[str] = []
    async with asyncio.timeout(10):
        async for update in feed.updates():
            seen += ["jumped"] if isinstance(update, Jumped) else shown([update])
            if seen.count("jumped") == 2:
                break
    assert seen == ["T0", "T1", "T2", "jumped"] * 2
    status = await feed.start()
    assert status.transactions == 0


async def test_a_rehearsal_counts_what_is_shown_each_once() -> None:
    feed = feed_of()
    feed.playback.pause()
    updates = feed.updates()
    assert isinstance(await anext(updates), Status)
    feed.playback.seek(START + 12.5)
    assert await anext(updates) == Jumped()
    for _ in range(2):
        await feed.history(limit=5)
    entry = await feed.add(Draft(list="ban", kind="ip", value="192.0.2.7"))
    assert (entry.hits, feed.rehearsal.refused, feed.rehearsal.judged) == (5, 5, 5)
    feed.playback.seek(START + 2.5)
    while not isinstance(await anext(updates), Jumped):
        pass
    assert (feed.rehearsal.refused, feed.rehearsal.judged) == (0, 0)
    assert [entry.hits for entry in await feed.lists()] == [0]


async def test_what_is_allowed_would_not_have_been_refused() -> None:
    feed = await played(5)
    net = await feed.add(Draft(list="ban", kind="net", value="192.0.2.0/24"))
    assert (net.hits, feed.rehearsal.refused) == (5, 5)
    allowed = await feed.add(Draft(list="allow", kind="ip", value="192.0.2.7"))
    assert (allowed.hits, feed.rehearsal.refused, feed.rehearsal.judged) == (5, 0, 5)
    await feed.end(allowed.id)
    assert feed.rehearsal.refused == 5


async def test_an_entry_tells_what_it_would_have_met() -> None:
    feed = feed_of()
    feed.playback.pause()
    for _ in range(3):
        feed.playback.step()
    updates = feed.updates()
    assert len(shown([await anext(updates) for _ in range(3)])) == 2  # and the status
    entry = await feed.add(Draft(list="ban", kind="ip", value="192.0.2.7"))
    assert entry.hits == 2
    feed.playback.set_speed(math.inf)
    feed.playback.play()
    async with asyncio.timeout(10):
        async for update in updates:
            if isinstance(update, ListsUpdate) and update.entries[0].hits == 20:
                break
    assert [entry.hits for entry in await feed.lists()] == [20]
    assert (await feed.end(entry.id)).ended is not None
    assert await feed.lists() == []
    with pytest.raises(FeedError, match="no entry"):
        await feed.end(entry.id)
    with pytest.raises(FeedError):
        await feed.add(Draft(list="ban", kind="ip", value="nonsense"))


@pytest.mark.parametrize(
    ("kind", "value", "met"),
    [("domain", "a.example", 3), ("helo", "a.example", 3), ("sender", "b@a.example", 0)],
)
async def test_entries_of_every_kind_are_rehearsed(kind: str, value: str, met: int) -> None:
    feed = await played(3)
    entry = await feed.add(Draft(list="ban", kind=kind, value=value))  # type: ignore[arg-type]
    assert entry.hits == met


async def test_the_status_counts() -> None:
    feed = await played(5)
    status = await feed.start()
    assert (status.accepted, status.transactions, status.relay) == (5, 5, "mx")
    assert status.now == feed.reel.end


async def test_close_ends_the_updates() -> None:
    feed = feed_of()
    feed.playback.pause()
    updates = feed.updates()
    await anext(updates)
    await feed.close()
    with pytest.raises(StopAsyncIteration):
        await anext(updates)
