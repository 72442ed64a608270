"""Frames over a socket pair: what is said in one turn of the loop goes in one piece.

A frame is its length, 4 octets, the highest first, and as many octets of MessagePack: content
of messages goes as it is.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

log = logging.getLogger(__name__)

MAX_FRAME = 256 * 1024 * 1024  # octets: a million entries of the lists
_LENGTH = 4


class Wire(asyncio.Protocol):
    """One end. ``take`` is called with each frame, ``lost`` once when the other end is gone.

    A ``take`` that raises ends the connection: who talks nonsense is not heard further.
    """

    def __init__(self, take: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        self._take, self._lost = take, lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._gone = asyncio.Event()
        self._input = bytearray()
        self._batch: list[bytes] = []
        self._batch_size = 0

    async def open(self, sock: socket.socket) -> None:
        """Begin on ``sock``, which is then its own."""
        sock.setblocking(False)
        await self._loop.create_unix_connection(lambda: self, sock=sock)

    @property
    def closed(self) -> bool:
        """True where nothing said is heard any more."""
        return self._transport is None or self._transport.is_closing()

    @property
    def waiting(self) -> int:
        """Octets that the other end has not taken yet."""
        sent = self._transport.get_write_buffer_size() if self._transport else 0
        return self._batch_size + sent

    def say(self, frame: bytes) -> None:
        """Send a frame. Never blocks and is never refused: see :attr:`waiting`."""
        if self.closed:
            return
        if not self._batch:
            self._loop.call_soon(self._flush)
        self._batch += (len(frame).to_bytes(_LENGTH), frame)
        self._batch_size += _LENGTH + len(frame)

    async def close(self, patience: float = 5.0) -> None:
        """Send what waits, and close; ``patience`` seconds for an end that does not take it."""
        self._flush()
        if self._transport is None:
            return
        self._transport.close()
        try:
            async with asyncio.timeout(patience):
                await self._gone.wait()
        except TimeoutError:
            self._transport.abort()

    def _flush(self) -> None:
        batch, self._batch, self._batch_size = b"".join(self._batch), [], 0
        if self._transport is not None and batch:
            self._transport.write(batch)

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._input += data
        try:
            self._take_frames()
        except Exception:
            log.exception("the other end talks nonsense")
            if self._transport is not None:
                self._transport.abort()

    def _take_frames(self) -> None:
        at = 0
        while len(self._input) >= (begin := at + _LENGTH):
            length = int.from_bytes(self._input[at:begin])
            if length > MAX_FRAME:
                raise ValueError(f"a frame of {length} octets")
            if len(self._input) < begin + length:
                break
            at = begin + length
            self._take(bytes(self._input[begin:at]))
        del self._input[:at]

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._gone.set()
        self._lost()
