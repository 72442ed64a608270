"""Sessions are saved whole, in the order of time, and never over another file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from capture_sessions import START, day, session

from monitor import events as ev
from monitor.capture.evidence import with_bodies
from monitor.capture.feed import CaptureFeed
from monitor.capture.file import new_header, save, save_message
from monitor.capture.format import CaptureError
from monitor.capture.reader import Capture
from monitor.capture.reel import of_events
from monitor.capture.saving import Saved, interleaved, save_sessions

os_open = os.open


def full() -> int:
    """A descriptor to which nothing can be written."""
    return os_open("/dev/full", os.O_WRONLY)


HEADER = new_header(START, "mx", "full", {"name": "mx"})


async def given(events: list[ev.AnyEvent]) -> AsyncIterator[ev.AnyEvent]:
    for event in events:
        yield event


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def read(path: Path) -> list[ev.AnyEvent]:
    with Capture(path) as capture:
        assert not capture.problems
        return [event for n in range(len(capture.frames)) for event in capture.read(n)]


def without_bodies(events: list[ev.AnyEvent]) -> list[ev.AnyEvent]:
    return [event for event in events if not isinstance(event, ev.Body)]


async def test_sessions_are_saved_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.mxtap"
    events = [*session(1, body=b"x" * 70_000), *without_bodies(session(2, body=b"y" * 10))]
    told: list[int] = []
    saved = await save_sessions(path, HEADER, given(events), told.append)
    assert saved == Saved(sessions=2, messages=2, lacking=1)
    assert told == [1, 2]
    assert read(path) == events
    assert path.stat().st_mode & 0o777 == 0o600
    with Capture(path) as capture:
        assert capture.header.rules == {"name": "mx"}


async def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.mxtap"
    path.write_text("mine")
    with pytest.raises(CaptureError, match="exists already"):
        await save_sessions(path, HEADER, given(session()))
    with pytest.raises(CaptureError, match="exists already"):
        save_message(path, b"x")
    assert path.read_text() == "mine"


async def test_what_fails_or_is_given_up_leaves_no_file(tmp_path: Path) -> None:
    async def failing() -> AsyncIterator[ev.AnyEvent]:
        yield session()[0]
        raise CaptureError("gone")

    async def endless() -> AsyncIterator[ev.AnyEvent]:
        while True:
            yield session()[0]
            await asyncio.sleep(0)

    with pytest.raises(CaptureError, match="gone"):
        await save_sessions(tmp_path / "a.mxtap", HEADER, failing())
    task = asyncio.create_task(save_sessions(tmp_path / "b.mxtap", HEADER, endless()))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    with pytest.raises(CaptureError, match="cannot be written"):
        await save_sessions(tmp_path / "none" / "c.mxtap", HEADER, given([]))
    assert files(tmp_path) == []


def test_a_disk_that_is_full_leaves_no_half_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.open", lambda path, *_: os_open(path, os.O_CREAT) and full())
    with pytest.raises(CaptureError, match="No space left"):
        save_message(tmp_path / "a.eml", b"x" * 70_000)
    assert files(tmp_path) == []


async def test_sessions_that_were_open_together_stand_in_the_order_of_time() -> None:
    sessions = {n: session(n, at=START + n * 0.25) for n in (1, 2, 3)}
    sessions[9] = session(9, at=START + 100)
    fetched: list[str] = []

    async def fetch(name: str) -> list[ev.AnyEvent]:
        fetched.append(name)
        return sessions.get(int(name[1:]), [])

    wanted = {"S9": START + 100, "S4": START + 50, **{f"S{n}": START + n * 0.25 for n in (3, 1, 2)}}
    got = [event async for event in interleaved(wanted, fetch)]
    assert [event.at for event in got] == sorted(event.at for event in got)
    for events in sessions.values():
        assert [event for event in got if event.session == events[0].session] == events
    assert fetched == ["S1", "S2", "S3", "S4", "S9"]


async def test_a_replay_gives_sessions_in_one_go() -> None:
    feed = CaptureFeed(of_events("day", day(40), size=11))
    wanted = {"S7": START + 7.4, "S30": START + 30.4}
    got = [event async for event in feed.events_of(wanted)]
    assert got == [*session(7, at=START + 7), *session(30, at=START + 30)]
    assert [event async for event in feed.events_of({})] == []


def test_messages_are_found_in_the_relay_s_captures(tmp_path: Path) -> None:
    events = session(3, at=START + 200, body=b"z" * 70_000)
    save(tmp_path / "20260301T115500Z.mxtap", session(1, at=START - 200, body=b"a"))
    save(tmp_path / "20260301T120300Z.mxtap", [*session(2, at=START + 190), *events])
    save(tmp_path / "20260301T130000Z.mxtap", session(4, at=START + 4_000, body=b"b"))
    (tmp_path / "20260301T120400Z.mxtap").write_text("no capture")
    assert with_bodies(tmp_path, without_bodies(events)) == events
    assert with_bodies(tmp_path / "none", without_bodies(events)) == without_bodies(events)
    assert with_bodies(tmp_path, []) == []


def test_no_capture_of_another_time_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hour in range(10, 16):
        save(tmp_path / f"20260301T{hour}0000Z.mxtap", session(hour))
    opened: list[str] = []

    class Counted(Capture):
        def __init__(self, path: Path) -> None:
            opened.append(path.name[9:11])
            super().__init__(path)

    monkeypatch.setattr("monitor.capture.evidence.Capture", Counted)
    with_bodies(tmp_path, without_bodies(session(1, at=START + 600, body=b"x")))
    assert opened == ["12"]


def test_messages_beyond_the_bound_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = session(3, body=b"z" * 70_000)
    save(tmp_path / "20260301T120000Z.mxtap", events)
    monkeypatch.setattr("monitor.capture.evidence.MAX_BODIES", 69_999)
    assert with_bodies(tmp_path, without_bodies(events)) == without_bodies(events)


def test_a_frame_gives_the_events_of_one_session(tmp_path: Path) -> None:
    quoting = [
        msgspec.structs.replace(event, text='say "S2"') if isinstance(event, ev.Command) else event
        for event in session(1)
    ]
    save(tmp_path / "a.mxtap", [*quoting, *session(2)])
    with Capture(tmp_path / "a.mxtap") as capture:
        assert capture.read(1, "S2") == session(2)
