"""A feed: updates in, commands out. A running relay and a capture file look the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol, TypeVar

from monitor.control.protocol import Status, Update
from monitor.events import AnyEvent
from monitor.filter.order import Order, Page, Place
from monitor.findings.retry.waiting import Wait
from monitor.insight.questions import Question
from monitor.policy.entry import Draft, Entry
from monitor.record import Record

T = TypeVar("T")


class FeedError(Exception):
    """The other side refused or is gone; the text is for the operator."""


class Feed(Protocol):
    """What the UI and the command line know of the relay. All calls may raise FeedError."""

    title: str  # "relay NAME" or the capture's file name
    live: bool  # False for a capture: lists are a rehearsal there

    async def start(self) -> Status:
        """Connect; the relay's state at that moment."""
        ...

    def updates(self) -> AsyncIterator[Update]:
        """Everything from now on, until the feed is closed.

        Reconnects by itself, and says so with a :class:`~monitor.control.protocol.Link`
        when the connection is lost and when it is back.
        """
        ...

    async def history(
        self, *, limit: int = 500, before: float | None = None, query: str = ""
    ) -> list[Record]:
        """Ended transactions, newest first, that ended before ``before`` (epoch seconds)."""
        ...

    async def page(
        self,
        *,
        limit: int,
        query: str = "",
        order: Order = "ended",
        backward: bool = True,
        past: Place | None = None,
    ) -> Page:
        """Ended transactions in an order, ``limit`` at most, ``backward`` from the greatest.

        It answers soon, with fewer or none where they are rare; ``Page.reached`` is then
        where to go on. None there is the end.
        """
        ...

    async def transcript(self, session: str) -> list[AnyEvent]:
        """Every event of a session that is still kept, in order; empty when unknown."""
        ...

    async def evidence(self, session: str) -> list[AnyEvent]:
        """The transcript with the octets of its messages, as far as they were captured."""
        ...

    async def rules(self) -> dict[str, Any]:
        """The settings that findings depended on, for a capture; empty when unknown."""
        ...

    async def waiting(self) -> list[Wait]:
        """Mail that was deferred and has not been accepted since, the longest wait first."""
        ...

    async def study(self, question: Question, form: type[T]) -> T:
        """The answer to a question about the past, a ``form``. It takes a while.

        One at a time: another question ends the one before it.
        """
        ...

    async def lists(self) -> list[Entry]:
        """The entries in force."""
        ...

    async def add(self, draft: Draft) -> Entry:
        """Add an entry; it is durable and in force when this returns."""
        ...

    async def end(self, entry_id: int) -> Entry:
        """End an entry (undo of a ban); it no longer holds when this returns."""
        ...

    async def close(self) -> None:
        """Let go of the connection or file."""
        ...
