"""A message can be taken out of a session."""

from __future__ import annotations

from pathlib import Path

from capture_sessions import session

from monitor import events as ev
from monitor.capture.export import message
from monitor.capture.file import save
from monitor.capture.reader import Capture


def test_a_message_is_taken_out_whole(tmp_path: Path) -> None:
    body = bytes(range(256)) * 600
    save(tmp_path / "a.mxtap", session(body=body))
    with Capture(tmp_path / "a.mxtap") as capture:
        assert message(capture.read(1), "T1") == (body, True)


def test_where_only_the_header_was_kept_the_header_is_given() -> None:
    events = [event for event in session(body=b"x" * 99) if not isinstance(event, ev.Body)]
    assert message(events, "T1") == (b"From: a@a.example\r\n\r\n", False)


def test_no_message_no_file() -> None:
    assert message(session()[:8], "T1") is None
    assert message(session(), "T9") is None
