"""Marks, and what is done to all that are marked at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ui_fakes import NOW, FakeFeed, record
from ui_screen import Screen, running

from monitor.control.feed import FeedError
from monitor.control.protocol import Link
from monitor.policy.entry import Draft, Entry
from monitor.ui.widgets.table import MARKS


def banned(screen: Screen) -> list[tuple[str, str]]:
    return [(entry.kind, entry.value) for entry in screen.feed.entries]


def marked(screen: Screen) -> list[str]:
    return [line for line in screen.lines if line[1:2] == "◆"]


async def test_m_marks_and_b_bans_all_that_are_marked() -> None:
    async with running(FakeFeed([record(i) for i in range(8)])) as screen:
        await screen.press("g", "m", "m", "j", "m")
        assert "◆ 3 marked" in screen.text
        assert [
            record(i).client.ip in line for i, line in zip((0, 1, 3), marked(screen), strict=True)
        ]
        await screen.press("b")
        assert "3: 192.0.2.10, 192.0.2.23, 198.51.100.99" in screen.line("Value")
        await screen.press("tab", "tab", *"1h", "enter")
        assert banned(screen) == [("ip", record(i).client.ip) for i in (0, 1, 3)]
        assert all(entry.expires for entry in screen.feed.entries)
        assert "Banned 3 at once" in screen.text
        assert not marked(screen)
        await screen.press("u")
        assert "Took back: 3 entries" in screen.text
        assert not banned(screen)


async def test_each_value_is_banned_once() -> None:
    async with running(FakeFeed([record(3), record(11), record(4)])) as screen:
        await screen.press("M", "b")
        assert "2: 198.51.100.99, 203.0.113.5" in screen.line("Value")
        await screen.press("enter")
        assert len(banned(screen)) == 2


async def test_what_has_no_such_value_is_left_out_and_told() -> None:
    async with running(FakeFeed([record(0), record(3), record(4)])) as screen:
        await screen.press("M", "a", "left")
        assert "1: good.example" in screen.line("Value")
        assert "2 of the 3 marked have none" in screen.text
        await screen.press("enter")
        assert banned(screen) == [("dkim", "good.example")]


async def test_marks_stay_with_their_rows_and_a_second_m_takes_one_away() -> None:
    feed = FakeFeed([record(i) for i in range(4)])
    async with running(feed) as screen:
        await screen.press("g", "m", "m")
        await screen.push(*(record(i) for i in range(4, 30)))
        feed.kept.insert(0, record(-1))
        await screen.push(Link(False), Link(True))  # rows are numbered anew
        await screen.press("slash", *"from:oldkey", "enter")
        assert len(marked(screen)) == 1
        assert "2 marked" in screen.text
        await screen.press("g", "m")
        assert "1 marked" in screen.text


async def test_capital_m_marks_all_that_match_and_takes_all_marks_away() -> None:
    async with running(FakeFeed([record(i) for i in range(16)])) as screen:
        await screen.press("slash", *"code:4xx", "enter", "M")
        assert "4 marked" in screen.text
        await screen.press("escape", "M")
        assert "marked" not in screen.text


async def test_marks_are_bounded() -> None:
    async with running(FakeFeed([record(i) for i in range(1_000)])) as screen:
        await screen.push(*(record(i) for i in range(1_000, 1_010)))
        await screen.press("M")
        assert f"{MARKS:,} marked" in screen.text


async def test_nothing_is_banned_where_one_is_refused() -> None:
    class Fussy(FakeFeed):
        async def add(self, draft: Draft) -> Entry:
            if draft.value == record(3).client.ip:
                raise FeedError("that is our own address")
            return await super().add(draft)

    async with running(Fussy([record(i) for i in range(4)])) as screen:
        await screen.press("M", "b", "enter")
        assert "that is our own address" in screen.text
        assert not banned(screen)
        await screen.press("escape", "u")
        assert "nothing to take back" in screen.text


async def test_y_copies_all_that_are_marked() -> None:
    async with running(FakeFeed([record(i) for i in range(3)])) as screen:
        await screen.press("M", "y")
        lines = screen.app.clipboard.splitlines()
        assert all(f'"id":"t{i}"' in lines[i] for i in range(3))


async def test_a_click_at_the_left_edge_marks() -> None:
    async with running(FakeFeed([record(i) for i in range(5)])) as screen:
        await screen.pilot.click("RecordTable", offset=(1, 2))
        await screen.settle()
        assert record(1).client.ip in marked(screen)[0]


async def test_senders_are_banned_together() -> None:
    async with running(FakeFeed([record(i) for i in range(3)])) as screen:
        await screen.press("2", "M", "b", "enter")
        assert banned(screen) == [
            ("domain", f"{d}.example") for d in ("good", "oldkey", "wrongspf")
        ]


async def test_waiting_mail_is_allowed_together() -> None:
    async with running(FakeFeed([record(4), record(5)])) as screen:
        await screen.press("3", "M", "a", "enter")
        assert {value for _, value in banned(screen)} == {"203.0.113.5", "203.0.113.77"}


async def test_entries_are_ended_together_and_one_undo_brings_them_back() -> None:
    feed = FakeFeed([record(0)])
    feed.entries = [
        Entry(id=i, list="ban", kind="ip", value=f"192.0.2.{i}", created=NOW + timedelta(seconds=i))
        for i in range(1, 4)
    ]
    async with running(feed) as screen:
        await screen.press("4", "m", "m", "x")
        assert banned(screen) == [("ip", "192.0.2.1")]
        assert "Ended 2 entries" in screen.text
        assert not marked(screen)
        await screen.press("u")
        assert {value for _, value in banned(screen)} == {f"192.0.2.{i}" for i in range(1, 4)}


@pytest.mark.parametrize("title", ["Mark", "Mark all"])
async def test_the_palette_marks(title: str) -> None:
    async with running(FakeFeed([record(0)])) as screen:
        commands = {c.title: c for c in screen.app.get_system_commands(screen.app.screen)}
        await commands[title].callback()
        await screen.settle()
        assert len(marked(screen)) == 1
