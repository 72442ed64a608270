"""Saving from the screen: sessions, all that match, a message; and the transcript, copied."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest
from ui_fakes import FakeFeed, record
from ui_screen import running

from monitor import events as ev
from monitor.capture.feed import CaptureFeed
from monitor.capture.reader import Capture
from monitor.capture.reel import of_events
from monitor.control.feed import FeedError
from monitor.events import AnyEvent

sys.path.insert(0, str(Path(__file__).parents[1] / "capture"))

from capture_sessions import START, day

HEADER = r"From: shop@broken.example\x0d\x0aSubject: s\x0d\x0a"
OCTETS = b"Subject: s\r\n\r\n\x00\xff\r\n" + b"x" * 2_327


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the operator is."""
    path = tmp_path / "here"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


class Captured(FakeFeed):
    """A relay that captured the messages of some sessions in full."""

    whole: tuple[str, ...] = ()

    async def evidence(self, session: str) -> list[AnyEvent]:
        events: list[AnyEvent] = []
        for event in await self.transcript(session):
            if isinstance(event, ev.Content):
                event = msgspec.structs.replace(event, header=HEADER)
            events.append(event)
            if isinstance(event, ev.Content) and session in self.whole:
                body = {"session": session, "at": event.at, "transaction": event.transaction}
                events.append(ev.Body(**body, offset=0, data=OCTETS))
        return events


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def sessions_in(path: Path) -> list[str]:
    with Capture(path) as capture:
        assert not capture.problems
        events = [event for n in range(len(capture.frames)) for event in capture.read(n)]
    return list(dict.fromkeys(event.session for event in events))


def feed_of(count: int, *whole: str) -> Captured:
    feed = Captured([record(n) for n in range(count)])
    feed.whole = whole
    return feed


async def test_the_session_under_the_cursor(folder: Path) -> None:
    async with running(feed_of(5, "s4"), (160, 48)) as screen:
        await screen.press("s")
        await screen.until("captured in full: 2,345 octets")
        await screen.press("enter")
        await screen.until("Saved 1 session to mxtap-t4.mxtap.")
        assert "Not captured in full" not in screen.text
    assert sessions_in(folder / "mxtap-t4.mxtap") == ["s4"]
    with Capture(folder / "mxtap-t4.mxtap") as capture:
        assert capture.header.rules == {"name": "mx.home.example"}


async def test_what_was_not_captured_in_full_is_said_and_saved_without(folder: Path) -> None:
    async with running(feed_of(5), (160, 48)) as screen:
        await screen.press("s")
        await screen.until("not captured in full: there is its header only")
        await screen.press("enter")
        await screen.until("Not captured in full: 1 of 1 message.")
    assert sessions_in(folder / "mxtap-t4.mxtap") == ["s4"]


async def test_what_was_captured_just_now_is_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Flushed(Captured):
        async def evidence(self, session: str) -> list[AnyEvent]:
            events = await super().evidence(session)
            self.whole = (session,)  # from now on
            return events

    monkeypatch.setattr("monitor.ui.saving._FLUSHED", 0.05)
    just = record(4).ended.timestamp()
    async with running(Flushed([record(4)]), (160, 48), clock=lambda: just) as screen:
        await screen.press("s")
        await screen.until("captured in full: 2,345 octets")


async def test_the_marked_sessions(folder: Path) -> None:
    async with running(feed_of(5), (160, 48)) as screen:
        await screen.press("g", "m", "m", "s")
        assert "[2 sessions]" in screen.text
        await screen.press("enter")
        await screen.until("Saved 2 sessions")
    [path] = files(folder)
    assert sessions_in(path) == ["s0", "s1"]


async def test_all_that_match_the_filter(folder: Path) -> None:
    async with running(feed_of(40), (160, 48)) as screen:
        await screen.press("slash", *"code:450", "enter", "s", "right")
        assert "[all that match]" in screen.text
        assert "matches code:450" in screen.text
        await screen.press("enter")
        await screen.until("Saved 5 sessions")
    [path] = files(folder)
    assert sessions_in(path) == ["s4", "s12", "s20", "s28", "s36"]


