"""One TCP connection, the client's or the upstream's: bounded input, and waiting by a deadline.

One timer serves all the deadlines of a connection. It is set anew when it fires too early, and
not whenever something is waited for: most of what is waited for comes long before.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from monitor.relay.plain import Plain
from monitor.relay.waiter import Waiter

# Octets as numbers: where bytes are looked for in bytes, CPython makes an error first.
CR, LF, NUL = b"\r\n\0"
NEVER = float("inf")
HIGH_WATER = 64 * 1024  # octets that may have come and not been read before reading pauses
ROUND = 30.0  # seconds until the timer looks, at the latest: so it is seldom set to come sooner
CLOSE_DEADLINE = 5.0  # seconds for a reader that does not take the last that we wrote


class Channel(asyncio.Protocol):
    """The protocol object of a connection. One task at a time reads, or waits to write."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.gone = False  # nothing can be written any more
        self._socket: asyncio.Transport
        self._input = bytearray()
        self._ended = False  # nothing more will come
        self._held = False  # reading pauses
        self._full = False  # what was written waits to be taken
        self._waiter = Waiter(loop)
        self._due = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._rings = NEVER  # when it does

    # The protocol's side: called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._socket = transport

    def data_received(self, data: bytes) -> None:
        self._input += data
        if len(self._input) > HIGH_WATER and not self._held:
            self._held = True
            self._socket.pause_reading()
        self._waiter.wake(True)

    def eof_received(self) -> bool:
        # Who closes his side may still read; TLS has no such thing.
        self._ended = True
        self._waiter.wake(True)
        return not self.tls

    def connection_lost(self, error: Exception | None) -> None:
        self._ended = self.gone = True
        self._hush()
        self._waiter.wake(True)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._waiter.wake(True)

    # The dialogue's side.

    def arrival(self, due: float) -> Waiter:
        """More input, or its end: True. False where neither came by ``due``, in loop time."""
        if self._held:
            self._held = False
            if not self.gone:
                self._socket.resume_reading()
        return self._news(due)

    async def drained(self, timeout: float) -> None:
        """Wait until most of what was written is taken. Raises OSError, after ``timeout`` too."""
        due = self.loop.time() + timeout
        while self._full and not self.gone:
            if not await self._news(due):
                raise TimeoutError
        if self.gone:
            raise ConnectionResetError("the connection is lost")

    async def secure(
        self, context: ssl.SSLContext, timeout: float, server_name: str | None = None
    ) -> None:
        """Begin TLS: as its client with ``server_name``, else as its server.

        Raises OSError (ssl.SSLError) with the reason; the connection is then dead.
        """
        # Before the handshake, not after: with its last flight the other side may send what
        # comes next, which is here, decrypted, when this returns.
        self._input.clear()
        plain, timeout = self._socket, max(timeout, 0.001)
        assert isinstance(plain, Plain)
        try:
            async with asyncio.timeout(timeout):
                sock = await plain.detach()
            # From here on it is asyncio's, which closes it where the handshake fails.
            if server_name is None:
                await self.loop.connect_accepted_socket(
                    lambda: self, sock, ssl=context, ssl_handshake_timeout=timeout
                )
            else:
                await self.loop.create_connection(
                    lambda: self,
                    sock=sock,
                    ssl=context,
                    server_hostname=server_name,
                    ssl_handshake_timeout=timeout,
                )
        except BaseException:
            self._ended = self.gone = True
            raise

    @property
    def tls(self) -> Any:
        """The connection's ``ssl.SSLObject``; None before TLS."""
        return self._socket.get_extra_info("ssl_object")

    @property
    def cipher(self) -> tuple[str, str, int]:
        """Protocol, cipher and bits of the connection's TLS."""
        name, _, bits = self.tls.cipher()
        return self.tls.version(), name, bits

    def close(self) -> None:
        """Close; what is written still goes out, unless it is not taken in time."""
        if self.gone or self._socket.is_closing():
            return
        self._hush()
        lasts = self.tls
        self._socket.close()
        if lasts or self._socket.get_write_buffer_size():
            self._alarm = self.loop.call_later(CLOSE_DEADLINE, self._socket.abort)

    def abort(self) -> None:
        """Close at once: nothing more is sent."""
        self._socket.abort()

    def _news(self, due: float) -> Waiter:
        self._due = due
        if due < self._rings:
            self._set(due)
        return self._waiter.anew()

    def _set(self, due: float) -> None:
        self._hush()
        at = min(due, self.loop.time() + ROUND)
        self._rings, self._alarm = at, self.loop.call_at(at, self._ring)

    def _hush(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._rings, self._alarm = NEVER, None

    def _ring(self) -> None:
        self._rings, self._alarm = NEVER, None
        if self._waiter.done():
            return  # whoever waits next sets it
        if self.loop.time() < self._due:
            self._set(self._due)
        else:
            self._waiter.wake(False)
