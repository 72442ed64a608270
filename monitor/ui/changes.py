"""What the operator does to the lists, and how it is taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

from monitor.control.feed import Feed, FeedError
from monitor.policy.entry import Draft, Entry
from monitor.ui.state.model import Model
from monitor.ui.state.suggest import draft_of, tell

__all__ = ["Changes"]

LIMIT = 100  # changes that may be taken back

Step = Draft | int  # an entry to be added, or the id of one to be ended


class Changes:
    """Each may raise FeedError."""

    def __init__(self, feed: Feed, model: Model, clock: Callable[[], float]) -> None:
        self._feed = feed
        self._model = model
        self._clock = clock
        self._undo: list[tuple[str, list[Step]]] = []

    async def add(self, drafts: Iterable[Draft]) -> list[Entry]:
        """Put entries in force, all of them or none; one undo takes them back."""
        entries: list[Entry] = []
        try:
            for draft in drafts:
                entries.append(await self._feed.add(draft))  # noqa: PERF401
        except FeedError:
            while entries:
                with suppress(FeedError):
                    await self._feed.end(entries.pop().id)
            raise
        self._did(tell(entries), *(entry.id for entry in entries))
        return entries

    async def end(self, entries: Iterable[Entry]) -> None:
        """Take entries out of force, as far as the relay does; one undo brings them back."""
        ended: list[Entry] = []
        try:
            for entry in entries:
                await self._feed.end(entry.id)
                ended.append(entry)
        finally:
            if ended:
                drafts = (draft_of(entry, self._clock()) for entry in ended)
                self._did(f"end of {tell(ended)}", *drafts)

    async def extend(self, entry: Entry, draft: Draft) -> Entry:
        """Let an entry last as long as ``draft`` says; it is in force all the while."""
        longer = await self._feed.add(draft)
        if longer.id != entry.id:
            await self._feed.end(entry.id)
        before = draft_of(entry, self._clock())
        self._did(f"change of {entry.kind} {entry.value}", before, longer.id)
        return longer

    async def undo(self) -> str:
        """Take back the last change that was made here; what it was, "" for none.

        What is refused, since somebody else ended it, is left out and told by the FeedError;
        what could not be asked for is taken back the next time.
        """
        if not self._undo:
            return ""
        what, steps = self._undo[-1]
        refused: FeedError | None = None
        while steps:
            try:
                await self._take(steps[0])
            except FeedError as error:
                if not self._model.link.up:
                    raise
                refused = refused or error
            del steps[0]
        self._undo.pop()
        if refused:
            raise refused
        return what

    async def _take(self, step: Step) -> None:
        if isinstance(step, Draft):
            await self._feed.add(step)
        else:
            await self._feed.end(step)

    def _did(self, what: str, *undo: Step) -> None:
        self._undo.append((what, list(undo)))
        del self._undo[:-LIMIT]
