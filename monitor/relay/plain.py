"""A TCP connection's transport, before TLS: what a session needs of a socket, and no more.

asyncio's own serves every kind of socket and protocol. To make and end one of those takes longer
than all that a session says on it.
"""

from __future__ import annotations

import asyncio
import socket
import weakref
from typing import Any

AT_ONCE = 256 * 1024  # octets read in a turn of the loop
HIGH, LOW = 64 * 1024, 16 * 1024  # octets unsent at which the protocol is told to pause, to resume
LARGE = 16 * 1024  # octets that do not wait for a turn's end: to keep them is to copy them


class Outbox:
    """What is written in a turn of the loop goes out at its end, that of all connections.

    A reader that sleeps is woken by each piece, at a cost like that of the piece itself. Those
    that come together find him awake.
    """

    def __init__(self) -> None:
        self._waiting: list[Plain] = []

    def add(self, plain: Plain, loop: asyncio.AbstractEventLoop) -> None:
        """``plain`` has something to send."""
        if not self._waiting:
            loop.call_soon(self._send, loop)
        self._waiting.append(plain)

    def _send(self, loop: asyncio.AbstractEventLoop) -> None:
        waiting, self._waiting = self._waiting, []
        for plain in waiting:
            try:
                plain.push()
            except Exception as error:  # whatever fails is one connection's
                loop.call_exception_handler({"message": "cannot send", "exception": error})


_outboxes: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Outbox] = (
    weakref.WeakKeyDictionary()
)


def _outbox(loop: asyncio.AbstractEventLoop) -> Outbox:
    found = _outboxes.get(loop)
    if found is None:
        found = _outboxes[loop] = Outbox()
    return found


class Plain(asyncio.Transport):
    """``sock``, which is connected and does not block, read and written for ``protocol``.

    What fails ends it: the protocol hears ``connection_lost``, at once and once.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        protocol: asyncio.Protocol,
        extra: dict[str, Any],
    ) -> None:
        super().__init__(extra)
        self._loop = loop
        self._sock = sock
        self._number = sock.fileno()
        self._protocol = protocol
        self._outbox = _outbox(loop)
        self._unsent = bytearray()
        self._watched = False  # the loop tells when more is taken
        self._paused = False  # the protocol was told to write no more
        self._closing = False
        self._over = False  # the descriptor is not ours any more, and may be another's
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        protocol.connection_made(self)
        loop.add_reader(self._number, self._readable)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send ``data``, as soon as it is taken; nothing once this is closed."""
        if self._closing:
            return
        if not self._unsent:
            if len(data) < LARGE:
                self._outbox.add(self, self._loop)
            else:
                data = memoryview(data)[self._send(data) :]
                if self._over or not data:
                    return
                self._watch()
        self._unsent += data
        if len(self._unsent) > HIGH and not self._paused:
            self._paused = True
            self._protocol.pause_writing()

    def push(self) -> None:
        """Send what waits, or as much of it as is taken."""
        if not self._unsent:
            return
        sent = self._send(self._unsent)
        if self._over:
            return
        del self._unsent[:sent]
        if self._unsent:
            self._watch()
        else:
            if self._watched:
                self._watched = False
                self._loop.remove_writer(self._number)
            if self._closing:
                self._end(None)
                return
        if self._paused and len(self._unsent) <= LOW:
            self._paused = False
            self._protocol.resume_writing()

    def _send(self, data: bytes | bytearray | memoryview) -> int:
        """How much of it is taken; the connection is over where none ever will be."""
        try:
            return self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self._end(error)
            return 0

    def _watch(self) -> None:
        if not self._watched:
            self._watched = True
            self._loop.add_writer(self._number, self.push)

    def get_write_buffer_size(self) -> int:
        """Octets that were written and not taken yet."""
        return len(self._unsent)

    def is_closing(self) -> bool:
        """True where nothing more is read, or can be written."""
        return self._closing

    def pause_reading(self) -> None:
        """Read no more for now."""
        if not self._closing:
            self._loop.remove_reader(self._number)

    def resume_reading(self) -> None:
        """Read on."""
        if not self._closing:
            self._loop.add_reader(self._number, self._readable)

    def close(self) -> None:
        """End it when what was written is taken."""
        if self._closing:
            return
        self._closing = True
        self.push()
        if self._unsent:
            self._loop.remove_reader(self._number)
        else:
            self._end(None)

    def abort(self) -> None:
        """End it now."""
        self._end(None)

    async def detach(self) -> socket.socket:
        """Give the socket away, once what was written is taken. Raises OSError."""
        if self._over:
            raise ConnectionResetError("the connection is lost")
        unsent = bytes(self._unsent)
        self._let_go()
        try:
            if unsent:
                await self._loop.sock_sendall(self._sock, unsent)
        except BaseException:
            self._sock.close()
            raise
        return self._sock

    def _readable(self) -> None:
        try:
            data = self._sock.recv(AT_ONCE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(error)
            return
        if data:
            self._protocol.data_received(data)
        else:
            self._loop.remove_reader(self._number)  # who closes his side may still read
            self._protocol.eof_received()

    def _end(self, error: OSError | None) -> None:
        if self._over:
            return
        self._let_go()
        self._sock.close()
        self._protocol.connection_lost(error)

    def _let_go(self) -> None:
        self._over = self._closing = True
        self._loop.remove_reader(self._number)
        if self._watched:
            self._loop.remove_writer(self._number)
        self._unsent.clear()
