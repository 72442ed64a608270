"""The events of open sessions, kept until they are written with their end."""

from __future__ import annotations

from monitor import events as ev

MAX_EVENTS = 5_000  # a session; what comes after is not kept


class Transcripts:
    """Collects events, a list a session."""

    def __init__(self) -> None:
        self._open: dict[str, list[ev.AnyEvent]] = {}

    def add(self, event: ev.AnyEvent) -> list[ev.AnyEvent] | None:
        """Keep one event; the whole session when it was its last."""
        late = isinstance(event, ev.Found) and event.session not in self._open
        if late or isinstance(event, ev.Body):
            return None
        events = self._open.setdefault(event.session, [])
        last = isinstance(event, ev.Closed)
        if last or len(events) < MAX_EVENTS:
            events.append(event)
        return self._open.pop(event.session) if last else None

    def open(self, session: str) -> list[ev.AnyEvent]:
        """The events so far of a session that is still open."""
        return list(self._open.get(session, ()))
