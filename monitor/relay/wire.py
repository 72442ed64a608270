"""The client's connection: command lines and pieces of messages in, replies out.

This is the one place that touches aiosmtpd. Its command loop, DATA reader, timers and
STARTTLS are all replaced, for the reasons that the tests of this room show; what stays is
the protocol class and its place in an SMTP server.
"""

from __future__ import annotations

import asyncio
import ssl

import msgspec
from aiosmtpd.smtp import SMTP

from monitor.relay.channel import CR, Channel
from monitor.relay.replies import Answer


class ClientGone(Exception):
    """The client closed or broke the connection; nothing more can be read."""


class ClientSilent(Exception):
    """The client sent nothing for the time that it has."""


class LineTooLong(Exception):
    """A command line went past its bound; the rest of it was skipped. Args: its start."""


class Line(msgspec.Struct, frozen=True):
    """A command line without its end."""

    raw: bytes
    pipelined: bool
    bare_newline: bool


class Wire(Channel, SMTP):
    """One client's connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # Past SMTP's own, which makes streams, and collects methods for its command loop.
        Channel.__init__(self, loop)
        self._early = 0  # bytes of the input that had come before our last reply was written
        self._scanned = 0

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
        if self._ended:
            raise ClientGone
        if not await self.arrival(self.loop.time() + timeout):
            raise ClientSilent

    async def line(self, limit: int, timeout: float) -> Line:
        """The next command line; a bare LF ends one too. Raises LineTooLong past ``limit``."""
        due = self.loop.time() + timeout
        too_long = b""
        while (end := self._input.find(b"\n", self._scanned)) < 0:
            if len(self._input) > limit:
                too_long = too_long or bytes(self._input[:limit])
                self._take(len(self._input))
            self._scanned = len(self._input)
            if self._ended:
                raise ClientGone
            if not await self.arrival(due):
                raise ClientSilent
        pipelined = self._early > 0
        raw = self._take(end + 1)
        if too_long or len(raw) > limit:
            raise LineTooLong(too_long or raw[:limit])
        bare = not raw.endswith(b"\r\n")
        body = raw[:-1] if bare else raw[:-2]
        return Line(body, pipelined, bare or CR in body)

    async def chunk(self, timeout: float) -> bytes:
        """The next bytes of a message, as they came: a few hundred KiB at most."""
        if not self._input:
            await self.more(timeout)
        return self._take(len(self._input))

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
        if self._full:
            try:
                await self.drained(timeout)
            except OSError:
                self.abort()

    async def start_tls(self, context: ssl.SSLContext, timeout: float) -> None:
        """Begin TLS. Raises OSError (ssl.SSLError) with the reason; the connection is then dead."""
        self._early = self._scanned = 0
        await self.secure(context, timeout)

    def _take(self, size: int) -> bytes:
        if size >= len(self._input):
            data = bytes(self._input)
            self._input.clear()
        else:
            data = bytes(self._input[:size])
            del self._input[:size]
        if self._early:
            self._early = max(0, self._early - len(data))
        self._scanned = 0
        return data
