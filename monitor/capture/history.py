"""Looking back in a reel: records newest first, and the events of one session."""

from __future__ import annotations

from collections.abc import Iterator

from monitor import events as ev
from monitor.assembler import Assembler
from monitor.capture.reel import Reel
from monitor.record import Record

WINDOW = 16  # pieces that are read at once, at most


def backwards(reel: Reel, before: float) -> Iterator[list[Record]]:
    """The records that ended before ``before``, newest first, in batches."""
    stop = min(reel.find(before) + 1, len(reel))
    size = 1
    while stop > 0:
        start = max(0, stop - size)
        records = _ended_in(reel, start, stop, before)
        yield sorted(records, key=lambda record: record.ended, reverse=True)
        stop, size = start, min(size * 2, WINDOW)


def _ended_in(reel: Reel, start: int, stop: int, before: float) -> list[Record]:
    assembler = Assembler()
    for index in range(reel.lead_in(start), start):
        for event in reel[index].load():
            assembler.feed(event)
    return [
        output
        for index in range(start, stop)
        for event in reel[index].load()
        for output in assembler.feed(event)[1]
        if isinstance(output, Record) and event.at < before
    ]


def session_events(reel: Reel, session: str, start: float, limit: float) -> list[ev.AnyEvent]:
    """The events of ``session``, which was open at ``start``; ``limit`` is where to stop."""
    found: list[ev.AnyEvent] = []
    for index in range(reel.lead_in(reel.find(start)), len(reel)):
        if reel[index].first > limit:
            break
        for event in reel[index].load():
            if event.session == session:
                found.append(event)
                if isinstance(event, ev.Closed):
                    return found
    return found
