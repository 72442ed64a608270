"""A capture as a feed: what the UI shows of a relay, it shows of a file."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import monitor
from monitor.assembler import Output
from monitor.capture.lookback import Lookback
from monitor.capture.playback import Playback
from monitor.capture.reel import Reel
from monitor.capture.rehearsal import Rehearsal
from monitor.control.feed import FeedError
from monitor.control.protocol import (
    Jumped,
    LateUpdate,
    ListsUpdate,
    RecordUpdate,
    Status,
    Update,
)
from monitor.events import AnyEvent
from monitor.filter import FilterError
from monitor.filter.order import Order, Page, Place
from monitor.findings.retry.waiting import Wait
from monitor.insight.questions import Question, StudyError
from monitor.policy.entry import Draft, Entry
from monitor.record import Record

STATUS = 1.0  # seconds between two updates of the status

T = TypeVar("T")
# The answer to a question about a reel up to a time, given the lists of the rehearsal.
Study = Callable[[Question, Reel, float, list[Entry]], Awaitable[object]]


class CaptureFeed:
    """Implements :class:`monitor.control.feed.Feed` over a reel, at ``playback``'s pace.

    Lists are a rehearsal: nothing is refused, and ``Entry.hits`` says how many of the
    transactions shown since the last jump an entry would have met. After a jump ``Jumped``
    comes first: what was shown before is void, ask ``history``.
    """

    live = False

    def __init__(
        self,
        reel: Reel,
        *,
        speed: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        study: Study | None = None,
    ) -> None:
        self.title = reel.title
        self.reel = reel
        self._wake = asyncio.Event()
        self.playback = Playback(reel, speed=speed, clock=clock, changed=self._wake.set)
        self._clock = clock
        self._study = study
        self.rehearsal = Rehearsal()
        self._relay = ""
        self._counts = dict.fromkeys((2, 4, 5), 0)  # transactions, by the reply's first digit
        self._pace: deque[float] = deque()
        self._lookback = Lookback(reel, clock)
        self._closed = False

    def now(self) -> float:
        """The session's time, epoch seconds."""
        return self.playback.position

    async def start(self) -> Status:
        """The state before anything is played. It plays when ``playback.play`` is called."""
        return self._status()

    async def updates(self) -> AsyncIterator[Update]:
        """What becomes due, and the status once a second, until ``close``."""
        generation, told = self.playback.generation, 0.0
        while not self._closed:
            self._wake.clear()
            if self.playback.generation != generation:
                generation = self.playback.generation
                self._start_anew()
                yield Jumped()
            outputs = self.playback.take()
            taken = self.playback.generation  # a loop may have begun again
            for output in outputs:
                if self.playback.generation == taken:
                    yield self._take(output)
            if self.rehearsal.changed():
                yield ListsUpdate(tuple(self.rehearsal.entries()))
            if (now := self._clock()) - told >= STATUS or not told:
                told = now
                yield self._status()
            if self.playback.generation == generation:
                await self._sleep(self.playback.wait())

    async def history(
        self, *, limit: int = 500, before: float | None = None, query: str = ""
    ) -> list[Record]:
        """Records that were played already, newest first. Raises FeedError for a bad filter."""
        past = None if before is None else Place(before, before)
        found: list[Record] = []
        while True:
            page = await self.page(limit=limit - len(found), query=query, past=past)
            found += page.records
            past = page.reached
            if past is None or len(found) >= limit:
                return found

    async def page(
        self,
        *,
        limit: int,
        query: str = "",
        order: Order = "ended",
        backward: bool = True,
        past: Place | None = None,
    ) -> Page:
        """Records that were played already, in the order of time. Raises FeedError for another."""
        if order != "ended":
            raise FeedError("a recording is shown in the order of time only")
        generation, now = self.playback.generation, self.playback.position
        try:
            page = await self._lookback.page(limit, query, now, backward=backward, past=past)
        except FilterError as error:
            raise FeedError(str(error)) from None
        if self.playback.generation == generation:
            for record in page.records:
                self.rehearsal.judge(record)
            self._wake.set()
        return page

    async def transcript(self, session: str) -> list[AnyEvent]:
        """The events of a session that was told of; empty for any other."""
        return await self._lookback.transcript(session)

    async def evidence(self, session: str) -> list[AnyEvent]:
        """The same: the octets are in it where they were captured."""
        return await self._lookback.transcript(session)

    def events_of(self, sessions: Mapping[str, float]) -> AsyncIterator[AnyEvent]:
        """The events of ``sessions`` (ids, and when they began), in one go through the file."""
        return self._lookback.events_of(sessions)

    async def rules(self) -> dict[str, Any]:
        """Those of the first file."""
        return self.reel.rules

    async def waiting(self) -> list[Wait]:
        """Mail that waits at this point of the replay."""
        return self.playback.witness.waiting(self.playback.position)

    async def study(self, question: Question, form: type[T]) -> T:
        """The answer to a question about what was played so far."""
        if self._study is None:
            raise FeedError("this recording is not asked about its past")
        position, entries = self.playback.position, self.rehearsal.entries()
        try:
            told = await self._study(question, self.reel, position, entries)
        except StudyError as error:
            raise FeedError(str(error)) from None
        assert isinstance(told, form)
        return told

    async def lists(self) -> list[Entry]:
        """The entries of the rehearsal."""
        return self.rehearsal.entries()

    async def add(self, draft: Draft) -> Entry:
        """Rehearse an entry; its hits among what was played are counted at once."""
        try:
            entry = self.rehearsal.add(draft, self.playback.position)
        except ValueError as error:
            raise FeedError(str(error)) from None
        self._wake.set()
        return entry

    async def end(self, entry_id: int) -> Entry:
        """End an entry of the rehearsal."""
        try:
            entry = self.rehearsal.end(entry_id, self.playback.position)
        except KeyError:
            raise FeedError(f"there is no entry {entry_id}") from None
        self._wake.set()
        return entry

    async def close(self) -> None:
        """Stop, and close the files."""
        self._closed = True
        self._wake.set()
        self.reel.close()

    async def _sleep(self, wait: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(STATUS if wait is None else min(wait, STATUS)):
                await self._wake.wait()

    def _start_anew(self) -> None:
        self._counts = dict.fromkeys(self._counts, 0)
        self._pace.clear()
        self.rehearsal.start_anew()

    def _take(self, output: Output) -> Update:
        if not isinstance(output, Record):
            return LateUpdate(output)
        self._relay = self._relay or output.relay
        if output.mail_from is not None and (kind := output.verdict.code // 100) in self._counts:
            self._counts[kind] += 1
        self._pace.append(output.ended.timestamp())
        self._lookback.place(output)
        self.rehearsal.judge(output)
        return RecordUpdate(output)

    def _status(self) -> Status:
        now = self.playback.position
        while self._pace and self._pace[0] < now - 10:
            self._pace.popleft()
        return Status(
            relay=self._relay,
            version=monitor.__version__,
            started=self.reel.start,
            now=now,
            capture="replay",
            transactions=sum(self._counts.values()),
            rate=len(self._pace) / 10,
            problems=tuple(self.reel.problems),
            accepted=self._counts[2],
            deferred=self._counts[4],
            refused=self._counts[5],
        )
