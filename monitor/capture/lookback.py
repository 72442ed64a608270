"""Looking back in a replay: pages of records, and the events of sessions that were told of."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

from monitor.capture.history import Batch, backwards, forwards, session_events
from monitor.capture.reel import Reel
from monitor.events import AnyEvent, Closed
from monitor.filter import parse
from monitor.filter.order import Page, Place, up_to
from monitor.record import Record

PATIENCE = 0.1  # seconds after which a page is given with what was found by then
PLACES = 50_000  # sessions whose place in the file is remembered
SLACK = 600.0  # seconds behind a record in which its session's last events are looked for


class Lookback:
    """Reads in threads. ``clock`` is monotonic; times of the session are epoch seconds."""

    def __init__(self, reel: Reel, clock: Callable[[], float]) -> None:
        self._reel = reel
        self._clock = clock
        self._places: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._looking: tuple[bool, Place | None, Iterator[Batch]] = (True, None, iter(()))

    def place(self, record: Record) -> None:
        """Remember where the session of a record is."""
        start, end = record.started.timestamp(), record.ended.timestamp()
        known = self._places.pop(record.session, (start, end))
        self._places[record.session] = (min(known[0], start), max(known[1], end))
        if len(self._places) > PLACES:
            self._places.popitem(last=False)

    async def page(
        self, limit: int, query: str, now: float, *, backward: bool, past: Place | None
    ) -> Page:
        """Records that ended before ``now``, in the order of time. Raises FilterError."""
        wanted, deadline = parse(query), self._clock() + PATIENCE
        batches = self._batches(backward, past, now)
        found: list[Record] = []
        while True:
            batch = await asyncio.to_thread(next, batches, Batch([], None))
            found += [record for record in batch.records if wanted.matches(record, now)]
            if batch.reached is None or len(found) >= limit or self._clock() > deadline:
                break
        reached = Place(batch.reached, batch.reached) if batch.reached is not None else None
        if len(found) > limit:
            del found[limit:]
            reached = up_to(found[-1], "ended", backward)
        else:
            self._looking = (backward, reached, batches)
        for record in found:
            self.place(record)
        return Page(found, reached)

    def _batches(self, backward: bool, past: Place | None, now: float) -> Iterator[Batch]:
        """The last search where it stopped there, since to begin one takes a while."""
        (was_backward, reached, batches), self._looking = self._looking, (backward, None, iter(()))
        if past is not None and (was_backward, reached) == (backward, past):
            return batches
        if backward:
            return backwards(self._reel, min(past.ended, now) if past else now)
        return forwards(self._reel, past.ended if past else self._reel.start, now)

    async def transcript(self, session: str) -> list[AnyEvent]:
        """The events of a session that was told of; empty for any other."""
        place = self._places.get(session)
        if place is None:
            return []
        started, ended = place
        return await asyncio.to_thread(session_events, self._reel, session, started, ended + SLACK)

    async def events_of(self, sessions: Mapping[str, float]) -> AsyncIterator[AnyEvent]:
        """The events of ``sessions`` (ids, and when they began), in one go through the file."""
        if not sessions:
            return
        first = self._reel.lead_in(self._reel.find(min(sessions.values())))
        wanted = set(sessions)
        for index in range(first, len(self._reel)):
            for event in await asyncio.to_thread(self._reel[index].load):
                if event.session in wanted:
                    yield event
                    if isinstance(event, Closed):
                        wanted.remove(event.session)
            if not wanted:
                return
