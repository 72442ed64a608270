"""The writer keeps out of the mail's way, rotates, expires and stops at the floor."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from capture_sessions import START, session

from monitor import events as ev
from monitor.capture import writer as writing
from monitor.capture.folder import RETRY, CaptureFolder
from monitor.capture.reader import Capture
from monitor.capture.sheet import Sheet
from monitor.capture.writer import CaptureWriter
from monitor.config import Capture as Settings


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


def sheet(number: int = 1) -> Sheet:
    made = Sheet()
    for event in session(number):
        made.add(event)
    return made


def events_in(path: Path) -> list[ev.AnyEvent]:
    with Capture(path) as capture:
        assert capture.problems == []
        return [event for number in range(len(capture.frames)) for event in capture.read(number)]


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_size_rotates(tmp_path: Path, clock: Clock) -> None:
    folder = CaptureFolder(tmp_path, Settings(rotate_size=1, disk_floor=0), clock=clock)
    for number in range(3):
        assert folder.write(sheet(number))
    folder.close()
    assert {len(events_in(path)) for path in files(tmp_path)} == {len(session())}
    assert len(files(tmp_path)) == 3


def test_age_rotates(tmp_path: Path, clock: Clock) -> None:
    folder = CaptureFolder(tmp_path / "new", Settings(rotate_age=60, disk_floor=0), clock=clock)
    folder.write(sheet(1))
    clock.now += 59
    folder.write(sheet(2))
    clock.now += 1
    folder.write(sheet(3))
    folder.close()
    paths = files(tmp_path / "new")
    assert [path.name for path in paths] == ["20260301T120000Z.mxtap", "20260301T120100Z.mxtap"]
    assert events_in(paths[0]) == session(1) + session(2)
    assert events_in(paths[1]) == session(3)


def test_old_captures_go_and_other_files_stay(tmp_path: Path, clock: Clock) -> None:
    for name in ("20250101T000000Z.mxtap", "20250101T000000Z-2.mxtap", "kept.mxtap", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (START - 15 * 86_400,) * 2)
    (tmp_path / "20260228T000000Z.mxtap").write_bytes(b"")
    os.utime(tmp_path / "20260228T000000Z.mxtap", (START - 86_400,) * 2)
    folder = CaptureFolder(tmp_path, Settings(disk_floor=0), clock=clock)
    folder.write(sheet())
    folder.close()
    assert [path.name for path in files(tmp_path)] == [
        "20260228T000000Z.mxtap",
        "20260301T120000Z.mxtap",
        "kept.mxtap",
        "notes.txt",
    ]


def test_it_stops_at_the_floor_says_so_and_goes_on_later(tmp_path: Path, clock: Clock) -> None:
    free = [10 << 20]
    folder = CaptureFolder(
        tmp_path, Settings(disk_floor=5 << 20), clock=clock, free=lambda _: free[0]
    )
    assert folder.write(sheet(1))
    free[0] = 4 << 20
    assert not folder.write(sheet(2))
    assert "mail goes on: 4 MiB are free" in folder.problem
    free[0] = 10 << 20
    assert not folder.write(sheet(3))  # not asked again so soon
    clock.now += RETRY
    assert folder.write(sheet(4))
    assert folder.problem == ""
    folder.close()
    assert [events_in(path) for path in files(tmp_path)] == [session(1), session(4)]


def test_a_disk_in_trouble_is_told_and_what_was_written_stays(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = CaptureFolder(tmp_path, Settings(disk_floor=0), clock=clock)
    folder.write(sheet(1))

    def full(self: object, octets: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("monitor.capture.file.CaptureFile._put", full)
        assert not folder.write(sheet(2))
    assert "No space left on device" in folder.problem
    assert events_in(files(tmp_path)[0]) == session(1)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_bytes(b"")
    folder = CaptureFolder(tmp_path / "file" / "captures", Settings(), clock=clock)
    assert not folder.write(sheet())
    assert "capture stopped" in folder.problem


def test_the_writer_writes_what_it_was_given(tmp_path: Path) -> None:
    writer = CaptureWriter(CaptureFolder(tmp_path, Settings(disk_floor=0)), "headers")
    writer.start()
    for number in range(100):
        for event in session(number):
            writer([event])
    writer.close()
    (path,) = files(tmp_path)
    assert events_in(path) == [event for number in range(100) for event in session(number)]
    assert (writer.lost, writer.problem) == (0, "")


def test_a_hanging_disk_never_holds_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "QUEUED", 100)
    entered, release = threading.Event(), threading.Event()

    class Hanging(CaptureFolder):
        def write(self, sheet: Sheet) -> bool:
            entered.set()
            release.wait(10)
            return super().write(sheet)

    writer = CaptureWriter(Hanging(tmp_path, Settings(disk_floor=0)), "headers", flush=0)
    writer.start()
    writer(session()[:1])
    assert entered.wait(10)
    for _ in range(150):
        writer(session()[1:2])
    assert writer.lost == 50
    assert "too slow" in writer.problem
    writer.close(timeout=0.01)  # does not wait for the disk either
    release.set()
    writer.close()
    with Capture(files(tmp_path)[0]) as capture:
        for number in range(len(capture.frames)):
            capture.read(number)
        assert any("50 events are missing" in problem for problem in capture.problems)


def test_queued_content_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "QUEUED_BODIES", 200_000)
    writer = CaptureWriter(CaptureFolder(tmp_path, Settings(disk_floor=0)), "full")
    events = session(body=b"z" * 300_000)
    for event in events:
        writer([event])
    assert writer.lost == 2
    writer.start()
    writer.close()


def test_an_event_that_cannot_be_written_costs_no_other(tmp_path: Path) -> None:
    writer = CaptureWriter(CaptureFolder(tmp_path, Settings(disk_floor=0)), "headers")
    writer.start()
    writer([ev.Command(session="S", at=START, text="\ud800")])
    for event in session():
        writer([event])
    writer.close()
    with Capture(files(tmp_path)[0]) as capture:
        assert capture.read(1) == session()
        assert "1 events are missing" in capture.problems[0]


def test_content_that_was_held_back_goes_into_frames_that_can_be_read(tmp_path: Path) -> None:
    folder = CaptureFolder(tmp_path, Settings(disk_floor=0))
    capture = CaptureWriter(folder, "headers")
    at, piece = {"session": "s", "at": START}, bytes(1024 * 1024)
    told: list[ev.AnyEvent] = [
        ev.Mail(**at, transaction="s-1", address="a@b.test", code=250, reply="ok", by="upstream"),
        *(
            ev.Body(**at, transaction="s-1", offset=number * len(piece), data=piece)
            for number in range(8)
        ),
        ev.Found(**at, about="s-1", findings=(ev.Finding(code="x.y", severity="error", title=""),)),
    ]
    for event in told:
        capture([event])
    capture.start()
    capture.close()
    [path] = files(tmp_path)
    assert events_in(path) == told
