"""The upstream's greylist, as far as its replies tell of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from monitor.events import Finding
from monitor.findings.catalogue import finding
from monitor.findings.greylist.replies import Told
from monitor.findings.greylist.table import Key
from monitor.findings.memory import Memory
from monitor.findings.pools import network

KIND = "greylist-upstream"
SLACK = 1.0  # seconds by which a told wait may be off


class _Entry(msgspec.Struct, array_like=True):
    first: float
    last: float
    ip: str
    left: float | None = None
    resets: int = 0


class Upstream:
    """Remembers whom the upstream deferred; ``window`` is seconds without an attempt."""

    def __init__(self, memory: Memory, window: float) -> None:
        self._memory = memory
        self._window = window

    def deferred(self, key: Key, ip: str, at: float, told: Told, **more: Any) -> Iterator[Finding]:
        """The upstream greylisted an attempt from ``ip``."""
        before = self._get(key, at)
        entry = _Entry(before.first if before else at, at, ip, told.left)
        reset = before is not None and _reset(before, entry)
        if before:
            entry.resets = before.resets + reset
        self._memory.put(KIND, key.name, msgspec.json.encode(entry), at + self._window)
        age = at - entry.first
        wait = "" if told.left is None else f", {told.left:.0f} s left"
        yield finding(
            "greylist.too-early" if before else "greylist.deferred",
            f"{key.recipient}: the upstream greylists{wait}",
            whose="upstream",
            key=list(key),
            age=round(age, 1),
            left=told.left,
            recognised=told.by,
            **more,
        )
        if before and reset:
            yield finding(
                "greylist.timer-reset",
                f"{key.recipient}: tried from {before.ip}, and {at - before.last:.0f} s later "
                f"from {ip}",
                whose="upstream",
                key=list(key),
                age=round(age, 1),
                left=told.left,
                hosts=[before.ip, ip],
                resets=entry.resets,
            )

    def accepted(self, key: Key, at: float, **more: Any) -> Iterator[Finding]:
        """The upstream took an attempt: one that it deferred before has passed."""
        if before := self._get(key, at):
            self._memory.drop(KIND, key.name)
            yield finding(
                "greylist.passed",
                f"{key.recipient}: accepted {at - before.first:.0f} s after the first attempt",
                whose="upstream",
                key=list(key),
                age=round(at - before.first, 1),
                left=0.0,
                **more,
            )

    def _get(self, key: Key, at: float) -> _Entry | None:
        raw = self._memory.get(KIND, key.name)
        if raw is None:
            return None
        entry = msgspec.json.decode(raw, type=_Entry)
        return entry if at - entry.last <= self._window else None


def _reset(before: _Entry, now: _Entry) -> bool:
    """Whether a timer that goes by address started anew.

    A wait that grew says so, and one that shrank denies it. Without either it is taken for
    granted in another network only: greylists commonly count a network as one host.
    """
    if now.ip == before.ip:
        return False
    if before.left is not None and now.left is not None:
        if now.left < before.left:
            return now.left > before.left - (now.last - before.last) + SLACK
        if now.left > before.left - (now.last - before.last) + SLACK:
            return True
    return network(now.ip) != network(before.ip)
