"""A stopped relay's lists and history, by the calls that a running one answers too."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from monitor import events as ev
from monitor.capture.evidence import with_bodies
from monitor.capture.folder import CAPTURES
from monitor.control.client import SocketFeed
from monitor.control.feed import FeedError
from monitor.control.protocol import Status, Update
from monitor.control.requests import MAX_HISTORY
from monitor.control.who import user
from monitor.filter import FilterError
from monitor.filter.order import Order, Page, Place
from monitor.findings.retry.waiting import Wait, waits
from monitor.hub.search import page as search_page
from monitor.hub.search import search
from monitor.policy.entry import Draft, Entry
from monitor.record import Record
from monitor.store import Store, StoreError


class StoreFeed:
    """The state folder of a relay that does not run."""

    live = False

    def __init__(self, state: Path, database: str = "", relay: str = "") -> None:
        self.title = f"stopped relay at {state}"
        self._captures = state / CAPTURES
        try:
            self._store = Store(state, database, relay)
        except StoreError as error:
            raise FeedError(str(error)) from None

    async def start(self) -> Status:
        """There is nothing to connect to."""
        return Status(relay="", version="", started=0, now=0)

    async def updates(self) -> AsyncIterator[Update]:
        """Nothing happens on a stopped relay."""
        nothing: tuple[Update, ...] = ()
        for update in nothing:
            yield update

    async def history(
        self,
        *,
        limit: int = 500,
        before: float | None = None,
        query: str = "",
        since: float | None = None,
    ) -> list[Record]:
        """Ended transactions, newest first."""
        try:
            return search(self._store.past, limit=limit, before=before, since=since, query=query)
        except FilterError as error:
            raise FeedError(str(error)) from None

    async def page(
        self,
        *,
        limit: int,
        query: str = "",
        order: Order = "ended",
        backward: bool = True,
        past: Place | None = None,
    ) -> Page:
        """Ended transactions in an order; soon, and where to go on."""
        asked: dict[str, Any] = {"query": query, "order": order, "backward": backward}
        try:
            return search_page(self._store.past, limit=limit, past=past, **asked)
        except FilterError as error:
            raise FeedError(str(error)) from None

    async def transcript(self, session: str) -> list[ev.AnyEvent]:
        """Every event of a session that is kept."""
        return self._store.past.transcript(session)

    async def evidence(self, session: str) -> list[ev.AnyEvent]:
        """The same, with the octets of its messages as far as they were captured."""
        return with_bodies(self._captures, await self.transcript(session))

    async def rules(self) -> dict[str, Any]:
        """What they were is not known."""
        return {}

    async def waiting(self) -> list[Wait]:
        """Mail that was deferred when the relay stopped."""
        return waits(self._store.memory)

    async def lists(self) -> list[Entry]:
        """The entries in force."""
        return self._store.entries.in_force()

    async def trail(self) -> list[Entry]:
        """The last entries, those past included, oldest first."""
        return self._store.entries.trail(MAX_HISTORY)

    async def add(self, draft: Draft) -> Entry:
        """Add an entry; durable when this returns."""
        try:
            return self._store.settled(self._store.entries.add(draft, user(os.getuid())))
        except (ValueError, StoreError) as error:
            raise FeedError(str(error)) from None

    async def end(self, entry_id: int) -> Entry:
        """End an entry."""
        try:
            return self._store.entries.end(entry_id, user(os.getuid()))
        except (ValueError, StoreError) as error:
            raise FeedError(str(error)) from None

    async def close(self) -> None:
        """Close the database."""
        self._store.close()


async def open_feed(state: Path, database: str = "", relay: str = "") -> SocketFeed | StoreFeed:
    """The relay on ``state`` where one runs, else its store. Raises FeedError.

    ``database`` and ``relay`` are what it shares with others, and its name among them.
    """
    feed = SocketFeed(state)
    try:
        await feed.start()
    except FeedError:
        return StoreFeed(state, database, relay)
    return feed
