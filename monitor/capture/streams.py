"""TCP connections from segments: bytes in their order, and holes where some were lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from monitor.capture.packets import Endpoint, Segment

SPACE = 1 << 32
MAX_WAITING = 1_000  # segments behind a hole; with more of them the hole is taken for lost

Side = Literal["client", "server"]


@dataclass(frozen=True, slots=True)
class Data:
    """Octets from one side, in order. ``lost`` octets are missing before them."""

    at: float
    side: Side
    octets: bytes
    lost: int = 0


@dataclass(frozen=True, slots=True)
class End:
    """A side closed, or broke the connection off for both."""

    at: float
    side: Side
    broken: bool


class Half:
    """One direction of a connection. Numbers are octets since its first."""

    def __init__(self, side: Side, first: int) -> None:
        self.side = side
        self._first = first
        self._next = 0
        self._acked = 0
        self._waiting: dict[int, bytes] = {}
        self._end: int | None = None

    def acknowledge(self, ack: int) -> None:
        """The other side says that it has everything before ``ack``."""
        self._acked = max(self._acked, self._since_first(ack))

    def add(self, segment: Segment) -> Iterator[Data | End]:
        """Take a segment; give what is now in order."""
        start = self._since_first(segment.seq + segment.syn)
        if segment.fin:
            self._end = start + len(segment.data)
        if segment.data and start + len(segment.data) > self._next:
            known = self._waiting.get(start, b"")
            if len(segment.data) > len(known):
                self._waiting[start] = segment.data
        yield from self._ready(segment.at)
        # What the other side has, but the capture has not, will not come any more.
        while self._waiting and self._acked > self._next < min(self._waiting):
            yield from self._skip(segment.at)
        if len(self._waiting) > MAX_WAITING:
            yield from self._skip(segment.at)
        if segment.rst or (self._end is not None and self._next >= self._end):
            yield End(segment.at, self.side, segment.rst)

    def finish(self, at: float) -> Iterator[Data | End]:
        """Nothing more comes: give what waits behind holes."""
        while self._waiting:
            yield from self._skip(at)

    def _skip(self, at: float) -> Iterator[Data]:
        hole = min(self._waiting) - self._next
        self._next += hole
        yield from self._ready(at, hole)

    def _ready(self, at: float, lost: int = 0) -> Iterator[Data]:
        while self._waiting:
            start = min(self._waiting)
            if start > self._next:
                return
            octets = self._waiting.pop(start)[self._next - start :]
            if octets:
                self._next += len(octets)
                yield Data(at, self.side, octets, lost)
                lost = 0

    def _since_first(self, number: int) -> int:
        """A sequence number as a count that does not wrap, near where the stream stands."""
        offset = (number - self._first - self._next) % SPACE
        return self._next + (offset if offset < SPACE // 2 else offset - SPACE)


class Connection:
    """Two halves, and who is who."""

    def __init__(self, client: Endpoint, server: Endpoint) -> None:
        self.client = client
        self.server = server
        self._halves: dict[Endpoint, Half] = {}

    def add(self, segment: Segment) -> Iterator[Data | End]:
        """Take a segment of this connection; give what both sides said, in order."""
        half = self._halves.get(segment.source)
        if half is None:
            side: Side = "client" if segment.source == self.client else "server"
            half = self._halves[segment.source] = Half(side, segment.seq + segment.syn)
        other = self._halves.get(segment.target)
        if segment.ack is not None and other is not None:
            other.acknowledge(segment.ack)
        yield from half.add(segment)

    def finish(self, at: float) -> Iterator[Data | End]:
        """Give what waits still."""
        for half in self._halves.values():
            yield from half.finish(at)
