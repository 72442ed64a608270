"""The transport of a replay: keys, mouse, the session's clock, and bans as a rehearsal."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest
from ui_fakes import FakeFeed, record
from ui_screen import SIZES, Screen, running

from monitor.capture.feed import CaptureFeed
from monitor.capture.playback import Playback
from monitor.capture.reel import Reel, of_events
from monitor.ui.keymap import of
from monitor.ui.widgets.lines import Lines
from monitor.ui.widgets.replay_bar import ReplayBar

sys.path.insert(0, str(Path(__file__).parents[1] / "capture"))

from capture_sessions import START, day, session

sizes = pytest.mark.parametrize("size", SIZES)


class Clock:
    """The viewer's time, which passes when told to."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Replay:
    """A replay on a screen."""

    def __init__(self, screen: Screen, feed: CaptureFeed, clock: Clock) -> None:
        self.screen, self.feed, self.clock = screen, feed, clock

    @property
    def playback(self) -> Playback:
        return self.feed.playback

    @property
    def bar(self) -> str:
        return self.screen.lines[-2]

    @property
    def since(self) -> float:
        """Where it stands, seconds from the start."""
        return self.playback.position - START

    def rows(self) -> list[str]:
        return [row.record.id for row in self.screen.app.desk.model.window.shown]

    async def shows(self, rows: list[str]) -> None:
        """Wait until these are shown: history is read in a thread."""
        for _ in range(100):
            await self.screen.settle()
            if self.rows() == rows:
                return
            await asyncio.sleep(0.01)
        assert self.rows() == rows

    async def seek(self, seconds: float) -> None:
        """Jump to so many seconds from the start."""
        self.playback.seek(START + seconds)
        await self.screen.settle()

    async def press(self, *keys: str) -> None:
        await self.screen.press(*keys)

    async def wait(self, seconds: float) -> None:
        """Let the viewer's time pass."""
        self.clock.now += seconds
        self.playback.changed()
        await self.screen.settle()

    async def click(self, text: str) -> None:
        """Click where ``text`` stands on the bar."""
        x = self.bar.index(text)
        await self.screen.pilot.click(ReplayBar, offset=(x, 0))
        await self.screen.settle()


def helped(screen: Screen) -> str:
    """All of the help that is open."""
    return "\n".join(screen.app.screen.query_one(Lines).plain)


def errors() -> Reel:
    """Twenty seconds of mail, with an error at 10 and at 15 seconds."""
    events = [*day(10), *session(50, at=START + 10, severity="error"), *session(51, at=START + 12)]
    events += [*session(52, at=START + 15, severity="error"), *session(53, at=START + 19)]
    return of_events("day.mxtap", events, size=30)


@asynccontextmanager
async def replaying(
    reel: Reel | None = None, size: tuple[int, int] = (80, 24), speed: float = 1.0
) -> AsyncIterator[Replay]:
    clock = Clock()
    feed = CaptureFeed(reel or of_events("day.mxtap", day(20), size=11), speed=speed, clock=clock)
    async with running(feed, size) as screen:  # type: ignore[arg-type]
        yield Replay(screen, feed, clock)


@sizes
async def test_the_bar_shows_where_it_stands(size: tuple[int, int]) -> None:
    async with replaying(errors(), size) as replay:
        replay.playback.seek_percent(50)
        await replay.screen.settle()
        at = datetime.fromtimestamp(START + 10).strftime("%d %b %H:%M:%S")
        for part in (at, "1x", " 50%", "step", "error", "loop", "‖"):
            assert part in replay.bar
        assert "day.mxtap: a recording; the lists are a rehearsal" in replay.screen.lines[1]


async def test_the_bar_fits_into_the_smallest_terminal() -> None:
    async with replaying(size=(60, 16)) as replay:
        assert "  0%" in replay.bar
        await replay.press("*")
        assert "max" in replay.bar


async def test_every_screen_has_the_bar() -> None:
    async with replaying() as replay:
        for key in "12345":
            await replay.press(key)
            assert "1x" in replay.bar
        await replay.press("1", "p")
        await replay.wait(3)
        await replay.press("enter")
        assert "Transcript" in replay.screen.text
        assert "1x" in replay.bar


async def test_play_and_pause() -> None:
    async with replaying() as replay:
        assert replay.rows() == []
        assert "p plays and pauses" in replay.screen.text
        await replay.press("p")
        await replay.wait(2.95)
        assert replay.rows() == ["T0", "T1", "T2"]
        assert "▶" in replay.bar
        await replay.press("p")
        await replay.wait(60)
        assert replay.rows() == ["T0", "T1", "T2"]
        assert "‖" in replay.bar
        assert replay.since == pytest.approx(2.95)


async def test_step() -> None:
    async with replaying() as replay:
        await replay.press(".")
        assert replay.rows() == ["T0"]
        await replay.press(".", ".")
        assert replay.rows() == ["T0", "T1", "T2"]


async def test_slower_faster_and_as_fast_as_possible() -> None:
    async with replaying() as replay:
        await replay.press(">", ">")
        assert "5x" in replay.bar
        await replay.press("<", "<", "<", "<", "<", "<")
        assert "0.25x" in replay.bar
        await replay.press("*", "p")
        assert "max" in replay.bar
        assert replay.rows() == [f"T{n}" for n in range(20)]
        assert "100%" in replay.bar


