"""Times when nobody watched: what spans them is not held against a sender."""

from __future__ import annotations

import msgspec

from monitor.findings.memory import Memory

KIND = "watch"
KEY = "ticks"
DOWN = 120.0  # seconds without a tick that count as down
MAX_GAPS = 50
KEPT = 40 * 86_400.0  # seconds


class _Watch(msgspec.Struct, array_like=True):
    last: float
    gaps: list[tuple[float, float]] = []


class Downtime:
    """Learns from the ticks when the monitor was down, restarts included."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._watch: _Watch | None = None

    def tick(self, now: float) -> None:
        """The monitor runs at ``now``, epoch seconds."""
        watch = self._watch or self._load(now)
        if now - watch.last > DOWN:
            watch.gaps = [*watch.gaps, (watch.last, now)][-MAX_GAPS:]
        watch.last = max(watch.last, now)
        self._watch = watch
        self._memory.put(KIND, KEY, msgspec.msgpack.encode(watch), now + KEPT)

    def spans(self, start: float, end: float) -> bool:
        """Whether any of it lies between ``start`` and ``end``."""
        gaps = self._watch.gaps if self._watch else []
        return any(began < end and ended > start for began, ended in gaps)

    def _load(self, now: float) -> _Watch:
        raw = self._memory.get(KIND, KEY)
        try:
            return msgspec.msgpack.decode(raw, type=_Watch) if raw else _Watch(now)
        except msgspec.DecodeError:
            return _Watch(now)
