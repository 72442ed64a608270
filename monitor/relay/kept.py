"""Upstream sessions that are kept for the next client, where XCLIENT makes a new one of each.

To connect, to greet and to part are a sixth of what a short session costs its upstream, and a
TLS handshake is more than all of it.
"""

from __future__ import annotations

import asyncio
from collections import deque

from monitor.relay.replies import Answer
from monitor.relay.upstream import Upstream

MOST = 20  # kept at once: each is a process of the upstream
CLIENTS = 100  # that one serves, as Postfix does by itself (max_use)
AGE = 60.0  # seconds since it was connected: what the upstream's operator changes takes effect


class Kept:
    """At most MOST of them, each for ``seconds`` after its last client; 0 keeps none.

    An upstream counts errors and the like by connection, and forgets them with a message that
    it accepts. So only a session that ended with one is kept: no client pays for another.
    """

    def __init__(self, seconds: float) -> None:
        self.goodbye: Answer | None = None  # the upstream's to QUIT, once it was heard
        self._seconds = seconds
        self._idle: deque[tuple[float, Upstream]] = deque()  # when it goes; the oldest first
        self._alarm: asyncio.TimerHandle | None = None

    def keep(self, upstream: Upstream) -> Answer | None:
        """The reply to QUIT where ``upstream`` is kept, and not its client's any more."""
        now = upstream.loop.time()
        if (
            not self._seconds
            or self.goodbye is None
            or not (upstream.takes and upstream.settled and upstream.idle)
            or upstream.clients >= CLIENTS
            or now - upstream.since >= AGE
            or len(self._idle) >= MOST
        ):
            return None
        self._idle.append((now + self._seconds, upstream))
        if self._alarm is None:
            self._set(upstream.loop)
        return self.goodbye

    def take(self) -> Upstream | None:
        """The one that was kept last, if it still stands."""
        while self._idle:
            _, upstream = self._idle.pop()
            if upstream.idle:
                upstream.clients += 1
                return upstream
            upstream.close()
        return None

    def close(self) -> None:
        """Part from all of them, and keep no more."""
        self._seconds = 0
        if self._alarm is not None:
            self._alarm.cancel()
        while self._idle:
            self._idle.pop()[1].part()

    def _sweep(self, now: float) -> None:
        """Part from those whose time is over at ``now``, in loop time."""
        while self._idle and (self._idle[0][0] <= now or not self._idle[0][1].idle):
            self._idle.popleft()[1].part()

    def _set(self, loop: asyncio.AbstractEventLoop) -> None:
        self._alarm = loop.call_at(self._idle[0][0], self._ring, loop) if self._idle else None

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweep(loop.time())
        self._set(loop)
