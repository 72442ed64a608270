"""The desk: catching up, history, and what was done to the lists."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ui_fakes import NOW, FakeFeed, record

from monitor.control.feed import FeedError
from monitor.control.protocol import Link, Missed
from monitor.filter import parse
from monitor.filter.order import Page
from monitor.policy.entry import Draft, Entry
from monitor.ui.desk import Desk


async def opened(feed: FakeFeed) -> Desk:
    desk = Desk(feed, clock=NOW.timestamp)
    await desk.open()
    await desk.begin()
    return desk


def ids(desk: Desk) -> list[str]:
    return [row.record.id for row in desk.model.window.shown]


async def test_updates_are_taken_until_the_feed_closes() -> None:
    feed = FakeFeed()
    desk = await opened(feed)
    feed.push(record(1), record(2))
    await feed.close()
    await desk.watch()
    assert ids(desk) == ["t1", "t2"]


async def test_catching_up_asks_back_to_what_is_known_and_no_further() -> None:
    feed = FakeFeed([record(i) for i in range(3_000)])
    desk = await opened(feed)
    assert len(ids(desk)) == 1_000
    desk.model.take(Link(False))
    feed.kept += [record(i) for i in range(3_000, 4_200)]
    desk.model.take(Link(True))
    assert desk.model.missed
    feed.asked.clear()
    await desk.catch_up()
    assert ids(desk) == [f"t{i}" for i in range(2_000, 4_200)]
    assert len(feed.asked) == 3
    assert not desk.model.missed


async def test_counts_hold_no_record_twice() -> None:
    feed = FakeFeed([record(i) for i in range(8)])
    desk = await opened(feed)
    desk.model.take(Missed(3))
    await desk.catch_up()
    assert sum(s.volume for s in desk.model.senders.busiest()) == 8


async def test_history_is_not_asked_again_when_it_is_at_its_end() -> None:
    feed = FakeFeed([record(i) for i in range(5)])
    desk = await opened(feed)
    feed.asked.clear()
    assert await desk.more(top=True) == -1
    await desk.go(top=True)
    assert not feed.asked
    assert not desk.model.window.away


async def test_a_page_that_comes_after_another_filter_is_not_shown() -> None:
    class Slow(FakeFeed):
        async def page(self, **asked: Any) -> Page:
            await asyncio.sleep(0)
            return await super().page(**asked)

    desk = await opened(Slow([record(i) for i in range(2_000)]))
    asking = asyncio.create_task(desk.more(top=True))
    await asyncio.sleep(0)
    desk.refilter(parse("code:550"))
    assert await asking == -1
    assert all(row.record.verdict.code == 550 for row in desk.model.window.shown)


async def test_an_undo_that_is_refused_is_not_tried_for_ever() -> None:
    feed = FakeFeed()
    desk = await opened(feed)
    await desk.changes.add([Draft(list="ban", kind="ip", value="192.0.2.1")])
    await desk.changes.add([Draft(list="ban", kind="ip", value="192.0.2.2")])
    feed.refuses = "no entry 2 is in force"
    with pytest.raises(FeedError):
        await desk.changes.undo()
    feed.refuses = ""
    assert await desk.changes.undo() == "ban ip 192.0.2.1"
    assert await desk.changes.undo() == ""


async def test_an_undo_survives_a_lost_connection() -> None:
    feed = FakeFeed()
    desk = await opened(feed)
    await desk.changes.add([Draft(list="ban", kind="ip", value="192.0.2.1")])
    desk.model.take(Link(False))
    feed.refuses = "the relay is gone"
    with pytest.raises(FeedError):
        await desk.changes.undo()
    feed.refuses = ""
    assert await desk.changes.undo() == "ban ip 192.0.2.1"


async def test_what_somebody_else_ended_does_not_keep_the_rest_from_being_taken_back() -> None:
    class Ended(FakeFeed):
        lost = 0

        async def end(self, entry_id: int) -> Entry:
            if entry_id == self.lost:
                desk.model.take(Link(False))
            if entry_id in (1, self.lost):
                raise FeedError(f"no entry {entry_id} is in force")
            return await super().end(entry_id)

    feed = Ended()
    desk = await opened(feed)
    await desk.changes.add([Draft(list="ban", kind="ip", value=f"192.0.2.{i}") for i in range(4)])
    feed.lost = 3
    with pytest.raises(FeedError, match="no entry 3"):
        await desk.changes.undo()
    assert [entry.id for entry in feed.entries] == [1, 3, 4]
    feed.lost = 0
    desk.model.take(Link(True))
    assert await desk.changes.undo() == "4 entries"
    assert [entry.id for entry in feed.entries] == [1]
    assert await desk.changes.undo() == ""


async def test_an_ended_entry_comes_back_for_the_time_that_it_had_left() -> None:
    feed = FakeFeed()
    desk = Desk(feed)
    [entry] = await desk.changes.add(
        [Draft(list="ban", kind="helo", value="x", lifetime=3_600, reason="r")]
    )
    await desk.changes.end([entry])
    await desk.changes.undo()
    [again] = feed.entries
    assert again.expires is not None
    assert entry.expires is not None
    assert abs((again.expires - entry.expires).total_seconds()) < 5
    assert (again.value, again.reason) == ("x", "r")


async def test_a_flood_of_updates_leaves_room_for_others() -> None:
    feed = FakeFeed()
    desk = await opened(feed)
    feed.push(*(record(i) for i in range(500)))
    watching = asyncio.create_task(desk.watch())
    await asyncio.sleep(0)
    taken = len(ids(desk))
    assert 0 < taken < 500
    await feed.close()
    await watching
    assert len(ids(desk)) == 500
