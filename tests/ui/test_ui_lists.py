"""Bans and allowances: the dialog, the lists screen, undo."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from ui_fakes import NOW, FakeFeed, record
from ui_screen import SIZES, running

from monitor.policy.entry import Draft, Entry

sizes = pytest.mark.parametrize("size", SIZES)


def drafts(feed: FakeFeed) -> list[Draft]:
    return [draft for do, draft in feed.asked if do == "add"]


@sizes
async def test_b_and_enter_ban_the_address_under_the_cursor(size: tuple[int, int]) -> None:
    async with running(FakeFeed([record(0), record(3)]), size) as screen:
        await screen.press("b")
        assert "Ban" in screen.text
        assert "[address]" in screen.text
        assert "198.51.100.99" in screen.line("Value")
        assert "[reject] defer  drop  tarpit" in screen.text
        await screen.press("enter")
        assert drafts(screen.feed) == [Draft(list="ban", kind="ip", value="198.51.100.99")]
        assert "Banned ip 198.51.100.99" in screen.text


@pytest.mark.parametrize(
    ("steps", "kind", "value"),
    [
        (0, "ip", "198.51.100.99"),
        (1, "net", "198.51.100.0/24"),
        (2, "helo", "broken.example"),
        (3, "sender", "shop@broken.example"),
        (4, "domain", "broken.example"),
    ],
)
async def test_each_kind_is_filled_in(steps: int, kind: str, value: str) -> None:
    async with running(FakeFeed([record(3)])) as screen:
        await screen.press("a", *["right"] * steps)
        assert value in screen.line("Value")
        await screen.press("enter")
        [draft] = drafts(screen.feed)
        assert (draft.list, draft.kind, draft.value) == ("allow", kind, value)


async def test_the_signer_is_filled_in_and_an_unknown_one_is_asked_for() -> None:
    async with running(FakeFeed([record(0), record(3)])) as screen:
        await screen.press("b", "left")
        assert "[DKIM]" in screen.text
        await screen.press("enter")
        assert "there is no DKIM yet" in screen.text
        assert not drafts(screen.feed)
        await screen.press("escape", "k", "b", "left", "enter")
        assert drafts(screen.feed)[0].value == "good.example"


async def test_answer_time_and_reason_are_taken() -> None:
    async with running(FakeFeed([record(3)])) as screen:
        await screen.press("b", "tab", "tab", "right", "right", "tab", *"2h", "tab", *"spam")
        await screen.press("enter")
        [draft] = drafts(screen.feed)
        assert (draft.action, draft.lifetime, draft.reason) == ("drop", 7_200.0, "spam")


async def test_a_wrong_time_is_told_in_the_dialog() -> None:
    async with running(FakeFeed([record(3)])) as screen:
        await screen.press("b", "tab", "tab", "tab", *"soon", "enter")
        assert "a span like 2h" in screen.text
        assert not drafts(screen.feed)


async def test_what_the_relay_refuses_is_told_and_the_dialog_stays() -> None:
    feed = FakeFeed([record(3)])
    feed.refuses = "the database is read-only"
    async with running(feed) as screen:
        await screen.press("b", "enter")
        assert "the database is read-only" in screen.text
        assert "[address]" in screen.text
        feed.refuses = ""
        await screen.press("enter")
        assert "Banned ip" in screen.text


async def test_nothing_is_confirmed_before_the_relay_has_it() -> None:
    class Slow(FakeFeed):
        answer = asyncio.Event()

        async def add(self, draft: Draft) -> Entry:
            await self.answer.wait()
            return await super().add(draft)

    feed = Slow([record(3)])
    async with running(feed) as screen:
        await screen.press("b", "enter", "enter")
        assert "asking the relay" in screen.text
        assert "Banned" not in screen.text
        feed.answer.set()
        await screen.settle()
        assert "Banned ip" in screen.text
        assert len(drafts(feed)) == 1


async def test_escape_bans_nobody() -> None:
    async with running(FakeFeed([record(3)])) as screen:
        await screen.press("b", "escape")
        assert "[address]" not in screen.text
        assert not drafts(screen.feed)


async def test_keys_that_come_in_one_go_do_not_overtake_each_other() -> None:
    async with running(FakeFeed([record(i) for i in range(9)])) as screen:
        await screen.paste("b", "escape", "enter")  # the Enter opens the session
        assert not drafts(screen.feed)
        assert "Transcript" in screen.text
        await screen.paste("escape", "g", "j", "b", "enter")
        assert drafts(screen.feed)[0].value == record(1).client.ip
        await screen.paste("b", "tab", "tab", "right", "tab", *"2h", "enter")
        assert (drafts(screen.feed)[1].action, drafts(screen.feed)[1].lifetime) == ("defer", 7_200)


async def test_u_takes_back_the_last_changes_one_by_one() -> None:
    async with running(FakeFeed([record(3), record(4)])) as screen:
        await screen.press("b", "enter", "k", "a", "enter")
        assert [e.value for e in screen.feed.entries] == ["203.0.113.5", "198.51.100.99"]
        await screen.press("u")
        assert [e.value for e in screen.feed.entries] == ["203.0.113.5"]
        assert "Took back: allow ip 198.51.100.99." in screen.text
        await screen.press("u")
        assert not screen.feed.entries
        await screen.press("u")
        assert "nothing to take back" in screen.text


def entries() -> list[Entry]:
    return [
        Entry(id=1, list="ban", kind="net", value="203.0.113.0/24", action="tarpit", hits=1_204,
              reason="rapid fire", by="root", created=NOW, expires=NOW + timedelta(days=9_999)),
        Entry(id=2, list="allow", kind="domain", value="good.example", reason="partner", by="ops",
              created=NOW + timedelta(hours=1)),
    ]  # fmt: skip


async def lists(size: tuple[int, int]) -> Any:
    feed = FakeFeed([record(3)])
    feed.entries = entries()
    return running(feed, size)


@sizes
async def test_the_lists_tell_who_why_hits_and_until_when(size: tuple[int, int]) -> None:
    async with await lists(size) as screen:
        await screen.press("4")
        ban, allow = screen.line("203.0.113.0/24"), screen.line("good.example")
        for part in ("✖ ban", "network", "tarpit", "1,204", "root", "rapid"):
            assert part in ban
        for part in ("✓ allow", "domain", "pass", "never", "ops", "partner"):
            assert part in allow


@sizes
async def test_x_ends_an_entry_and_u_brings_it_back(size: tuple[int, int]) -> None:
    async with await lists(size) as screen:
        await screen.press("4", "j", "x")
        assert ("end", 1) in screen.feed.asked
        assert "203.0.113.0/24" not in "\n".join(screen.lines[:8])
        await screen.press("u")
        [draft] = drafts(screen.feed)
        assert (draft.value, draft.action, draft.reason) == (
            "203.0.113.0/24", "tarpit", "rapid fire",
        )  # fmt: skip


async def test_e_extends_an_entry() -> None:
    async with await lists((80, 24)) as screen:
        await screen.press("4", "j", "e")
        assert "Extend" in screen.text
        assert "rapid fire" in screen.text
        await screen.press(*"7d", "enter")
        [draft] = drafts(screen.feed)
        assert (draft.value, draft.lifetime, draft.action) == ("203.0.113.0/24", 604_800, "tarpit")
        assert [e.id for e in screen.feed.entries] == [2, 3]
        await screen.press("u")
        assert [e.id for e in screen.feed.entries] == [2, 4]
        assert drafts(screen.feed)[-1].lifetime > 604_800


async def test_an_entry_is_made_on_the_lists_screen_too() -> None:
    async with running(FakeFeed()) as screen:
        await screen.press("4")
        assert "Nobody is banned" in screen.text
        await screen.press("b", "tab", *"192.0.2.1", "enter")
        assert drafts(screen.feed)[0].value == "192.0.2.1"
        assert "192.0.2.1" in screen.at_cursor
