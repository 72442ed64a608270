"""The control socket's server side: the one door through which a relay is watched and steered.

Only the relay's own user and root may speak to it: the socket has mode 0600, and the kernel
is asked who is there. Each client has a bounded queue: one that does not read misses
updates, and is told how many.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from monitor.capture.evidence import with_bodies
from monitor.capture.folder import CAPTURES
from monitor.capture.rules import Rules
from monitor.control.protocol import (
    LateUpdate,
    ListsUpdate,
    Missed,
    RecordUpdate,
    Request,
    Response,
    Status,
    Update,
)
from monitor.control.who import peer, user
from monitor.events import AnyEvent
from monitor.filter import FilterError
from monitor.filter.order import Order, Page, Place
from monitor.hub import Hub
from monitor.hub.search import page
from monitor.insight.questions import Question, StudyError
from monitor.policy.entry import Draft, Entry
from monitor.record import Late, Record
from monitor.store import StoreError

log = logging.getLogger(__name__)

SOCKET = "control.sock"
MAX_LINE = 256 * 1024
MAX_QUEUE = 5_000  # updates that may wait for a slow client
STATUS_EVERY = 1.0  # seconds
MAX_HISTORY = 5_000  # records an answer

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Request).decode


Study = Callable[[Question], Awaitable[Any]]


class ControlError(Exception):
    """The socket cannot be had; the text is for the operator."""


class ControlServer:
    """Serves any number of clients on one Unix socket."""

    def __init__(
        self,
        hub: Hub,
        status: Callable[[], Status],
        history: Callable[..., Awaitable[list[Record]]],
        study: Study | None = None,
        rules: Rules | None = None,
    ) -> None:
        self._hub = hub
        self._status = status
        self._history = history
        self._study = study
        self._rules = rules or {}
        self._captures = Path()
        self._clients: set[_Client] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._path: Path | None = None
        hub.listeners.append(self._heard)
        hub.on_lists.append(self._lists_changed)

    async def start(self, state: Path) -> None:
        """Listen in ``state``. Raises ControlError, where another relay does so already too."""
        path = state / SOCKET
        self._captures = state / CAPTURES
        refuse_second(state)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            sock.bind(str(path))
        except OSError as error:
            sock.close()
            raise ControlError(f"{path}: cannot be made: {error.strerror or error}") from None
        finally:
            os.umask(before)
        self._path = path
        self._server = await asyncio.start_unix_server(self._serve, sock=sock, limit=MAX_LINE)
        self._spawn(self._tell_status())

    async def stop(self) -> None:
        """Close every client and the socket."""
        for task in list(self._tasks):
            task.cancel()
        if self._server is not None:
            self._server.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell_status(self) -> None:
        while True:
            await asyncio.sleep(STATUS_EVERY)
            self._push(self._status())

    @property
    def watched(self) -> bool:
        """True while somebody is told what happens."""
        return any(client.subscribed for client in self._clients)

    def hear(self, outputs: Iterable[Record | Late]) -> None:
        """What other relays told."""
        for output in outputs:
            self._heard(output)

    def _heard(self, output: Record | Late) -> None:
        self._push(RecordUpdate(output) if isinstance(output, Record) else LateUpdate(output))

    def _lists_changed(self) -> None:
        if self._clients:
            self._push(ListsUpdate(tuple(self._hub.lists())))

    def _push(self, update: Update) -> None:
        subscribed = [client for client in self._clients if client.subscribed]
        if subscribed:
            line = _encode(update) + b"\n"
            for client in subscribed:
                client.offer(line)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uid = peer(writer.get_extra_info("socket"))
        if uid not in (0, os.geteuid()):
            log.warning("control: %s is refused", user(uid))
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        client = _Client(writer, user(uid))
        self._clients.add(client)
        sender = asyncio.get_running_loop().create_task(client.send())
        try:
            while line := await reader.readline():
                await self._take(client, line)
                await client.answered.wait()  # who does not read is not heard further
        except (ConnectionError, ValueError, asyncio.CancelledError):
            pass  # gone, or a line past the limit: there is nobody to tell
        finally:
            self._clients.discard(client)
            self._tasks.discard(task)
            sender.cancel()
            client.end_study()
            writer.close()

    async def _take(self, client: _Client, line: bytes) -> None:
        """Answer a request, but for a study: that one while others are answered."""
        try:
            request = _decode(line)
        except msgspec.MsgspecError as error:
            client.answer(_encode(Response(id=0, error=f"not a request: {error}")) + b"\n")
            return
        if request.do == "study":
            client.end_study()
            client.study = asyncio.get_running_loop().create_task(self._tell(client, request))
        else:
            await self._tell(client, request)

    async def _tell(self, client: _Client, request: Request) -> None:
        try:
            response = await self._answer(client, request)
        except asyncio.CancelledError:
            client.answer(_encode(Response(id=request.id, error="another was asked")) + b"\n")
            raise
        client.answer(_encode(response) + b"\n")

    async def _answer(self, client: _Client, request: Request) -> Response:
        method = _METHODS.get(request.do)
        if method is None:
            return Response(id=request.id, error=f"unknown request {request.do!r}")
        try:
            return Response(id=request.id, result=await method(self, client, **request.args))
        except (ValueError, StoreError, FilterError, StudyError) as error:
            return Response(id=request.id, error=str(error))
        except TypeError as error:
            return Response(id=request.id, error=f"{request.do}: {error}")
        except Exception as error:
            log.exception("request %s failed", request.do)
            return Response(id=request.id, error=f"{request.do} failed: {type(error).__name__}")

    async def _subscribe(self, client: _Client) -> Any:
        client.subscribed = True
        return self._status()

    async def _get_status(self, client: _Client) -> Any:
        return self._status()

    async def _get_history(
        self,
        client: _Client,
        limit: int = 500,
        before: float | None = None,
        since: float | None = None,
        query: str = "",
    ) -> Any:
        limit = max(1, min(int(limit), MAX_HISTORY))
        return await self._history(limit=limit, before=before, since=since, query=query)

    async def _get_page(
        self,
        client: _Client,
        limit: int = 500,
        query: str = "",
        order: str = "ended",
        backward: bool = True,
        past: Any = None,
    ) -> Any:
        def look() -> Page:
            self._hub.store.flush()
            return page(
                self._hub.store.past,
                limit=max(1, min(int(limit), MAX_HISTORY)),
                query=query,
                order=msgspec.convert(order, Order),
                backward=bool(backward),
                past=msgspec.convert(past, Place | None),
            )

        return await asyncio.to_thread(look)

    async def _get_transcript(self, client: _Client, session: str) -> Any:
        return await asyncio.to_thread(self._hub.transcript, session)

    async def _get_evidence(self, client: _Client, session: str) -> Any:
        def look() -> list[AnyEvent]:
            return with_bodies(self._captures, self._hub.transcript(session))

        return await asyncio.to_thread(look)

    async def _get_rules(self, client: _Client) -> Any:
        return self._rules

    async def _get_waiting(self, client: _Client) -> Any:
        return await asyncio.to_thread(self._hub.waiting)

    async def _get_study(self, client: _Client, question: Any) -> Any:
        if self._study is None:
            raise ValueError("this relay answers no questions about the past")
        asked: Question = msgspec.convert(question, Question)
        await asyncio.to_thread(self._hub.store.writer.flush)
        return await self._study(asked)

    async def _get_lists(self, client: _Client) -> Any:
        return self._hub.lists()

    async def _get_trail(self, client: _Client, limit: int = MAX_HISTORY) -> Any:
        return self._hub.store.entries.trail(max(1, min(int(limit), MAX_HISTORY)))

    async def _add(self, client: _Client, draft: Any) -> Any:
        added = self._hub.add(msgspec.convert(draft, Draft), client.user)
        entry = await asyncio.to_thread(self._hub.store.settled, added)
        log.info("%s added %s", client.user, _shown(entry))
        return entry

    async def _end(self, client: _Client, entry_id: int) -> Any:
        entry = self._hub.end(int(entry_id), client.user)
        log.info("%s ended %s", client.user, _shown(entry))
        return entry


_METHODS: dict[str, Callable[..., Awaitable[Any]]] = {
    "subscribe": ControlServer._subscribe,
    "status": ControlServer._get_status,
    "history": ControlServer._get_history,
    "page": ControlServer._get_page,
    "transcript": ControlServer._get_transcript,
    "evidence": ControlServer._get_evidence,
    "rules": ControlServer._get_rules,
    "waiting": ControlServer._get_waiting,
    "study": ControlServer._get_study,
    "lists": ControlServer._get_lists,
    "trail": ControlServer._get_trail,
    "add": ControlServer._add,
    "end": ControlServer._end,
}


def _shown(entry: Entry) -> str:
    return f"entry {entry.id}: {entry.list} {entry.kind} {entry.value} ({entry.action})"


class _Client:
    """One connection: what waits for it, within bounds."""

    def __init__(self, writer: asyncio.StreamWriter, user: str) -> None:
        self.user = user
        self.subscribed = False
        self.study: asyncio.Task[None] | None = None
        self._writer = writer
        self._queue: deque[bytes] = deque()
        self._missed = 0
        self._ready = asyncio.Event()
        self.answered = asyncio.Event()  # nothing of what was asked waits

    def offer(self, line: bytes) -> None:
        """An update: dropped, and counted, where too many wait."""
        if len(self._queue) >= MAX_QUEUE:
            self._missed += 1
            return
        self._queue.append(line)
        self._ready.set()

    def answer(self, line: bytes) -> None:
        """An answer: never dropped, and the next request waits until it was taken."""
        self._queue.append(line)
        self._ready.set()
        self.answered.clear()

    def end_study(self) -> None:
        """Nobody waits for its answer any more."""
        if self.study is not None:
            self.study.cancel()

    async def send(self) -> None:
        """Write what waits, as fast as the other side reads."""
        try:
            await self._send()
        except ConnectionError:
            pass
        finally:
            self.answered.set()

    async def _send(self) -> None:
        while True:
            await self._ready.wait()
            self._ready.clear()
            while self._queue:
                batch = b"".join(self._queue.popleft() for _ in range(min(50, len(self._queue))))
                self._writer.write(batch)
                await self._writer.drain()
            self.answered.set()
            if self._missed:
                missed, self._missed = self._missed, 0
                self._writer.write(_encode(Missed(missed)) + b"\n")


def refuse_second(state: Path) -> None:
    """Raise ControlError where a relay runs on ``state`` already."""
    if _answers(state / SOCKET):
        raise ControlError(f"{state}: is in use: another relay runs on this state folder")


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.settimeout(1)
            probe.connect(str(path))
        except OSError:
            return False
    return True
