"""One SMTP session with the real MTA: a command, one reply, nothing in between."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from typing import Any

from monitor.relay.data import stuffed
from monitor.relay.replies import Answer, ReplyError, ReplyParser


class UpstreamError(Exception):
    """The upstream cannot be reached, broke off, or broke the protocol."""


class UpstreamTimeout(UpstreamError):
    """The upstream did not answer in time."""


class DotSent(UpstreamError):
    """It broke off after the final dot: what became of the message is unknown."""


class Upstream:
    """A connection to the upstream. Every failure closes it and raises UpstreamError."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._buffer = bytearray()
        self.open = True
        self.used_at = asyncio.get_running_loop().time()

    @classmethod
    async def connect(cls, host: str, port: int, timeout: float, preface: bytes = b"") -> Upstream:
        """Connect, and send ``preface`` (a PROXY header) at once. ``timeout`` is seconds."""
        try:
            async with asyncio.timeout(timeout):
                reader, writer = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError) as error:
            reason = getattr(error, "strerror", None) or "timed out"
            raise UpstreamError(f"cannot connect: {reason}") from error
        upstream = cls(reader, writer)
        if preface:
            writer.write(preface)
        return upstream

    async def reply(self, timeout: float) -> Answer:
        """Await one reply. A second one behind it is a protocol error."""
        parser = ReplyParser()
        loop = asyncio.get_running_loop()
        # Cheaper than asyncio.timeout; the reader is of no use after that.
        alarm = loop.call_later(timeout, self._reader.set_exception, TimeoutError())
        try:
            while (answer := parser.feed(self._buffer)) is None:
                data = await self._reader.read(65_536)
                if not data:
                    raise UpstreamError("closed the connection")
                self._buffer += data
        except TimeoutError:
            self.close()
            raise UpstreamTimeout("did not answer in time") from None
        except (ReplyError, OSError, UpstreamError) as error:
            self.close()
            raise error if isinstance(error, UpstreamError) else UpstreamError(str(error)) from None
        finally:
            alarm.cancel()
        if self._buffer:
            self.close()
            raise UpstreamError("sent more than one reply")
        self.used_at = loop.time()
        if answer.code == 421:
            self.close()
        return answer

    async def ask(self, line: bytes, timeout: float) -> Answer:
        """Send one command line (without CRLF) and await its reply."""
        if b"\r" in line or b"\n" in line or b"\0" in line:
            raise ValueError("a command holds a line end or NUL")
        if not self.open:
            raise UpstreamError("is not connected")
        # Bytes that nobody asked for can only be a 421 before it closes.
        if (unasked := self._unasked) and not unasked.startswith(b"421"):
            self.abort()
            raise UpstreamError("sent a reply to no command")
        self._writer.write(line + b"\r\n")
        return await self._timed(timeout)

    @property
    def _unasked(self) -> bytes:
        # The StreamReader gives no other way to see what has come than its buffer.
        return bytes(self._reader._buffer)  # type: ignore[attr-defined]

    async def _timed(self, timeout: float) -> Answer:
        """Await the reply to what was just written, and note how long it took."""
        clock = asyncio.get_running_loop().time
        before = clock()
        answer = await self.reply(timeout)
        return Answer(answer.code, answer.lines, answer.by, clock() - before)

    async def content(
        self, pieces: Iterator[bytes], timeout: float, dot_timeout: float, *, bare: bool = False
    ) -> Answer:
        """Send a message and the final dot, and await the reply.

        Raises DotSent where the connection breaks after the dot may have gone out, and
        ValueError where the message holds a bare CR or LF (it is then not sent whole) and
        ``bare`` does not allow that.
        """
        try:
            line_start, last = True, b""
            for piece in pieces:
                # A CRLF that two pieces share is kept whole.
                data = last + piece
                cut = len(data) - (1 if data.endswith(b"\r") else 0)
                data, last = data[:cut], data[cut:]
                if not data:
                    continue
                if not bare and not data.count(b"\r\n") == data.count(b"\r") == data.count(b"\n"):
                    raise ValueError("message holds a bare CR or LF")
                self._writer.write(stuffed(data, line_start))
                line_start = data.endswith(b"\r\n")
                await asyncio.sleep(0)  # an upstream that takes all at once: drain does not wait
                async with asyncio.timeout(timeout):
                    await self._writer.drain()
            if last or not line_start:
                raise ValueError("message does not end with CRLF")
            await asyncio.sleep(0)
            if self._unasked:
                # It would be taken for the reply to the dot.
                raise ConnectionError("sent a reply before the dot")
        except (OSError, TimeoutError) as error:
            self.close()
            raise UpstreamError("broke off while the message was sent") from error
        except BaseException:
            self.abort()
            raise
        self._writer.write(b".\r\n")
        try:
            return await self._timed(dot_timeout)
        except UpstreamError as error:
            raise DotSent(str(error)) from error

    async def start_tls(self, context: ssl.SSLContext, name: str, timeout: float) -> None:
        """Begin TLS after the upstream's 220 to STARTTLS."""
        try:
            async with asyncio.timeout(timeout):
                await self._writer.start_tls(context, server_hostname=name)
        except (OSError, TimeoutError) as error:
            self.close()
            raise UpstreamError(f"TLS handshake failed: {error}") from error

    @property
    def tls(self) -> Any:
        """The connection's ``ssl.SSLObject``; None before TLS."""
        return self._writer.get_extra_info("ssl_object")

    @property
    def cipher(self) -> tuple[str, str, int]:
        """Protocol, cipher and bits of the connection's TLS."""
        name, _, bits = self.tls.cipher()
        return self.tls.version(), name, bits

    def close(self) -> None:
        """Close; what is in the buffers still goes out."""
        self.open = False
        self._writer.close()

    def abort(self) -> None:
        """Close at once: nothing more is sent, above all no final dot."""
        self.open = False
        with contextlib.suppress(RuntimeError):
            self._writer.transport.abort()
