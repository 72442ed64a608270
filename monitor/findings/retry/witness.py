"""Who waits in a replay: attempts are remembered, and nothing is said about them."""

from __future__ import annotations

from collections.abc import Iterable

from monitor import events as ev
from monitor.config import Retry
from monitor.findings.memory import Bounded
from monitor.findings.retry.discipline import Retries
from monitor.findings.retry.waiting import Wait, waits
from monitor.findings.views import Session


class Witness:
    """A discipline without findings; those of a replay are in the recording."""

    hears = (ev.Ended,)

    def __init__(self) -> None:
        self._memory = Bounded()
        self._retries = Retries(Retry(), self._memory)

    def __call__(self, view: Session, event: ev.Event) -> Iterable[ev.Finding]:
        """Remember what ended."""
        for _ in self._retries(view, event):
            pass
        return ()

    def waiting(self, now: float) -> list[Wait]:
        """Mail that waits at ``now``, epoch seconds of the recording."""
        for _ in self._retries.tick(now):
            pass
        return waits(self._memory)
