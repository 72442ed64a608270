"""Upstream sessions that are kept for the next client, where XCLIENT makes a new one of each.

To connect, to greet and to part are a sixth of what a short session costs its upstream, and a
TLS handshake is more than all of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from msgspec.structs import replace

from monitor.relay.replies import Answer
from monitor.relay.upstream import Upstream

MOST = 20  # kept at once by all workers: each is a process of the upstream
CLIENTS = 100  # that one serves, as Postfix does by itself (max_use)
AGE = 60.0  # seconds since it was connected: what the upstream's operator changes takes effect
REST = 60.0  # seconds in which none is kept, after one that did not begin anew


class Kept:
    """At most ``most`` of them, each for ``seconds`` after its last client; 0 keeps none.

    An upstream counts errors and the like by connection, and forgets them with a message that
    it accepts. So only a session that ended with one is kept: no client pays for another. And
    only one that takes REVERSE_NAME: the name of the client before would else stand.
    """

    def __init__(self, seconds: float, most: int = MOST) -> None:
        self._seconds, self._most = seconds, most
        self._goodbye: Answer | None = None
        self._rests = float("-inf")  # until then, in loop time
        self._idle: deque[tuple[float, Upstream]] = deque()  # when it goes; the oldest first
        self._alarm: asyncio.TimerHandle | None = None

    def learn(self, goodbye: Answer, names: Iterable[str | None]) -> None:
        """How the upstream answers QUIT, unless it says so to the client of these ``names``."""
        said = goodbye.text.lower()
        if not any(name and name.lower().encode() in said for name in names):
            self._goodbye = replace(goodbye, took=0.0)

    def keep(self, upstream: Upstream) -> Answer | None:
        """The reply to QUIT where ``upstream`` is kept, and not its client's any more."""
        now = upstream.loop.time()
        if (
            not self._seconds
            or self._goodbye is None
            or now < self._rests
            or not ("REVERSE_NAME" in upstream.takes and upstream.settled and upstream.idle)
            or upstream.clients >= CLIENTS
            or now - upstream.since >= AGE
            or len(self._idle) >= self._most
        ):
            return None
        self._idle.append((now + self._seconds, upstream))
        if self._alarm is None:
            self._set(upstream.loop)
        return self._goodbye

    def take(self) -> Upstream | None:
        """The one that was kept last, if it still stands."""
        while self._idle:
            _, upstream = self._idle.pop()
            if upstream.idle:
                upstream.clients += 1
                return upstream
            upstream.close()
        return None

    def rest(self, now: float) -> None:
        """One did not begin anew: part from the others, and keep none for a while."""
        self._rests = now + REST
        while self._idle:
            self._idle.pop()[1].part()

    def close(self) -> None:
        """Part from all of them, and keep no more."""
        self._seconds = 0
        if self._alarm is not None:
            self._alarm.cancel()
        self.rest(0)

    def _sweep(self, now: float) -> None:
        """Part from those whose time is over at ``now``, in loop time."""
        while self._idle and (self._idle[0][0] <= now or not self._idle[0][1].idle):
            self._idle.popleft()[1].part()

    def _set(self, loop: asyncio.AbstractEventLoop) -> None:
        self._alarm = loop.call_at(self._idle[0][0], self._ring, loop) if self._idle else None

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._sweep(loop.time())
        finally:
            self._set(loop)
