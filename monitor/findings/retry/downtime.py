"""Times when nobody watched, here or at a relay beside us: not held against a sender."""

from __future__ import annotations

import msgspec

from monitor.findings.memory import Memory

KIND = "watch"
DOWN = 120.0  # seconds without a tick that count as down
EVERY = 30.0  # seconds between notes of our own, and looks at those of other relays
SILENT = 300.0  # seconds without a note of another relay: it is down, or we cannot hear it
GONE = 86_400.0  # seconds after which another relay is not waited for any more
MAX_RELAYS = 100
MAX_GAPS = 50
KEPT = 40 * 86_400.0  # seconds


class _Watch(msgspec.Struct, array_like=True):
    last: float
    gaps: list[tuple[float, float]] = []


class Downtime:
    """Learns from the ticks when the monitor was down, restarts included.

    Relays that share a memory know it of each other, by their names.
    """

    def __init__(self, memory: Memory, relay: str) -> None:
        self._memory = memory
        self._relay = relay
        self._watch: _Watch | None = None
        self._others: list[_Watch] = []
        self._noted = 0.0

    def tick(self, now: float) -> None:
        """The monitor runs at ``now``, epoch seconds."""
        watch = self._watch or self._load(now)
        if now - watch.last > DOWN:
            watch.gaps = [*watch.gaps, (watch.last, now)][-MAX_GAPS:]
        watch.last = max(watch.last, now)
        self._watch = watch
        if now - self._noted >= EVERY:
            self._noted = now
            self._memory.put(KIND, self._relay, msgspec.msgpack.encode(watch), now + KEPT)
            notes = self._memory.newest(KIND, MAX_RELAYS)
            self._others = [_decoded(raw, now) for name, raw in notes if name != self._relay]

    def spans(self, start: float, end: float) -> bool:
        """Whether any of it lies between ``start`` and ``end``."""
        gaps = list(self._watch.gaps) if self._watch else []
        for other in self._others:
            gaps += other.gaps
            if end - other.last > SILENT:
                gaps.append((other.last, other.last + GONE))
        return any(began < end and ended > start for began, ended in gaps)

    def _load(self, now: float) -> _Watch:
        raw = self._memory.get(KIND, self._relay)
        return _decoded(raw, now) if raw else _Watch(now)


def _decoded(raw: bytes, now: float) -> _Watch:
    try:
        return msgspec.msgpack.decode(raw, type=_Watch)
    except msgspec.DecodeError:
        return _Watch(now)
