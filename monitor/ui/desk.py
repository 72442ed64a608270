"""The operator's desk: one feed, what is known through it, and what was done to the lists."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from monitor.capture.feed import CaptureFeed
from monitor.control.feed import Feed
from monitor.events import AnyEvent
from monitor.filter import Filter
from monitor.filter.order import Order, Page, Place
from monitor.findings.retry.waiting import Wait
from monitor.insight.cards import Report
from monitor.insight.questions import LetterTo, ReportOn, WhatIf, Written
from monitor.insight.whatif.answer import Answer
from monitor.record import Record
from monitor.ui.changes import Changes
from monitor.ui.filters import Filters
from monitor.ui.state.model import Model
from monitor.ui.state.spans import SPANS

__all__ = ["PAGE", "Desk"]

PAGE = 500  # records asked of history at a time
_FIRST = 1_000  # and at the start
_MAX_PAGES = 40  # of what was missed
_MARGIN = timedelta(seconds=60)  # updates are dropped a little before one is told so
_BREATH = 64  # updates taken before others may run


class Desk:
    """Every screen works on this. Calls that reach the relay may raise FeedError."""

    def __init__(
        self,
        feed: Feed,
        clock: Callable[[], float] | None = None,
        filters: Filters | None = None,
    ) -> None:
        """``clock`` gives epoch seconds: the wall's, or in a replay the session's."""
        self.feed = feed
        self.replay = feed if isinstance(feed, CaptureFeed) else None
        self.clock = clock or (feed.now if isinstance(feed, CaptureFeed) else time.time)
        self.model = Model(self.clock)
        self.filters = filters or Filters()
        self.changes = Changes(feed, self.model, self.clock)

    # -- what comes in

    async def open(self) -> None:
        """Connect, and learn the present state."""
        self.model.take(await self.feed.start())

    async def watch(self) -> None:
        """Take updates until the feed is closed."""
        taken = 0
        async for update in self.feed.updates():
            self.model.take(update)
            taken += 1
            if not taken % _BREATH:
                await asyncio.sleep(0)

    async def begin(self) -> None:
        """Fill the screen with what happened before."""
        jumps = self.model.jumps
        self.model.entries = tuple(await self.feed.lists())
        records = await self.feed.history(limit=_FIRST)
        if jumps == self.model.jumps:
            self.model.window.complete = len(records) < _FIRST
            self.model.caught_up(records)

    async def catch_up(self) -> None:
        """Fetch what was missed while the connection was lost or too slow."""
        since, self.model.missed_since = self.model.missed_since, None
        self.model.missed = False
        if since is None:
            await self.begin()
            return
        records: dict[str, Record] = {}  # pages overlap by those of the same moment
        before: float | None = None
        for _ in range(_MAX_PAGES):
            page = await self.feed.history(limit=PAGE, before=before)
            records.update((record.id, record) for record in page)
            if len(page) < PAGE or page[-1].ended < since - _MARGIN:
                break
            before = _just_after(page[-1])
        self.model.caught_up(records.values())
        self.model.entries = tuple(await self.feed.lists())

    # -- going through history

    async def more(self, *, top: bool) -> int:
        """Fetch the rows behind the first or the last that is shown; how many came.

        -1 when there are none, or the operator asks for something else by now. It may be 0
        where what passes the filter is rare: ask again.
        """
        window = self.model.window
        beyond = window.beyond(top=top)
        if beyond is None:
            return -1
        past, backward = beyond
        before = self._view()
        page = await self._page(window.order, backward, past)
        if self._view() != before:
            return -1
        self.model.version += 1
        return window.extend(page, top=top)

    async def go(self, *, top: bool, order: Order = "ended", descending: bool = False) -> None:
        """Show the first or the last rows of an order."""
        window = self.model.window
        if not top and order == "ended" and not descending:
            self.rejoin()
            return
        if (window.order, window.descending) == (order, descending):
            beyond = window.beyond(top=top)
            if beyond is None:
                return  # they are here
        wanted = window.filter
        page = await self._page(order, top == descending, None)
        if wanted is window.filter:
            window.depart(page, order, descending=descending, top=top)
            self.model.version += 1

    def refilter(self, wanted: Filter | None) -> None:
        """Show only what passes ``wanted``: of what is in memory, until more is asked for."""
        self.model.window.refilter(wanted, self.clock())
        self.model.version += 1

    def rejoin(self) -> None:
        """Back from history to the live rows."""
        if self.model.window.away:
            self.model.window.rejoin(self.clock())
            self.model.version += 1

    async def _page(self, order: Order, backward: bool, past: Place | None) -> Page:
        wanted = self.model.window.filter
        query = wanted.text if wanted else ""
        return await self.feed.page(
            limit=PAGE, query=query, order=order, backward=backward, past=past
        )

    def _view(self) -> object:
        window = self.model.window
        return window.filter, window.order, window.descending, window.away

    async def transcript(self, session: str) -> list[AnyEvent]:
        """What was said in a session."""
        return await self.feed.transcript(session)

    async def waiting(self) -> list[Wait]:
        """Mail that was deferred and has not been accepted since."""
        return await self.feed.waiting()

    async def record(self, transaction: str) -> Record | None:
        """A transaction by its id, where it is still kept."""
        found = await self.feed.history(limit=1, query=f'id:"{transaction}"')
        return found[0] if found else None

    # -- questions about the past

    def span_words(self, span: int) -> str:
        """What span of time a question is about; a recording is looked at as far as it played."""
        return "what was played so far" if self.replay else SPANS[span].words

    def next_span(self, span: int) -> int:
        """Another of the spans; a recording has one."""
        return span if self.replay else (span + 1) % len(SPANS)

    async def report(self, names: Sequence[str], span: int) -> Report:
        """Report cards."""
        question = ReportOn(senders=tuple(names), since=self._since(span))
        return await self.feed.study(question, Report)

    async def whatif(self, words: Sequence[str], span: int) -> Answer:
        """What rules would have done."""
        question = WhatIf(scenarios=tuple(words), since=self._since(span))
        return await self.feed.study(question, Answer)

    async def letter(self, sender: str, *, redact: bool) -> Written:
        """A letter to a sender's postmaster."""
        return await self.feed.study(LetterTo(sender=sender, redact=redact), Written)

    def _since(self, span: int) -> float | None:
        return None if self.replay else self.clock() - SPANS[span].days * 86_400


def _just_after(record: Record) -> float:
    """A time that history takes as behind ``record``; those of the same moment come again."""
    return record.ended.timestamp() + 1e-6
