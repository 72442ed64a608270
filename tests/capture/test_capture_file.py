"""What was written is read again, at any place, and however the writing ended."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import zstandard
from capture_sessions import START, day, session

from monitor import events as ev
from monitor.capture import format as fmt
from monitor.capture import migrations
from monitor.capture.file import CaptureFile, new_header, save
from monitor.capture.reader import Capture
from monitor.capture.reel import of_captures
from monitor.capture.sheet import Sheet


def written(path: Path, events: list[ev.AnyEvent], *, each: int = 50, index: bool = True) -> Path:
    file = CaptureFile(path, new_header(START, "mx", "headers"))
    for start in range(0, len(events), each):
        sheet = Sheet()
        for event in events[start : start + each]:
            sheet.add(event)
        file.write(sheet)
    file.close(index=index)
    return path


def read(path: Path) -> tuple[list[ev.AnyEvent], list[str]]:
    with Capture(path) as capture:
        events = [event for number in range(len(capture.frames)) for event in capture.read(number)]
        return events, capture.problems


@pytest.fixture
def events() -> list[ev.AnyEvent]:
    return list(day(20, body=b"\x00\xff" * 40_000))


@pytest.mark.parametrize("index", [True, False])
def test_a_round_trip_gives_the_same_events(
    tmp_path: Path, events: list[ev.AnyEvent], index: bool
) -> None:
    path = written(tmp_path / "a.mxtap", events, index=index)
    assert read(path) == (events, [])
    with Capture(path) as capture:
        assert capture.header.relay == "mx"
        assert [f.note.events for f in capture.frames][:2] == [0, 50]
        assert sum(f.note.transactions for f in capture.frames) == 20


def test_a_capture_is_private(tmp_path: Path) -> None:
    save(tmp_path / "a.mxtap", session())
    assert stat.S_IMODE((tmp_path / "a.mxtap").stat().st_mode) == 0o600


def test_zstd_itself_shows_the_lines(
    tmp_path: Path, events: list[ev.AnyEvent], needs: Callable[..., None]
) -> None:
    needs("zstd")
    path = written(tmp_path / "a.mxtap", events)
    shown = subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout
    lines = shown.splitlines()
    assert msgspec.json.decode(lines[0])["mxtap"] == "capture"
    assert [ev.decode(line) for line in lines[1:]] == events


def test_every_cut_leaves_the_whole_frames(tmp_path: Path) -> None:
    events = list(day(8))
    whole = written(tmp_path / "a.mxtap", events, each=20, index=False).read_bytes()
    with Capture(tmp_path / "a.mxtap") as capture:
        ends = [frame.offset + frame.note.size for frame in capture.frames]
    cut = tmp_path / "cut.mxtap"
    for length in [*range(ends[0], len(whole), 97), *ends]:
        cut.write_bytes(whole[:length])
        got, problems = read(cut)
        frames = sum(end <= length for end in ends)
        assert got == events[: 20 * (frames - 1)]
        assert bool(problems) == (length not in ends)


def test_a_damaged_frame_costs_no_other(tmp_path: Path, events: list[ev.AnyEvent]) -> None:
    path = written(tmp_path / "a.mxtap", events)
    with Capture(path) as capture:
        middle = capture.frames[3]
    octets = bytearray(path.read_bytes())
    octets[middle.offset + middle.note.size // 2] ^= 0xFF
    path.write_bytes(octets)
    got, problems = read(path)
    assert got == events[:100] + events[150:]
    assert len(problems) == 1
    assert f"octets from {middle.offset} are lost" in problems[0]


def test_a_damaged_note_costs_its_frame_when_the_index_is_gone(
    tmp_path: Path, events: list[ev.AnyEvent]
) -> None:
    path = written(tmp_path / "a.mxtap", events, index=False)
    with Capture(path) as capture:
        before = capture.frames[2]
    octets = bytearray(path.read_bytes())
    octets[before.offset + before.note.size + 9] = 0
    path.write_bytes(octets)
    got, problems = read(path)
    assert got == events[:100] + events[150:]
    assert "damaged from octet" in problems[0]


def test_a_damaged_index_is_done_without(tmp_path: Path, events: list[ev.AnyEvent]) -> None:
    path = written(tmp_path / "a.mxtap", events)
    octets = bytearray(path.read_bytes())
    octets[-60] ^= 0x15
    path.write_bytes(octets)
    got, problems = read(path)
    assert got == events
    assert len(problems) <= 1


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"", "is empty"),
        (b"\xd4\xc3\xb2\xa1 a pcap", "is not a capture"),
        (b'{"event":"opened"}\n', "is not a capture"),
        (zstandard.compress(b'{"event":"opened"}\n'), "zstd, but not a capture"),
        (fmt.NOTE_MAGIC + b"\xff\xff\xff\xff" * 200, "nothing of it can be read"),
        (fmt.NOTE_MAGIC * 5_000, "nothing of it can be read"),
    ],
)
def test_other_files_are_told_from_captures(tmp_path: Path, octets: bytes, says: str) -> None:
    path = tmp_path / "other"
    path.write_bytes(octets)
    with pytest.raises(fmt.CaptureError, match=says):
        Capture(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(fmt.CaptureError, match="cannot be read: No such file"):
        Capture(tmp_path / "none.mxtap")


def test_a_newer_version_is_told(tmp_path: Path) -> None:
    newer = msgspec.structs.replace(new_header(START, "mx", "full"), version=99)
    CaptureFile(tmp_path / "a.mxtap", newer).close()
    with pytest.raises(fmt.CaptureError, match=r"is of version 99 .* use a newer one"):
        Capture(tmp_path / "a.mxtap")


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mxtap", session(), index=False)
    bomb = zstandard.compress(bytes(fmt.MAX_RAW * 40))
    note = fmt.Note(len(bomb), 9, START + 2, START + 2, 1)
    with path.open("ab") as file:
        file.write(fmt.skippable(fmt.NOTE_MAGIC, msgspec.json.encode(note)) + bomb)
    got, problems = read(path)
    assert got == session()
    assert "more than 8 MiB" in problems[0]


def test_lines_of_later_versions_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.mxtap"
    written(path, session(), index=False)
    lines = b'{"event":"telepathy","session":"S1","at":1.0}\n' + ev.encode(session()[0]) + b"\n"
    with path.open("ab") as file:
        file.write(fmt.pack(lines, fmt.Note(0, 0, START, START, 2))[1])
    got, problems = read(path)
    assert got == [*session(), session()[0]]
    assert "1 lines" in problems[0]


def test_text_of_strangers_is_made_safe(tmp_path: Path) -> None:
    evil = "\x1b[2J\u202e[/bold]\n"
    shown = r"\x1b[2J\u202e[/bold]\x0a"
    found = ev.Finding(
        code="spf.fail",
        severity="error",
        title=evil,
        evidence={evil: [evil, {"a": (evil,)}], "n": 1},
    )
    events = [
        ev.Command(session=evil, at=START, text=evil),
        ev.Reply(session="S", at=START, code=250, lines=("ok", evil), by="upstream", phase="eod"),
        ev.Found(session="S", at=START, about="T", findings=(found,)),
    ]
    got, problems = read(written(tmp_path / "a.mxtap", events))
    assert problems == []
    command, reply, told = got
    assert (command.session, command.text) == (shown, shown)
    assert reply.lines == ("ok", shown)
    assert told.findings[0].title == shown
    assert told.findings[0].evidence == {shown: [shown, {"a": [shown]}], "n": 1}


def test_past_versions_are_brought_forward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.mxtap", session())

    def rename(line: migrations.Line) -> migrations.Line:
        return {**line, "relay": "renamed"} if line["event"] == "opened" else line

    monkeypatch.setattr("monitor.capture.reader.VERSION", 2)
    monkeypatch.setattr("monitor.capture.migrations.VERSION", 2)
    monkeypatch.setitem(migrations.STEPS, 1, rename)
    got, problems = read(path)
    assert (got[0].relay, got[1:], problems) == ("renamed", session()[1:], [])


def test_version_1_is_read(request: pytest.FixtureRequest) -> None:
    path = request.config.rootpath / "tests/fixtures/captures/version-1.mxtap"
    got, problems = read(path)
    assert problems == []
    assert got == [*session(1, body=b"Hello\r\n" * 30_000), *session(2, at=START + 60)]


def test_saving_does_not_overwrite(tmp_path: Path) -> None:
    assert save(tmp_path / "a.mxtap", session()) == len(session())
    with pytest.raises(fmt.CaptureError, match="exists already"):
        save(tmp_path / "a.mxtap", session())


def test_a_reel_finds_pieces_by_time_over_several_files(tmp_path: Path) -> None:
    late = list(day(5))
    early = [
        msgspec.structs.replace(event, at=event.at - 3_600) for event in day(5, severity="error")
    ]
    paths = [written(tmp_path / "b.mxtap", late), written(tmp_path / "a.mxtap", early)]
    reel = of_captures("both", [Capture(path) for path in paths])
    try:
        assert list(reel.events()) == early + late
        assert (reel.start, reel.end) == (early[0].at, late[-1].at)
        assert reel.transactions == 10
        assert reel.find(0) == 0
        assert list(reel.events(reel.find(START))) == late
        assert reel.find(START + 1e6) == len(reel)
        assert reel.next_error(0) == 0
        assert reel.next_error(reel.find(START)) is None
    finally:
        reel.close()
