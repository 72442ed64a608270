"""The operator's desk: one feed, what is known through it, and what was done to the lists."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

from monitor.control.feed import Feed, FeedError
from monitor.events import AnyEvent
from monitor.filter import Filter
from monitor.findings.retry.waiting import Wait
from monitor.policy.entry import Draft, Entry
from monitor.record import Record
from monitor.ui.state.model import Model
from monitor.ui.state.suggest import draft_of

__all__ = ["PAGE", "Desk"]

PAGE = 500  # records asked of history at a time
_FIRST = 1_000  # and at the start
_MAX_PAGES = 40  # of what was missed
_MARGIN = timedelta(seconds=60)  # updates are dropped a little before one is told so
_BREATH = 64  # updates taken before others may run

Step = Draft | int


class Desk:
    """Every screen works on this. Calls that reach the relay may raise FeedError."""

    def __init__(self, feed: Feed, clock: Callable[[], float] = time.time) -> None:
        self.feed = feed
        self.clock = clock
        self.model = Model(clock)
        self._undo: list[tuple[str, tuple[Step, ...]]] = []
        self._exhausted = False  # history holds nothing older

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
        self.model.entries = tuple(await self.feed.lists())
        self.model.caught_up(await self.feed.history(limit=_FIRST))

    async def catch_up(self) -> None:
        """Fetch what was missed while the connection was lost or too slow."""
        since, self.model.missed_since = self.model.missed_since, None
        self.model.missed = False
        records: dict[str, Record] = {}  # pages overlap by those of the same moment
        before: float | None = None
        for _ in range(_MAX_PAGES):
            page = await self.feed.history(limit=PAGE, before=before)
            records.update((record.id, record) for record in page)
            if len(page) < PAGE or since is None or page[-1].ended < since - _MARGIN:
                break
            before = _just_after(page[-1])
        self.model.caught_up(records.values())
        self.model.entries = tuple(await self.feed.lists())

    async def older(self) -> int:
        """Fetch older rows for the live table; how many came."""
        oldest = self.model.window.oldest()
        if self._exhausted or oldest is None:
            return 0
        wanted = self.model.window.filter
        page = await self.feed.history(
            limit=PAGE, before=_just_after(oldest), query=wanted.text if wanted else ""
        )
        if wanted is not self.model.window.filter:
            return 0  # the operator asks for something else by now
        count = self.model.window.prepend(page)
        self._exhausted = not count
        self.model.version += 1
        return count

    def refilter(self, wanted: Filter | None) -> None:
        """Show only what passes ``wanted``."""
        self._exhausted = False
        self.model.window.refilter(wanted, self.clock())
        self.model.version += 1

    def rejoin(self) -> None:
        """Back from history to the live rows."""
        if self.model.window.torn:
            self._exhausted = False
            self.model.window.rejoin(self.clock())
            self.model.version += 1

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

    # -- what is done

    async def add(self, draft: Draft) -> Entry:
        """Put an entry in force."""
        entry = await self.feed.add(draft)
        self._did(f"{entry.list} {entry.kind} {entry.value}", entry.id)
        return entry

    async def end(self, entry: Entry) -> None:
        """Take an entry out of force."""
        await self.feed.end(entry.id)
        self._did(f"end of {entry.list} {entry.kind} {entry.value}", draft_of(entry, self.clock()))

    async def extend(self, entry: Entry, draft: Draft) -> Entry:
        """Let an entry last as long as ``draft`` says; it is in force all the while."""
        longer = await self.feed.add(draft)
        if longer.id != entry.id:
            await self.feed.end(entry.id)
        before = draft_of(entry, self.clock())
        self._did(f"change of {entry.kind} {entry.value}", before, longer.id)
        return longer

    async def undo(self) -> str:
        """Take back the last change that was made here; what it was, "" for none."""
        if not self._undo:
            return ""
        what, steps = self._undo[-1]
        try:
            for step in steps:
                if isinstance(step, Draft):
                    await self.feed.add(step)
                else:
                    await self.feed.end(step)
        except FeedError:
            if self.model.link.up:  # refused, since somebody else ended it: it would be again
                self._undo.pop()
            raise
        self._undo.pop()
        return what

    def _did(self, what: str, *undo: Step) -> None:
        self._undo.append((what, undo))
        del self._undo[:-100]


def _just_after(record: Record) -> float:
    """A time that history takes as behind ``record``; those of the same moment come again."""
    return record.ended.timestamp() + 1e-6
