"""The other screens, and what leads from one to another."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import msgspec
import pytest
from ui_fakes import NOW, STATUS, FakeFeed, record, transcript, wait
from ui_screen import SIZES, Screen, running

from monitor.findings.catalogue import finding
from monitor.findings.retry.waiting import Wait
from monitor.ui import marks

sizes = pytest.mark.parametrize("size", SIZES)


@sizes
async def test_enter_opens_the_session_and_escape_goes_back(size: tuple[int, int]) -> None:
    async with running(FakeFeed([record(3)]), size) as screen:
        await screen.press("enter")
        text = screen.text
        assert "PTR broken.example" in text
        assert "Letter 3" in text
        assert "✖ DKIM signature broken: the body was changed" in text
        assert re.search(r"0\.060 → EHLO broken\.example", text)
        assert re.search(r"0\.010 ← 220 mx\.home\.example ESMTP", text)
        await screen.press("G")
        assert "closed (quit)" in screen.text
        await screen.press("escape")
        assert "following" in screen.text or "still" in screen.text


async def test_a_finding_stands_behind_the_line_that_caused_it() -> None:
    async with running(FakeFeed([record(6)]), (160, 48)) as screen:
        await screen.press("enter")
        lines = [line.split("││")[1] for line in screen.lines if "││" in line]
        at = next(i for i, line in enumerate(lines) if "→ DATA" in line)
        assert "conduct.data-after-no-recipients" in lines[at + 1]


async def test_tab_goes_from_pane_to_pane() -> None:
    async with running(FakeFeed([record(3)])) as screen:
        await screen.press("enter")
        assert screen.app.focused is not None
        assert screen.app.focused.id == "transcript"
        await screen.press("tab", "tab")
        assert screen.app.focused.id == "findings"
        await screen.press("j")
        assert screen.app.focused.scroll_y == 1


async def test_a_session_that_is_not_kept_says_so() -> None:
    feed = FakeFeed([record(3)])
    async with running(feed) as screen:
        feed.kept.clear()
        await screen.press("enter")
        assert "no longer kept" in screen.text


async def test_a_session_can_be_banned() -> None:
    async with running(FakeFeed([record(3)])) as screen:
        await screen.press("enter", "b", "enter")
        assert screen.feed.entries[0].value == "198.51.100.99"
        assert "Transcript" in screen.text


@sizes
async def test_senders_count_and_lead_to_their_mail(size: tuple[int, int]) -> None:
    async with running(FakeFeed([record(i) for i in range(24)] + [record(28)]), size) as screen:
        await screen.press("2")
        assert "rapid.example" in screen.at_cursor  # the busiest, with four
        assert re.search(r"rapid\.example +4 ", screen.at_cursor)
        assert "retry.rap" in screen.at_cursor
        assert "good.example" in screen.text
        await screen.press("enter")
        assert 'filter from:"@rapid.example"' in screen.text
        assert "4 of 4" in screen.text


async def test_senders_have_the_grade_of_their_report_card() -> None:
    async with running(
        FakeFeed([record(i) for i in range(80)]), clock=lambda: NOW.timestamp() + 90
    ) as screen:
        await screen.press("2")
        assert re.search(r"A good\.example +10 ", screen.line("good.example"))
        assert re.search(r"D broken\.example +10 ", screen.line("broken.example"))
        assert "D broken.example" in await card(screen, "broken.example")
        await screen.push(record(83))
        await screen.press("2")
        assert re.search(r"D broken\.example +11 ", screen.line("broken.example"))


async def card(screen: Screen, name: str) -> str:
    """The report card of a sender."""
    while name not in screen.at_cursor:
        await screen.press("j")
    await screen.press("r")
    return screen.text


async def test_too_little_mail_has_no_grade() -> None:
    async with running(FakeFeed([record(0)])) as screen:
        await screen.press("2")
        assert re.search(r"· good\.example +1 ", screen.line("good.example"))


async def test_a_sender_can_be_banned_by_its_domain() -> None:
    async with running(FakeFeed([record(4)])) as screen:
        await screen.press("2", "b", "enter")
        [entry] = screen.feed.entries
        assert (entry.kind, entry.value) == ("domain", "rapid.example")


@sizes
async def test_waiting_tells_what_was_deferred_until_it_came_in(size: tuple[int, int]) -> None:
    feed = FakeFeed([record(4), record(12), record(5), record(0)])
    async with running(feed, size) as screen:
        await screen.press("3")
        assert "bulk@rapid.example" in screen.at_cursor
        assert "450" in screen.at_cursor
        assert re.search(r" 2 ", screen.at_cursor)
        assert "m@rotate.example" in screen.text
        assert "good.example" not in screen.text
        came_in = record(0).verdict
        await screen.push(record(20, verdict=came_in, rcpts=(
            record(4).rcpts[0].__class__("z@home.example", 250, "2.1.5 Ok"),
        )))  # fmt: skip
        await screen.push(msgspec.structs.replace(STATUS, rate=1.0))  # one comes each second
        assert "bulk@rapid.example" not in screen.text
        await screen.press("enter")
        assert "Transcript" in screen.text


async def test_each_attempt_of_waiting_mail_is_a_key_away() -> None:
    async with running(FakeFeed([record(4), record(12), record(20)])) as screen:
        await screen.press("3", "enter")
        assert "s20" in str(screen.feed.asked[-1])
        for key, session in (("[", "s12"), ("[", "s4"), ("]", "s12")):
            await screen.press(key)
            assert screen.feed.asked[-1] == ("transcript", session)
        await screen.press("[", "[")
        assert "no attempt before it" in screen.text


async def test_a_retry_finding_leads_to_the_other_attempts() -> None:
    tried = [{"session": "s4"}, {"session": "s12"}]
    found = (finding("retry.too-soon", attempts=tried),)
    feed = FakeFeed([record(4), record(0), record(12, findings=found)])
    async with running(feed) as screen:
        await screen.press("G", "enter", "[")
        assert feed.asked[-1] == ("transcript", "s4")


async def test_what_is_silent_says_so() -> None:
    feed = FakeFeed([record(4)])
    silent = wait(record(4), gave_up=1.0)

    async def waiting() -> list[Wait]:
        return [silent]

    feed.waiting = waiting
    async with running(feed) as screen:
        await screen.press("3")
        assert "silent" in screen.at_cursor


async def test_nothing_waits() -> None:
    async with running(FakeFeed([record(0)])) as screen:
        await screen.press("3")
        assert "Nothing waits" in screen.text


def busy() -> FakeFeed:
    """16 transactions in each of the four seconds before the present one."""
    seconds = [NOW - timedelta(seconds=second) for second in range(4)]
    return FakeFeed([record(i, id=f"{at}-{i}", started=at - timedelta(milliseconds=90), ended=at)
                     for at in seconds for i in range(16)])  # fmt: skip


def then() -> float:
    """The second after the last transaction."""
    return NOW.timestamp() + 1


@sizes
async def test_rates_draw_what_happened(size: tuple[int, int]) -> None:
    async with running(busy(), size, clock=then) as screen:
        await screen.press("5")
        assert "Transactions  ░ a second 16" in screen.text
        words = (
            "░ accepted 10  ▒ deferred 4  █ refused 2" if size[0] > 100 else "░2xx 10 ▒4xx 4 █5xx 2"
        )
        assert words in screen.line("Verdicts")
        assert "-60 s" in screen.text
        for shade in "░▒█":
            assert sum(line.count(shade) for line in screen.lines) > 3
        await screen.press("s")
        assert "-10 min" in screen.text
        assert "a second 6.4" in screen.text
        await screen.press("s")
        assert "-60 min" in screen.text


async def test_rates_without_unicode() -> None:
    async with running(busy(), clock=then) as screen:
        screen.app.look.marks = marks.ASCII
        await screen.press("5")
        assert "Verdicts :2xx" in screen.text
        assert "\n".join(screen.lines[2:-1]).isascii()


async def test_rates_of_nothing() -> None:
    async with running(FakeFeed()) as screen:
        await screen.press("5")
        assert "a second 0" in screen.text
        assert "-60 s" in screen.text
        assert "░" not in "\n".join(line.partition("│")[2] for line in screen.lines)


async def test_number_keys_and_clicks_change_the_screen() -> None:
    async with running(FakeFeed([record(3)])) as screen:
        for key, there in (("2", "By minute"), ("3", "Nothing waits"), ("4", "Nobody is banned"),
                           ("5", "Duration"), ("1", "following")):  # fmt: skip
            await screen.press(key)
            assert there in screen.text
        await screen.pilot.click("TopBar", offset=(screen.lines[0].index("Lists"), 0))
        await screen.settle()
        assert "Nobody is banned" in screen.text


async def test_a_number_key_leaves_an_open_session() -> None:
    async with running(FakeFeed([record(3)])) as screen:
        await screen.press("enter", "1")
        assert "Transcript" not in screen.text
        assert "1 of 1" in screen.text


@sizes
async def test_question_mark_shows_the_keys_of_the_screen(size: tuple[int, int]) -> None:
    async with running(FakeFeed([record(3)]), size) as screen:
        await screen.press("question_mark")
        assert "Help: Live" in screen.text
        assert re.search(r"space  f +follow the newest", screen.text)
        await screen.press("escape", "4", "question_mark")
        assert "Help: Lists" in screen.text
        assert re.search(r"x  delete +end this entry", screen.text)
        assert "follow the newest" not in screen.text


async def test_the_palette_has_every_command_and_theme() -> None:
    async with running(FakeFeed([record(3)])) as screen:
        commands = {c.title: c for c in screen.app.get_system_commands(screen.app.screen)}
        for title in ("Ban", "Allow", "Undo", "Filter", "Follow", "Lists", "Help", "Quit"):
            assert title in commands
        commands["Theme mxtap-day"].callback()
        await screen.settle()
        assert screen.app.theme == "mxtap-day"
        await commands["Lists"].callback()
        await screen.settle()
        assert "Nobody is banned" in screen.text


async def test_commands_of_the_palette_act_on_the_screen_below() -> None:
    async with running(FakeFeed([record(3)])) as screen:
        commands = {c.title: c for c in screen.app.get_system_commands(screen.app.screen)}
        await commands["Ban"].callback()
        await screen.settle()
        assert "[address]" in screen.text


async def test_q_leaves_at_once_where_the_relay_is_not_ours() -> None:
    async with running(FakeFeed([record(3)])) as screen:
        await screen.pilot.press("q")
        await screen.pilot.pause()
        assert screen.app.return_value == "detach"


@pytest.mark.parametrize(
    ("keys", "result"),
    [(("enter",), "detach"), (("l",), "detach"), (("s",), "stop"), (("right", "enter"), "stop"),
     (("escape",), None)],
)  # fmt: skip
async def test_q_asks_where_the_relay_is_ours(keys: tuple[str, ...], result: str | None) -> None:
    async with running(FakeFeed([record(3)]), owns_relay=True) as screen:
        await screen.press("q")
        assert "The relay carries mail" in screen.text
        await screen.pilot.press(*keys)
        await screen.pilot.pause()
        assert screen.app.return_value == result


def test_transcripts_of_the_fakes_are_in_order() -> None:
    times = [event.at for event in transcript(record(1))]
    assert times == sorted(times)


async def test_tasks_begin_in_their_turn() -> None:
    """As Textual has it from Python 3.12 on, an Input on a mode's first screen ends the app."""
    loop = asyncio.get_running_loop()
    eager = getattr(asyncio, "eager_task_factory", None)
    loop.set_task_factory(
        eager or (lambda loop, coro, **more: asyncio.Task(coro, loop=loop, **more))
    )
    async with running(FakeFeed([record(3)])) as screen:
        assert loop.get_task_factory() is None
        assert screen.app.is_running
