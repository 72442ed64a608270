"""The filter of the live screen."""

from __future__ import annotations

import pytest
from ui_fakes import FakeFeed, record
from ui_screen import SIZES, Screen, running

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


async def test_history_is_asked_with_the_filter() -> None:
    feed = FakeFeed([record(i) for i in range(4_000)])
    async with running(feed) as screen:
        await screen.press("slash", *"code:550", "enter")
        assert "125 of 125" in screen.text
        await screen.press("g")
        assert "500 of 500" in screen.text or " of 500" in screen.text
        assert feed.asked[-1][1][2] == "code:550"
