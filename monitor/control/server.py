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
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from monitor.capture.rules import Rules
from monitor.control.protocol import (
    LateUpdate,
    ListsUpdate,
    RecordUpdate,
    Request,
    Response,
    Status,
    Update,
)
from monitor.control.requests import Requests, Study
from monitor.control.visitor import Visitor
from monitor.control.who import peer, user
from monitor.hub import Hub
from monitor.record import Late, Record

log = logging.getLogger(__name__)

SOCKET = "control.sock"
MAX_LINE = 256 * 1024
STATUS_EVERY = 1.0  # seconds

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Request).decode


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
        self._requests = Requests(hub, status, history, study, rules)
        self._clients: set[Visitor] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._path: Path | None = None
        hub.listeners.append(self._heard)
        hub.on_lists.append(self._lists_changed)

    async def start(self, state: Path) -> None:
        """Listen in ``state``. Raises ControlError, where another relay does so already too."""
        path = state / SOCKET
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
        if not self._clients:
            return
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
        client = Visitor(writer, user(uid))
        self._clients.add(client)
        sender = asyncio.get_running_loop().create_task(client.send())
        try:
            while not client.gone and (line := await reader.readline()):
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

    async def _take(self, client: Visitor, line: bytes) -> None:
        """Answer a request, but for a study: that one while others are answered."""
        try:
            request = _decode(line)
        except msgspec.MsgspecError as error:
            client.answer(_encode(Response(id=0, error=f"not a request: {error}")) + b"\n")
            return
        client.subscribed |= request.do == "subscribe"
        if request.do == "study":
            client.end_study()
            client.study = asyncio.get_running_loop().create_task(self._tell(client, request))
        else:
            await self._tell(client, request)

    async def _tell(self, client: Visitor, request: Request) -> None:
        try:
            response = await self._requests.answer(request, client.user)
        except asyncio.CancelledError:
            client.answer(_encode(Response(id=request.id, error="another was asked")) + b"\n")
            raise
        client.answer(_encode(response) + b"\n")


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
