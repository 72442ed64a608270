"""The events of open sessions, kept until they are written with their end."""

from __future__ import annotations

from monitor import events as ev

MAX_EVENTS = 5_000  # a session; what comes after is not kept


class Transcripts:
    """Collects events as their wire form, a list a session."""

    def __init__(self) -> None:
        self._open: dict[str, list[bytes]] = {}

    def add(self, event: ev.AnyEvent) -> list[bytes] | None:
        """Keep one event; the whole session when it was its last."""
        late = isinstance(event, ev.Found) and event.session not in self._open
        if late or isinstance(event, ev.Body):
            return None
        lines = self._open.setdefault(event.session, [])
        if len(lines) < MAX_EVENTS or isinstance(event, ev.Closed):
            lines.append(ev.encode(event))
        return self._open.pop(event.session) if isinstance(event, ev.Closed) else None

    def open(self, session: str) -> list[ev.AnyEvent]:
        """The events so far of a session that is still open."""
        return [ev.decode(line) for line in self._open.get(session, ())]
