"""The filter of the live screen."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ui_fakes import FakeFeed, record
from ui_screen import SIZES, Screen, running

from monitor.filter.order import Page
from monitor.ui.widgets.state_line import StateLine

sizes = pytest.mark.parametrize("size", SIZES)


def many() -> FakeFeed:
    return FakeFeed([record(i) for i in range(80)])


def footing(screen: Screen) -> str:
    return next(line for line in screen.lines if "following" in line or "still" in line)


@sizes
async def test_it_filters_while_it_is_typed(size: tuple[int, int]) -> None:
    async with running(many(), size) as screen:
        await screen.press("slash", *"code:4xx")
        assert "20 of 20" in screen.text
        assert "a@good.example" not in screen.text
        await screen.press("enter")
        assert "filter code:4xx" in footing(screen)
        await screen.push(record(80), record(84))
        assert "21 of 21" in screen.text
        await screen.press("escape")
        assert "82 of 82" in screen.text


async def test_an_error_is_shown_at_its_place() -> None:
    async with running(many()) as screen:
        await screen.press("slash", *"sev>=dreadful")
        at = screen.lines.index(next(x for x in screen.lines if x.startswith(" / ")))
        typed, fault = screen.lines[at], screen.lines[at + 1]
        assert fault.index("^") == typed.index("dreadful")
        assert "80 of 80" in screen.text  # what was understood last holds
        await screen.press("enter")
        assert "^" in screen.text


async def test_escape_brings_back_the_filter_of_before() -> None:
    async with running(many()) as screen:
        await screen.press("slash", *"code:4xx", "enter", "slash", *" from:rapid")
        assert "10 of 10" in screen.text
        await screen.press("escape")
        assert "20 of 20" in screen.text


async def test_up_brings_back_what_was_typed_before() -> None:
    async with running(many()) as screen:
        await screen.press("slash", *"code:4xx", "enter", "escape", "slash", "up")
        assert "20 of 20" in screen.text


async def test_nothing_found_says_so() -> None:
    async with running(many()) as screen:
        await screen.press("slash", *"from:nobody", "enter")
        assert "Nothing matches from:nobody" in screen.text
        await screen.press("escape")
        assert "80 of 80" in screen.text


async def test_right_takes_the_completion() -> None:
    async with running(many()) as screen:
        await screen.press("slash", *"findi", "right", *"dkim.key-1024")
        assert "10 of 10" in screen.text


async def test_history_fills_what_the_live_rows_leave_of_the_screen() -> None:
    feed = FakeFeed([record(i, **({"mail_from": "rare@x"} if i < 3 else {})) for i in range(4_000)])
    feed.slice = 500
    async with running(feed) as screen:
        await screen.press("slash", *"from:rare", "enter")
        await searched(screen)
        assert "3 of 3 " in screen.text
        assert pages(feed)[-1] == "from:rare"


def pages(feed: FakeFeed) -> list[str]:
    return [asked[0] for what, asked in feed.asked if what == "page"]


async def searched(screen: Screen) -> None:
    async with asyncio.timeout(5):
        while screen.app.screen.query_one(StateLine).searching is not None or not pages(
            screen.feed
        ):
            await screen.settle()


async def test_what_is_enough_for_the_screen_is_not_searched_for() -> None:
    feed = FakeFeed([record(i) for i in range(4_000)])
    async with running(feed) as screen:
        await screen.press("slash", *"code:550", "enter")
        assert "125 of 125+" in screen.text
        assert "code:550" not in pages(feed)


async def test_a_search_tells_how_far_it_is_and_ends_with_another_filter() -> None:
    class Slow(FakeFeed):
        gate = asyncio.Event()

        async def page(self, **asked: Any) -> Page:
            page = await super().page(**asked)
            if pages(self).count("from:nobody") == 3:
                await self.gate.wait()
            return page

    feed = Slow([record(i) for i in range(4_000)])
    feed.slice = 500
    async with running(feed) as screen:
        await screen.press("slash", *"from:nobody", "enter")
        async with asyncio.timeout(5):
            while pages(feed).count("from:nobody") < 3:
                await screen.settle()
        assert "Searching for from:nobody" in screen.text
        at = record(2_000).ended.astimezone()
        assert f"searching … {at:%d %b %H:%M}" in screen.text
        await screen.press("escape")
        feed.gate.set()
        await screen.settle()
        assert "searching" not in screen.text
        assert "1,000 of 1,000+" in screen.text
        assert pages(feed).count("from:nobody") == 3


async def test_an_order_keeps_the_filter() -> None:
    feed = FakeFeed([record(i) for i in range(4_000)])
    async with running(feed) as screen:
        await screen.press("slash", *"code:2xx", "enter", "o", "G")
        assert "✓ spf dkim" in screen.at_cursor
        assert feed.asked[-1][1][:2] == ("code:2xx", "severity")
        await screen.press("slash", *" from:good", "enter")
        assert "following" in screen.text
