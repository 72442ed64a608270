"""Messages over a socket pair, in frames: what is said in a short while goes in one piece.

A frame is its length, 4 octets, the highest first, and as many octets of MessagePack, an array
of messages: content of mail goes as it is.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import msgspec

log = logging.getLogger(__name__)

MAX_FRAME = 256 * 1024 * 1024  # octets: a million entries of the lists
KEPT_UP = 64 * 1024  # octets: with less waiting, the other end keeps up
PLENTY = 64 * 1024  # octets heard at once: the other end has more to say
_LENGTH = 4

Heard = TypeVar("Heard")

_encode = msgspec.msgpack.Encoder().encode


class Wire(asyncio.Protocol, Generic[Heard]):
    """One end. ``hear`` is called with each frame's messages, ``lost`` once when the other is gone.

    ``decode`` reads a frame. Where it or ``hear`` raises, the connection ends: who talks
    nonsense is not heard further. What is said waits for ``delay`` seconds for more. Who has
    heard a little listens again after ``rest`` seconds: to be woken costs both ends more than
    what is said.
    """

    def __init__(
        self,
        decode: Callable[[bytearray], Iterable[Heard]],
        hear: Callable[[Iterable[Heard]], None],
        lost: Callable[[], None],
        delay: float = 0.0,
        rest: float = 0.0,
    ) -> None:
        self._decode, self._hear, self._lost = decode, hear, lost
        self._delay, self._rest = delay, rest
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._gone = asyncio.Event()
        self._input = bytearray()
        self._batch: list[object] = []
        self._bulk = 0
        self._due = self._soon = False  # the loop will flush: within the delay, in its next turn
        self.behind = 0  # octets said since the other end last kept up, bulk aside

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
        return self._bulk + sent

    def keeps_up(self) -> bool:
        """True where the other end has taken all but a little; nothing counts as behind then."""
        if self.closed or self.waiting >= KEPT_UP:
            return False
        self.behind = 0
        return True

    def say(self, message: object, bulk: int = 0) -> None:
        """Send a message, ``bulk`` octets of which are content of mail.

        Never blocks and is never refused: see :attr:`waiting` and :attr:`behind`.
        """
        if not self._due:
            if self.closed:
                return
            self._due = True
            self._loop.call_later(self._delay, self._when_due)
        self._batch.append(message)
        self._bulk += bulk

    def flush_soon(self) -> None:
        """Send what waits, together with what else this turn of the loop brings."""
        if not self._soon:
            self._soon = True
            self._loop.call_soon(self.flush)

    async def close(self, patience: float = 5.0) -> None:
        """Send what waits, and close; ``patience`` seconds for an end that does not take it."""
        self.flush()
        if self._transport is None:
            return
        self._transport.close()
        try:
            async with asyncio.timeout(patience):
                await self._gone.wait()
        except TimeoutError:
            self._transport.abort()

    def flush(self) -> None:
        """Send at once what waits for more."""
        self._soon = False
        self.keeps_up()
        batch, self._batch = self._batch, []
        bulk, self._bulk = self._bulk, 0
        if not batch or self._transport is None or self._transport.is_closing():
            return
        try:
            frame = _encode(batch)
        except Exception:
            log.exception("something cannot be said")
            frame = _encode([each for each in batch if _sayable(each)])
        self.behind += len(frame) - bulk
        self._transport.writelines((len(frame).to_bytes(_LENGTH), frame))

    def _when_due(self) -> None:
        self._due = False
        self.flush()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._input += data
        try:
            self._hear_frames()
        except Exception:
            log.exception("the other end talks nonsense")
            if self._transport is not None:
                self._transport.abort()
        if self._rest and len(data) < PLENTY and self._transport is not None:
            self._transport.pause_reading()
            self._loop.call_later(self._rest, self._transport.resume_reading)

    def _hear_frames(self) -> None:
        at = 0
        while len(self._input) >= (begin := at + _LENGTH):
            length = int.from_bytes(self._input[at:begin])
            if length > MAX_FRAME:
                raise ValueError(f"a frame of {length} octets")
            if len(self._input) < begin + length:
                break
            at = begin + length
            self._hear(self._decode(self._input[begin:at]))
        del self._input[:at]

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._gone.set()
        self.behind = sys.maxsize
        self._lost()


def _sayable(message: object) -> bool:
    try:
        _encode(message)
    except Exception:
        return False
    return True