async def test_the_message_as_it_came(folder: Path) -> None:
    async with running(feed_of(5, "s4"), (160, 48)) as screen:
        await screen.press("enter", "s", "right")
        await screen.until("[the message]")
        await screen.press("enter")
        await screen.until("Saved the message to mxtap-t4.eml.")
    path = folder / "mxtap-t4.eml"
    assert path.read_bytes() == OCTETS
    assert path.stat().st_mode & 0o777 == 0o600


async def test_of_a_message_that_was_not_captured_in_full_the_header(folder: Path) -> None:
    async with running(feed_of(5), (160, 48)) as screen:
        await screen.press("s", "right")
        await screen.until("there is its header only")
        await screen.press("enter")
        await screen.until("Saved the header, all that was captured, to mxtap-t4.eml.")
    path = folder / "mxtap-t4.eml"
    assert path.read_bytes() == b"From: shop@broken.example\r\nSubject: s\r\n\r\n"


async def test_no_message_no_file(folder: Path) -> None:
    class Envelopes(FakeFeed):
        async def evidence(self, session: str) -> list[AnyEvent]:
            said = await self.transcript(session)
            return [event for event in said if not isinstance(event, ev.Content)]

    async with running(Envelopes([record(4)]), (160, 48)) as screen:
        await screen.press("s", "right")
        await screen.until("Nothing of a message was captured.")
        await screen.press("enter")
        await screen.until("nothing of a message was captured")
        await screen.press("escape")
    assert files(folder) == []


async def test_no_file_is_written_over(folder: Path) -> None:
    (folder / "mxtap-t4.mxtap").write_text("mine")
    async with running(feed_of(5), (160, 48)) as screen:
        await screen.press("s", "enter")
        await screen.until("mxtap-t4.mxtap exists already")
        await screen.press("tab", *"-2", "enter")
        await screen.until("Saved 1 session to mxtap-t4.mxtap-2.")
    assert (folder / "mxtap-t4.mxtap").read_text() == "mine"


async def test_what_is_no_longer_kept_is_told(folder: Path) -> None:
    async with running(feed_of(5), (160, 48)) as screen:
        screen.feed.kept.clear()
        await screen.press("s", "enter")
        await screen.until("nothing of this is kept any more")
        assert files(folder) == []


async def test_a_relay_that_went_away_leaves_no_file(folder: Path) -> None:
    class Lost(Captured):
        async def evidence(self, session: str) -> list[AnyEvent]:
            raise FeedError("the relay went away")

    async with running(Lost([record(4)]), (160, 48)) as screen:
        await screen.press("s", "enter")
        await screen.until("the relay went away")
    assert files(folder) == []


async def test_with_no_transaction_there_is_nothing_to_save() -> None:
    async with running(FakeFeed(), (160, 48)) as screen:
        await screen.press("s")
        assert "There is nothing to save" in screen.text


async def test_a_replay_is_saved_in_parts(folder: Path) -> None:
    feed = CaptureFeed(of_events("day", day(10), size=11))
    async with running(feed, (160, 48)) as screen:  # type: ignore[arg-type]
        feed.playback.seek(START + 5.5)
        await screen.until("▌ 12:00:04")
        await screen.press("s", "enter")
        await screen.until("Saved 1 session to mxtap-T4.mxtap.")
    assert sessions_in(folder / "mxtap-T4.mxtap") == ["S4"]


async def test_the_transcript_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(feed_of(5), (160, 48)) as screen:
        copied: list[str] = []
        monkeypatch.setattr(screen.app, "copy_to_clipboard", copied.append)
        await screen.press("Y")
        await screen.press("enter", "Y")
        await screen.until("Copied the transcript.")
        assert len(copied) == 2
        assert "→ MAIL FROM:<bulk@rapid.example>" in copied[0]
        assert copied[0] == copied[1]
        monkeypatch.setattr("monitor.ui.draw.transcript._MAX_CLIPBOARD", 100)
        await screen.press("Y")
        await screen.until("Only its beginning")
        assert len(copied[2]) == 100
        screen.feed.kept.clear()
        await screen.press("Y")
        await screen.until("no longer kept")
        assert len(copied) == 3
