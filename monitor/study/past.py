"""What happened, to be gone through as often as is needed: a relay's history, or captures."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from monitor.assembler import Assembler
from monitor.capture.format import CaptureError
from monitor.capture.history import forwards, session_events
from monitor.capture.reel import Reel
from monitor.capture.sources import open_reel
from monitor.config import Settings
from monitor.events import AnyEvent, Finding
from monitor.insight.questions import StudyError
from monitor.insight.whatif.scenario import Spoken
from monitor.policy.entry import Entry
from monitor.record import Late, Record
from monitor.store import StoreError
from monitor.store.reading import Reading

__all__ = ["Past", "of_history", "of_reel", "opened"]

USUAL = 7 * 86_400.0  # seconds of history, where nobody says how much
LATE = 100_000  # transactions of a recording of which more is known than at their end
SLACK = 600.0  # seconds behind a record in which its session's last events are looked for


class Past(Protocol):
    """Records as often as they are wanted. Times are epoch seconds."""

    since: float  # where it begins, unless something else is asked for
    until: float

    def records(self, since: float) -> Iterator[Record]:
        """What ended from ``since`` on, oldest first."""
        ...

    def transcript(self, spoken: Spoken) -> list[AnyEvent]:
        """The events of a session; empty where they are not kept."""
        ...

    def entries(self) -> list[Entry]:
        """The lists in force."""
        ...


class _History:
    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.until = time.time()
        self.since = self.until - USUAL

    def records(self, since: float) -> Iterator[Record]:
        return self._reading.records(since)

    def transcript(self, spoken: Spoken) -> list[AnyEvent]:
        return self._reading.past.transcript(spoken.session)

    def entries(self) -> list[Entry]:
        return self._reading.entries.in_force()


class _Captures:
    def __init__(
        self, reel: Reel, until: float, entries: Sequence[Entry], wanted: Callable[[], bool]
    ) -> None:
        self._reel = reel
        self._entries = entries
        self._wanted = wanted
        self.since, self.until = reel.start, until

    def records(self, since: float) -> Iterator[Record]:
        late = self._late()
        for batch in forwards(self._reel, since, math.nextafter(self.until, math.inf)):
            self._go_on()
            for record in batch.records:
                found = (*record.findings, *late.get(record.id, ()))
                yield msgspec.structs.replace(record, findings=found)

    def _late(self) -> dict[str, list[Finding]]:
        """What became known of transactions after their end, by their ids."""
        found: dict[str, list[Finding]] = {}
        assembler = Assembler()
        for index in range(len(self._reel)):
            self._go_on()
            for event in self._reel[index].load():
                for output in assembler.feed(event)[1] if event.at <= self.until else ():
                    if isinstance(output, Late) and len(found) < LATE:
                        found.setdefault(output.about, []).extend(output.findings)
        return found

    def _go_on(self) -> None:
        if not self._wanted():
            raise StudyError("another was asked")

    def transcript(self, spoken: Spoken) -> list[AnyEvent]:
        return session_events(self._reel, spoken.session, spoken.started, spoken.ended + SLACK)

    def entries(self) -> list[Entry]:
        return list(self._entries)


def of_reel(
    reel: Reel,
    until: float = math.inf,
    entries: Sequence[Entry] = (),
    wanted: Callable[[], bool] = lambda: True,
) -> Past:
    """A recording as far as ``until``. It raises StudyError when it is no longer ``wanted``."""
    return _Captures(reel, min(until, reel.end), entries, wanted)


@contextlib.contextmanager
def of_history(settings: Settings) -> Iterator[Past]:
    """The state folder's history, which is only read. Raises StudyError."""
    try:
        reading = Reading(settings.state, settings.database)
    except StoreError as error:
        raise StudyError(str(error)) from None
    with contextlib.closing(reading):
        yield _History(reading)


@contextlib.contextmanager
def opened(files: Sequence[Path], settings: Settings) -> Iterator[Past]:
    """The captures ``files``, or without any the state folder's history. Raises StudyError.

    What of the captures could not be read is told at the end.
    """
    if not files:
        with of_history(settings) as past:
            yield past
        return
    try:
        reel = open_reel(files, settings)
    except CaptureError as error:
        raise StudyError(str(error)) from None
    with contextlib.closing(reel):
        yield of_reel(reel)
        for problem in reel.problems:
            print(f"mxtap: {problem}", file=sys.stderr)