@pytest.mark.parametrize(
    ("keys", "since"),
    [
        (["right"], 20.0),
        (["right", "left"], 10.0),
        (["left", "left"], 0.0),
        (["shift+right"], 11.0),
        (["shift+left"], 9.0),
        ([":", "7", "5", "%", "enter"], 15.0),
        ([":", "+", "4", "s", "enter"], 4.0),
        ([":", "+", "4", "s", "escape"], 10.0),
    ],
)
async def test_seeking(keys: list[str], since: float) -> None:
    async with replaying(errors()) as replay:
        await replay.seek(10)
        await replay.press(*keys)
        assert replay.since == pytest.approx(since, abs=0.5)


async def test_seeking_by_the_clock_is_in_local_time() -> None:
    async with replaying(errors()) as replay:
        at = datetime.fromtimestamp(START + 7).strftime("%H:%M:%S")
        await replay.press(":", *at, "enter")
        assert replay.since == 7


async def test_a_place_that_is_none_is_told() -> None:
    async with replaying() as replay:
        await replay.press(":", *"noon", "enter")
        assert "'noon' is no place" in replay.screen.text
        await replay.press("escape")
        assert replay.since == 0


async def test_a_jump_shows_what_was_before_it_and_no_more() -> None:
    async with replaying() as replay:
        await replay.seek(12.5)
        await replay.shows([f"T{n}" for n in range(12)])
        await replay.seek(3.5)
        await replay.shows(["T0", "T1", "T2"])


async def test_a_jump_keeps_the_filter() -> None:
    async with replaying() as replay:
        await replay.seek(2.5)
        await replay.press("slash", *"id:T3", "enter")
        await replay.shows([])
        await replay.press("right")
        await replay.shows(["T3"])


async def test_the_next_error() -> None:
    async with replaying(errors()) as replay:
        await replay.press("n")
        assert replay.rows()[-1] == "T50"
        await replay.press("n")
        assert replay.rows()[-1] == "T52"
        await replay.press("n")
        assert "There is no error behind this point." in replay.screen.text


async def test_a_loop() -> None:
    async with replaying() as replay:
        assert "[loop]" not in replay.bar
        await replay.press("L", "p")
        assert "[loop]" in replay.bar
        await replay.wait(25)
        await replay.wait(0.5)
        assert replay.playback.playing
        assert replay.since < 1
        assert replay.rows() == []


async def test_bans_are_a_rehearsal() -> None:
    async with replaying(size=(160, 48)) as replay:
        await replay.seek(5.5)
        await replay.shows([f"T{n}" for n in range(5)])
        await replay.press("b", "enter")
        told = "the lists would have refused 5 of these 5"
        assert told in replay.screen.lines[1]
        assert f"Rehearsing: {told}. u takes it back." in replay.screen.text
        await replay.press("p")
        await replay.wait(2.95)
        assert "refused 8 of these 8" in replay.screen.lines[1]
        await replay.press("u")
        assert "the lists are a rehearsal" in replay.screen.lines[1]


async def test_what_bans_would_have_done_is_told_however_long_the_name() -> None:
    async with replaying(of_events("day" * 20 + ".mxtap", day(5))) as replay:
        await replay.seek(3.5)
        await replay.shows(["T0", "T1", "T2"])
        await replay.press("b", "enter")
        assert "the lists would have refused 3 of these 3" in replay.screen.lines[1]
        assert "y.mxtap" in replay.screen.lines[1]


async def test_the_session_s_clock_is_that_of_the_screens() -> None:
    async with replaying() as replay:
        await replay.seek(5.5)
        assert replay.screen.app.desk.clock() == START + 5.5
        await replay.press("slash", *"age<2s", "enter")
        await replay.shows(["T3", "T4"])


@pytest.mark.parametrize(
    ("text", "does"),
    [
        ("‖", "play"),
        ("step", "step"),
        ("<", "slower"),
        (">", "faster"),
        ("error", "error"),
        ("loop", "loop"),
    ],
)
async def test_the_mouse_on_the_bar(text: str, does: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(ReplayBar, "do", lambda self, what: done.append(what))
    async with replaying() as replay:
        await replay.click(text)
        assert done == [does]


async def test_the_mouse_on_the_slider() -> None:
    async with replaying(errors()) as replay:
        bar = replay.bar
        start, end = bar.index("●"), bar.rindex("─")
        await replay.screen.pilot.click(ReplayBar, offset=((start + end) // 2, 0))
        await replay.screen.settle()
        assert replay.playback.percent == pytest.approx(50, abs=3)
        await replay.screen.pilot.click(ReplayBar, offset=(end, 0))
        await replay.screen.settle()
        assert replay.playback.percent == 100


async def test_the_keys_are_in_the_help_and_hold_in_a_replay_only() -> None:
    async with replaying() as replay:
        await replay.press("?")
        told = helped(replay.screen)
        assert all(key.help in told for key in of("replay"))
    async with running(FakeFeed([record(1)])) as screen:
        await screen.press(*(key.keys.split(",")[0] for key in of("replay")))
        assert not screen.app.query(ReplayBar)
        await screen.press("?")
        assert not any(key.help in helped(screen) for key in of("replay"))


@pytest.mark.parametrize("replay", [True, False])
async def test_the_palette_has_the_transport_in_a_replay_only(replay: bool) -> None:
    feed = CaptureFeed(errors()) if replay else FakeFeed([record(1)])
    async with running(feed) as screen:  # type: ignore[arg-type]
        commands = {c.title: c.callback for c in screen.app.get_system_commands(screen.app.screen)}
        assert all((key.label in commands) is replay for key in of("replay") if key.name != "back")
        if isinstance(feed, CaptureFeed):
            await commands["Far on"]()  # type: ignore[misc]
            assert feed.playback.percent == pytest.approx(5)


async def test_a_replay_that_is_as_fast_as_possible_is_shown_whole() -> None:
    async with replaying(speed=math.inf) as replay:
        await replay.press("p")
        assert len(replay.rows()) == 20
