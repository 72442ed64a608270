"""Looking back in a reel: records newest first, and the events of one session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf
from typing import NamedTuple

from monitor import events as ev
from monitor.assembler import Assembler
from monitor.capture.reel import Reel
from monitor.record import Record

WINDOW = 16  # pieces that are read at once, at most
MAX_EVENTS = 20_000  # of one session
MAX_OCTETS = 64 * 1024 * 1024  # of its messages


class Batch(NamedTuple):
    """Records in order, and the time up to which all are told: None where there are no more."""

    records: list[Record]
    reached: float | None


def backwards(reel: Reel, before: float) -> Iterator[Batch]:
    """The records that ended before ``before``, newest first."""
    stop = min(reel.find(before) + 1, len(reel))
    size = 1
    while stop > 0:
        start = max(0, stop - size)
        ended = (event for index in range(start, stop) for event in reel[index].load())
        records = _told(_primed(reel, start), ended, -inf, before)
        records.sort(key=lambda record: record.ended, reverse=True)
        yield Batch(records, reel[start].first if start else None)
        stop, size = start, min(size * 2, WINDOW)


def forwards(reel: Reel, after: float, until: float) -> Iterator[Batch]:
    """The records that ended from ``after`` on and before ``until``, oldest first."""
    start, stop = reel.find(after), min(reel.find(until) + 1, len(reel))
    assembler = _primed(reel, start)
    for index in range(start, stop):
        records = _told(assembler, reel[index].load(), after, until)
        records.sort(key=lambda record: record.ended)
        yield Batch(records, reel[index].last if index < stop - 1 else None)


def _primed(reel: Reel, start: int) -> Assembler:
    """An assembler that knows the sessions which are open where piece ``start`` begins."""
    assembler = Assembler()
    for index in range(reel.lead_in(start), start):
        for event in reel[index].load():
            assembler.feed(event)
    return assembler


def _told(
    assembler: Assembler, events: Iterable[ev.AnyEvent], after: float, before: float
) -> list[Record]:
    return [
        output
        for event in events
        for output in assembler.feed(event)[1]
        if isinstance(output, Record) and after <= event.at < before
    ]


def session_events(reel: Reel, session: str, start: float, limit: float) -> list[ev.AnyEvent]:
    """The events of ``session``, which was open at ``start``; ``limit`` is where to stop.

    A file may be a stranger's: it gives ``MAX_EVENTS`` at most, and of messages ``MAX_OCTETS``.
    """
    found: list[ev.AnyEvent] = []
    octets = 0
    for index in range(reel.lead_in(reel.find(start)), len(reel)):
        if reel[index].first > limit:
            break
        for event in reel[index].load(session):
            if isinstance(event, ev.Body):
                octets += len(event.data)
                if octets > MAX_OCTETS:
                    continue
            found.append(event)
            if isinstance(event, ev.Closed) or len(found) >= MAX_EVENTS:
                return found
    return found
