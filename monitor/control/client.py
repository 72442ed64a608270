"""The control socket's client side: a feed from a running relay, that survives its restart."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from monitor import events as ev
from monitor.capture.evidence import with_bodies
from monitor.capture.folder import CAPTURES
from monitor.control.feed import FeedError
from monitor.control.protocol import (
    Link,
    ListsUpdate,
    Missed,
    RecordUpdate,
    Request,
    Response,
    Status,
    Update,
)
from monitor.control.requests import MAX_HISTORY
from monitor.control.server import SOCKET
from monitor.filter.order import Order, Page, Place
from monitor.findings.retry.waiting import Wait
from monitor.insight.questions import Question
from monitor.policy.entry import Draft, Entry
from monitor.record import Record

RETRY = 1.0  # seconds between attempts to reconnect
LIMIT = 64 * 1024 * 1024  # bytes of one line: a whole page of history

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Update | Response).decode


class SocketFeed:
    """A :class:`monitor.control.feed.Feed` on a relay's state folder."""

    live = True

    def __init__(self, state: Path) -> None:
        self.title = f"relay at {state}"
        self._path = state / SOCKET
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._updates: asyncio.Queue[Update | None] = asyncio.Queue(20_000)
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._closed = False
        self._last: tuple[float, str] = (0.0, "")  # end and id of the newest record heard

    async def start(self) -> Status:
        """Connect and subscribe. Raises FeedError where no relay answers."""
        await self._connect()
        status = msgspec.convert(await self._call("subscribe"), Status)
        self.title = f"relay {status.relay}"
        return status

    async def _connect(self) -> None:
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._path), limit=LIMIT)
        except OSError:
            raise FeedError(
                f"no relay runs on {self._path.parent}; start one with `mxtap run`, "
                "or name its state folder with --state"
            ) from None
        self._writer = writer
        self._reading = asyncio.get_running_loop().create_task(self._read(reader))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError, ValueError, msgspec.MsgspecError):
            while line := await reader.readline():
                message = _decode(line)
                if isinstance(message, Response):
                    waiting = self._answers.pop(message.id, None)
                    if waiting is not None and not waiting.done():
                        waiting.set_result(message)
                else:
                    self._offer(message)
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(FeedError("the relay went away"))
        self._answers.clear()
        self._offer(None)

    def _offer(self, update: Update | None) -> None:
        if isinstance(update, RecordUpdate):
            self._last = (update.record.ended.timestamp(), update.record.id)
        if self._updates.full():
            # The reader of updates lags: the oldest go, history still has them.
            self._updates.get_nowait()
        self._updates.put_nowait(update)

    async def updates(self) -> AsyncIterator[Update]:
        """Everything from now on; after a break, what was missed comes first."""
        while not self._closed:
            update = await self._updates.get()
            if update is not None:
                yield update
                if isinstance(update, Missed):
                    async for record in self._missed():
                        yield record
                continue
            if self._closed:
                return
            yield Link(False)
            status = await self._reconnect()
            yield Link(True)
            yield status
            yield ListsUpdate(tuple(await self.lists()))
            async for record in self._missed():
                yield record

    async def _reconnect(self) -> Status:
        while True:
            await asyncio.sleep(RETRY)
            with contextlib.suppress(FeedError):
                return await self.start()

    async def _missed(self) -> AsyncIterator[Update]:
        ended, last = self._last
        if not ended:
            return
        args = {"limit": MAX_HISTORY, "since": ended}
        for record in reversed(await self._records(args)):
            if record.id != last:
                yield RecordUpdate(record)

    async def _call(self, do: str, **args: Any) -> Any:
        if self._writer is None or self._reading is None or self._reading.done():
            raise FeedError("the relay went away; reconnecting")
        request = Request(id=next(self._ids), do=do, args=args)
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[request.id] = waiting
        try:
            self._writer.write(_encode(request) + b"\n")
            await self._writer.drain()
            response: Response = await waiting
        except OSError:
            self._answers.pop(request.id, None)
            raise FeedError("the relay went away; reconnecting") from None
        if response.error:
            raise FeedError(response.error)
        return response.result

    async def _records(self, args: dict[str, Any]) -> list[Record]:
        return msgspec.convert(await self._call("history", **args), list[Record])

    async def history(
        self,
        *,
        limit: int = 500,
        before: float | None = None,
        query: str = "",
        since: float | None = None,
    ) -> list[Record]:
        """Ended transactions, newest first."""
        return await self._records(
            {"limit": limit, "before": before, "query": query, "since": since}
        )

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
        args = {"limit": limit, "query": query, "order": order, "backward": backward, "past": past}
        return msgspec.convert(await self._call("page", **args), Page)

    async def transcript(self, session: str) -> list[ev.AnyEvent]:
        """Every event of a session that is kept."""
        raw = await self._call("transcript", session=session)
        return msgspec.convert(raw, list[ev.AnyEvent])

    async def evidence(self, session: str) -> list[ev.AnyEvent]:
        """The same, with the octets of its messages as far as they were captured.

        They are read here: whom the relay answers may read its captures, and it has mail to do.
        """
        events = await self.transcript(session)
        return await asyncio.to_thread(with_bodies, self._path.parent / CAPTURES, events)

    async def rules(self) -> dict[str, Any]:
        """The settings that findings depend on."""
        return msgspec.convert(await self._call("rules"), dict[str, Any])

    async def waiting(self) -> list[Wait]:
        """Mail that was deferred and has not been accepted since."""
        return msgspec.convert(await self._call("waiting"), list[Wait])

    async def study(self, question: Question, form: type[T]) -> T:
        """The answer to a question about the past."""
        return msgspec.convert(await self._call("study", question=question), form)

    async def lists(self) -> list[Entry]:
        """The entries in force."""
        return msgspec.convert(await self._call("lists"), list[Entry])

    async def trail(self) -> list[Entry]:
        """The last entries, those past included, oldest first."""
        return msgspec.convert(await self._call("trail"), list[Entry])

    async def add(self, draft: Draft) -> Entry:
        """Add an entry; durable and in force when this returns."""
        return msgspec.convert(await self._call("add", draft=draft), Entry)

    async def end(self, entry_id: int) -> Entry:
        """End an entry."""
        return msgspec.convert(await self._call("end", entry_id=entry_id), Entry)

    async def close(self) -> None:
        """Let go of the connection."""
        self._closed = True
        if self._reading is not None:
            self._reading.cancel()
        if self._writer is not None:
            self._writer.close()
        self._offer(None)
