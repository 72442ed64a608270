"""The events of open sessions, kept until they are written with their end."""

from __future__ import annotations

from typing import get_args

from monitor import events as ev

MAX_EVENTS = 5_000  # a session; what comes after is not kept


class Transcripts:
    """Collects events, a list a session; the octets of messages are not among them."""

    def __init__(self) -> None:
        self._open: dict[str, list[ev.AnyEvent]] = {}
        kinds = (kind for kind in get_args(ev.AnyEvent) if kind is not ev.Body)
        self.hears = dict.fromkeys(kinds, self.add)

    def add(self, event: ev.AnyEvent) -> None:
        """Keep one event; one that it ``hears``."""
        events = self._open.get(event.session)
        if events is None:
            if isinstance(event, ev.Found):
                return  # after the session's end
            events = self._open[event.session] = []
        if len(events) < MAX_EVENTS or type(event) is ev.Closed:
            events.append(event)

    def take(self, session: str) -> list[ev.AnyEvent]:
        """Every event of a session that is over; it is not kept any longer."""
        return self._open.pop(session, [])

    def open(self, session: str) -> list[ev.AnyEvent]:
        """The events so far of a session that is still open."""
        return list(self._open.get(session, ()))
