"""Sessions gathered into a capture of the operator's: in the order of time, and counted."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from monitor import events as ev
from monitor.capture.file import Saving
from monitor.capture.format import CaptureError, Header


class Saved(NamedTuple):
    """What a capture holds: ``lacking`` of its messages are there without all their octets."""

    sessions: int
    messages: int
    lacking: int


async def interleaved(
    sessions: Mapping[str, float], fetch: Callable[[str], Awaitable[list[ev.AnyEvent]]]
) -> AsyncIterator[ev.AnyEvent]:
    """The events of ``sessions`` (ids, and when they began) in the order of time.

    Only those that are open at the same time are in memory.
    """
    waiting = sorted(sessions.items(), key=lambda item: item[1], reverse=True)
    heap: list[tuple[float, int, list[ev.AnyEvent]]] = []  # newest first within a session
    while waiting or heap:
        while waiting and (not heap or waiting[-1][1] <= heap[0][0]):
            events = (await fetch(waiting.pop()[0]))[::-1]
            if events:
                heapq.heappush(heap, (events[-1].at, len(waiting), events))
        if heap:
            _, number, events = heapq.heappop(heap)
            yield events.pop()
            if events:
                heapq.heappush(heap, (events[-1].at, number, events))


def lacking(events: Iterable[ev.AnyEvent]) -> int:
    """How many messages are there without all their octets."""
    missing: Counter[str] = Counter()
    for event in events:
        _count(event, missing)
    return sum(map(bool, missing.values()))


def _count(event: ev.AnyEvent, missing: Counter[str]) -> None:
    """Keep count of the octets that are still to come, by transaction."""
    if isinstance(event, ev.Content):
        missing[event.transaction] += event.size
    elif isinstance(event, ev.Body):
        missing[event.transaction] -= len(event.data)


async def save_sessions(
    path: Path,
    header: Header,
    events: AsyncIterator[ev.AnyEvent],
    tell: Callable[[int], None] = lambda sessions: None,
) -> Saved:
    """Write ``events`` to a new capture; ``tell`` hears how many sessions began so far.

    Raises CaptureError; given up or failed, it leaves no file.
    """
    sessions: set[str] = set()
    missing: Counter[str] = Counter()
    with Saving(path, header) as saving:
        async for event in events:
            if event.session not in sessions:
                sessions.add(event.session)
                tell(len(sessions))
            _count(event, missing)
            saving.add(event)
        if not sessions:
            raise CaptureError("nothing of this is kept any more")
    return Saved(len(sessions), len(missing), sum(map(bool, missing.values())))
