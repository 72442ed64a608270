"""One SMTP session with the real MTA: a command, one reply, nothing in between."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable

from msgspec.structs import replace

from monitor.relay.channel import CR, LF, NUL, Channel
from monitor.relay.dial import dial
from monitor.relay.replies import Answer, ReplyError, ReplyParser


class UpstreamError(Exception):
    """The upstream cannot be reached, broke off, or broke the protocol."""


class UpstreamTimeout(UpstreamError):
    """The upstream did not answer in time."""


class DotSent(UpstreamError):
    """It broke off after the final dot: what became of the message is unknown."""


class Upstream(Channel):
    """A connection to the upstream. Every failure closes it and raises UpstreamError."""

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop())
        self._parser = ReplyParser()
        self.open = True
        self.since = self.used_at = self.loop.time()
        self.takes: tuple[str, ...] = ()  # of a client, by XCLIENT, once it was told of one
        self.clients = 1
        self.met = False  # a client may speak in it
        self.settled = False  # it accepted a message, and heard nothing since

    @classmethod
    async def connect(cls, host: str, port: int, timeout: float, preface: bytes = b"") -> Upstream:
        """Connect, and send ``preface`` (a PROXY header) at once. ``timeout`` is seconds."""
        try:
            upstream = await dial(cls, host, port, timeout)
        except OSError as error:
            reason = getattr(error, "strerror", None) or "timed out"
            raise UpstreamError(f"cannot connect: {reason}") from error
        if preface:
            upstream._socket.write(preface)
        return upstream

    async def reply(self, timeout: float) -> Answer:
        """Await one reply. A second one behind it is a protocol error."""
        before = self.loop.time()
        try:
            while (answer := self._parser.feed(self._input)) is None:
                if self._ended:
                    raise UpstreamError("closed the connection")
                if not await self.arrival(before + timeout):
                    raise UpstreamTimeout("did not answer in time")
            if self._input:
                raise UpstreamError("sent more than one reply")
        except UpstreamError:
            self.close()
            raise
        except ReplyError as error:
            self.close()
            raise UpstreamError(str(error)) from None
        self.used_at = self.loop.time()
        if answer.code == 421:
            self.close()
        return replace(answer, took=self.used_at - before)

    async def ask(self, line: bytes, timeout: float) -> Answer:
        """Send one command line (without CRLF) and await its reply."""
        if CR in line or LF in line or NUL in line:
            raise ValueError("a command holds a line end or NUL")
        if not self.open:
            raise UpstreamError("is not connected")
        # Bytes that nobody asked for can only be a 421 before it closes.
        if self._input and not self._input.startswith(b"421"):
            self.abort()
            raise UpstreamError("sent a reply to no command")
        self.settled = False
        self._socket.write(line + b"\r\n")
        return await self.reply(timeout)

    async def content(self, pieces: Iterable[bytes], timeout: float, dot_timeout: float) -> Answer:
        """Send a message, as DATA carries it, and the final dot, and await the reply.

        Raises DotSent where the connection breaks after the dot may have gone out. What
        ``pieces`` raises, and ValueError where they do not end with CRLF, goes through: the
        message is then not sent whole.
        """
        try:
            last = b""  # goes out with the dot, in one segment where the message is short
            end = b"\r\n"
            for data in pieces:
                end = (end + data[-2:])[-2:]
                if last:
                    self._socket.write(last)
                    await asyncio.sleep(0)  # an upstream that takes all at once: nothing waits
                    await self.drained(timeout)
                last = data
            if end != b"\r\n":
                raise ValueError("message does not end with CRLF")
            if self._input:
                # It would be taken for the reply to the dot.
                raise ConnectionError("sent a reply before the dot")
            if self.gone:
                raise ConnectionError("the connection is lost")
        except OSError as error:
            self.close()
            raise UpstreamError("broke off while the message was sent") from error
        except BaseException:
            self.abort()
            raise
        self._socket.write(last + b".\r\n")
        try:
            answer = await self.reply(dot_timeout)
        except UpstreamError as error:
            raise DotSent(str(error)) from error
        self.settled = answer.positive
        return answer

    async def start_tls(self, context: ssl.SSLContext, name: str, timeout: float) -> None:
        """Begin TLS after the upstream's 220 to STARTTLS."""
        try:
            await self.secure(context, timeout, name)
        except OSError as error:
            self.open = False
            raise UpstreamError(f"TLS handshake failed: {error}") from error

    @property
    def idle(self) -> bool:
        """True where it stands, and has said nothing that nobody asked for."""
        return self.open and not self._ended and not self._input

    def part(self) -> None:
        """Say QUIT, and close: nobody waits for its reply."""
        if self.idle:
            self._socket.write(b"QUIT\r\n")
        self.close()

    def close(self) -> None:
        """Close; what is in the buffers still goes out, unless it is not taken in time."""
        self.open = False
        super().close()

    def abort(self) -> None:
        """Close at once: nothing more is sent, above all no final dot."""
        self.open = False
        super().abort()
