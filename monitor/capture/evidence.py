"""A relay's folder of captures, asked for the messages of one session."""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from monitor import events as ev
from monitor.capture.folder import OURS
from monitor.capture.format import CaptureError
from monitor.capture.reader import Capture

MAX_BODIES = 64 * 1024 * 1024  # octets of messages with one session
_SLACK = 60.0  # seconds between an event and the file that it is written to


def with_bodies(folder: Path, events: Sequence[ev.AnyEvent]) -> list[ev.AnyEvent]:
    """``events`` of one session, and behind each message its octets, as far as they are kept.

    Never raises: what cannot be read is not there. Of more than ``MAX_BODIES`` octets none
    is given.
    """
    wanted = {e.transaction for e in events if isinstance(e, ev.Content)}
    if not wanted:
        return list(events)
    bodies: dict[str, list[ev.Body]] = {}
    size = 0
    for event in _captured(folder, events[0].session, events[0].at, events[-1].at):
        if isinstance(event, ev.Body) and event.transaction in wanted:
            bodies.setdefault(event.transaction, []).append(event)
            size += len(event.data)
            if size > MAX_BODIES:
                return list(events)
    whole: list[ev.AnyEvent] = []
    for event in events:
        whole.append(event)
        if isinstance(event, ev.Content):
            whole += bodies.pop(event.transaction, [])
    return whole


def _captured(folder: Path, session: str, start: float, end: float) -> Iterator[ev.AnyEvent]:
    for path in _files(folder, start, end):
        try:
            capture = Capture(path)
        except CaptureError:
            continue
        with capture:
            for number, frame in enumerate(capture.frames):
                note = frame.note
                if note.events and note.first <= end and note.last >= start:
                    yield from capture.read(number, session)


def _files(folder: Path, start: float, end: float) -> list[Path]:
    """The captures that were begun before ``end``, but the ones whose successor was by then."""
    try:
        found = sorted((_begun(p), p) for p in folder.iterdir() if OURS.fullmatch(p.name))
    except OSError:
        return []
    return [
        path
        for at, (begun, path) in enumerate(found)
        if begun <= end + _SLACK and (at + 1 == len(found) or found[at + 1][0] >= start - _SLACK)
    ]


def _begun(path: Path) -> float:
    """When a capture of ours was begun, by its name."""
    try:
        return calendar.timegm(time.strptime(path.name[:16], "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return 0.0
