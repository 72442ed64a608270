"""The client's connection: bytes in with bounds, replies out, and STARTTLS in between.

This is the one place that touches aiosmtpd's and asyncio's private names. Its command loop,
DATA reader, timers and STARTTLS are all replaced, for the reasons that the tests of this
room show; what stays is the protocol object and its place in an SMTP server.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from aiosmtpd.smtp import SMTP

from monitor.relay.replies import Answer

HIGH_WATER = 64 * 1024
PIECE = 64 * 1024  # octets of a message at a time: a tenth of a millisecond
CLOSE_DEADLINE = 5.0  # seconds for a reader that does not take our last reply


class ClientGone(Exception):
    """The client closed or broke the connection; nothing more can be read."""


class ClientSilent(Exception):
    """The client sent nothing for the time that it has."""


class LineTooLong(Exception):
    """A command line went past its bound; the rest of it was skipped. Args: its start."""


@dataclass(frozen=True, slots=True)
class Line:
    """A command line without its end."""

    raw: bytes
    size: int
    pipelined: bool
    bare_newline: bool


class Wire(SMTP):
    """One client's connection. ``converse`` is the dialogue to hold on it."""

    def __init__(
        self,
        converse: Callable[[Wire], Coroutine[Any, Any, None]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        # Past SMTP's own, which collects the names of methods for its command loop: 95 µs.
        asyncio.StreamReaderProtocol.__init__(self, asyncio.StreamReader(loop=loop), loop=loop)
        self.loop = loop
        self._converse = converse
        self._input = bytearray()
        self._early = 0  # bytes of the input that had come before our last reply was written
        self._scanned = 0
        self._eof = False
        self._held = False
        self._waiter: asyncio.Future[None] | None = None
        self._socket: asyncio.Transport
        self.gone = False
        self.tls = False

    # The protocol's side: called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._socket = transport
        self._handler_coroutine = self.loop.create_task(self._converse(self))

    def data_received(self, data: bytes) -> None:
        self._input += data
        if len(self._input) > HIGH_WATER and not self._held:
            self._held = True
            self._socket.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        # A client may close its side after QUIT and still read; TLS has no such thing.
        self._eof = True
        self._wake()
        return not self.tls

    def connection_lost(self, error: Exception | None) -> None:
        self._eof = self.gone = True
        self._wake()
        # Past SMTP's own, which cancels the session: whoever waits in drain must wake.
        asyncio.StreamReaderProtocol.connection_lost(self, error)

    # The dialogue's side.

    @property
    def peer(self) -> tuple[str, int]:
        """The address and port that the connection comes from."""
        name = self._socket.get_extra_info("peername")
        return name[0], name[1]

    @property
    def local(self) -> tuple[str, int]:
        """The address and port that it came to."""
        name = self._socket.get_extra_info("sockname")
        return name[0], name[1]

    @property
    def early(self) -> bool:
        """True where unread input had come before our last reply was written."""
        return self._early > 0

    @property
    def buffered(self) -> bytearray:
        """What has come and was not read yet."""
        return self._input

    async def more(self, timeout: float) -> None:
        """Await more input than is there. Raises ClientGone or ClientSilent."""
        if self._eof:
            raise ClientGone
        if self._held:
            self._held = False
            if not self.gone:
                self._socket.resume_reading()
        self._waiter = self.loop.create_future()
        alarm = self.loop.call_later(timeout, self._wake, ClientSilent())
        try:
            await self._waiter
        finally:
            alarm.cancel()
            self._waiter = None

    async def line(self, limit: int, timeout: float) -> Line:
        """The next command line; a bare LF ends one too. Raises LineTooLong past ``limit``."""
        deadline = time.monotonic() + timeout
        too_long = b""
        while True:
            end = self._input.find(b"\n", self._scanned)
            if end >= 0:
                break
            if len(self._input) > limit:
                too_long = too_long or bytes(self._input[:limit])
                self._take(len(self._input))
            self._scanned = len(self._input)
            await self.more(max(0.0, deadline - time.monotonic()))
        pipelined = self._early > 0
        raw = self._take(end + 1)
        if too_long or len(raw) > limit:
            raise LineTooLong(too_long or raw[:limit])
        bare = not raw.endswith(b"\r\n")
        body = raw[:-1] if bare else raw[:-2]
        return Line(body, len(body), pipelined, bare or b"\r" in body)

    async def chunk(self, timeout: float) -> bytes:
        """The next bytes of a message, as they came."""
        if self._input:
            await asyncio.sleep(0)  # a hundred who pour are served in turn, and others with them
        else:
            await self.more(timeout)
        return self._take(PIECE)

    def unread(self, data: bytes) -> None:
        """Put back what follows the end of a message."""
        self._input[:0] = data
        self._scanned = 0

    async def send(self, answer: Answer, timeout: float = 60.0) -> None:
        """Write a reply. A client that does not read is cut off after ``timeout`` seconds."""
        if self.gone:
            return
        self._early = len(self._input)
        self._socket.write(answer.wire())
        if not self._paused:  # type: ignore[attr-defined]  # nothing waits to be read
            return
        try:
            async with asyncio.timeout(timeout):
                await self._drain_helper()  # type: ignore[attr-defined]
        except TimeoutError:
            self._socket.abort()
        except ConnectionError:
            self.gone = True

    async def start_tls(self, context: ssl.SSLContext, timeout: float) -> None:
        """Begin TLS. Raises OSError (ssl.SSLError) with the reason; the connection is then dead."""
        plain = self._socket
        # Before the handshake, not after: with its last flight the client may send its
        # next command, which is here, decrypted, when start_tls returns.
        self._input.clear()
        self._early = self._scanned = 0
        try:
            secure = await self.loop.start_tls(
                plain, self, context, server_side=True, ssl_handshake_timeout=max(timeout, 0.001)
            )
        except BaseException:
            self._eof = self.gone = True
            plain.abort()
            raise
        assert isinstance(secure, asyncio.Transport)
        self._socket = secure
        self.tls = True

    @property
    def cipher(self) -> tuple[str, str, int]:
        """Protocol, cipher and bits of the connection's TLS."""
        tls = self._socket.get_extra_info("ssl_object")
        name, _, bits = tls.cipher()
        return tls.version(), name, bits

    def finish(self) -> None:
        """Close; what is written still goes out, unless the client does not take it in time."""
        if not self.gone:
            self._socket.close()
            self.loop.call_later(CLOSE_DEADLINE, self._socket.abort)

    def _take(self, size: int) -> bytes:
        with memoryview(self._input) as held:
            data = bytes(held[:size])
        del self._input[:size]
        self._early = max(0, self._early - len(data))
        self._scanned = 0
        return data

    def _wake(self, error: Exception | None = None) -> None:
        if self._waiter is None or self._waiter.done():
            return
        if error is None:
            self._waiter.set_result(None)
        else:
            self._waiter.set_exception(error)
