"""One connection to the control socket: what waits for it, within bounds."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator

import msgspec

from monitor.control.protocol import Missed

__all__ = ["MAX_WAITING", "Visitor"]

MAX_WAITING = 8 * 1024 * 1024  # octets of updates that may wait for a slow client: some thousands

_encode = msgspec.json.Encoder().encode


class Visitor:
    """Who steers or watches; ``user`` is the kernel's word."""

    def __init__(self, writer: asyncio.StreamWriter, user: str) -> None:
        self.user = user
        self.subscribed = False
        self.gone = False  # nothing can be sent any more, and nothing is kept
        self.study: asyncio.Task[None] | None = None
        self._writer = writer
        self._queue: deque[tuple[bytes, int]] = deque()  # lines, and what each counts for
        self._waiting = 0  # octets of updates in it
        self._missed = 0
        self._ready = asyncio.Event()
        self.answered = asyncio.Event()  # nothing of what was asked waits
        self.answered.set()

    def offer(self, line: bytes) -> None:
        """An update: dropped, and counted, where too many wait."""
        if self.gone:
            return
        if self._waiting + len(line) > MAX_WAITING:
            self._missed += 1
            return
        self._put(line, len(line))

    def answer(self, line: bytes) -> None:
        """An answer: never dropped, and the next request waits until it was taken."""
        if self.gone:
            return
        self._put(line, 0)
        self.answered.clear()

    def _put(self, line: bytes, counts: int) -> None:
        self._queue.append((line, counts))
        self._waiting += counts
        self._ready.set()

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
            self.gone = True
            self._queue.clear()
            self.answered.set()

    async def _send(self) -> None:
        while True:
            await self._ready.wait()
            self._ready.clear()
            while self._queue:
                # No name is given to it: one who goes leaves an error that holds this frame.
                self._writer.write(b"".join(self._taken()))
                await self._writer.drain()
            self.answered.set()
            if self._missed:
                missed, self._missed = self._missed, 0
                self._writer.write(_encode(Missed(missed)) + b"\n")

    def _taken(self) -> Iterator[bytes]:
        for _ in range(min(50, len(self._queue))):
            line, counts = self._queue.popleft()
            self._waiting -= counts
            yield line
