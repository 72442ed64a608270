"""Conduct: what a client does against RFC 5321, told from the dialogue alone."""

from __future__ import annotations

from collections.abc import Iterable

from monitor import events as ev
from monitor.config import Settings
from monitor.findings.answers import canonical
from monitor.findings.conduct.dialogue import Dialogue, Judge
from monitor.findings.conduct.foreign import NotSmtp
from monitor.findings.conduct.greeting import Greeting
from monitor.findings.conduct.lines import Lines
from monitor.findings.conduct.pipelining import EarlyTalker, UnannouncedPipelining
from monitor.findings.conduct.recipients import DataAfterNoRecipients
from monitor.findings.conduct.rejected import IgnoredRejection, IgnoredShutdown
from monitor.findings.conduct.sequence import BadSequence, NoQuit, UnknownCommands
from monitor.findings.hearing import Hearers
from monitor.findings.views import Session

__all__ = ["Conduct"]


class Conduct:
    """A discipline: asks the judges of each session about the events that they hear."""

    def __init__(self, settings: Settings) -> None:
        self._name = settings.name
        self._local = frozenset(map(canonical, settings.local_domains))
        self._sessions: dict[str, tuple[Dialogue, list[Judge]]] = {}
        # The judges of a session by their place in the list, as each session has its own.
        judges = list(enumerate(self._judges()))
        self._hearing = Hearers((i, judge.hears) for i, judge in judges)
        self._routine = Hearers((i, judge.routine) for i, judge in judges)
        kinds = (*Dialogue.hears, *(kind for _, judge in judges for kind in judge.hears))
        self.hears = tuple(dict.fromkeys(kinds))

    def __call__(self, view: Session, event: ev.Event) -> Iterable[ev.Finding]:
        """The findings that became known by ``event``."""
        known = self._sessions.get(event.session)
        if known is None:
            known = self._sessions[event.session] = (Dialogue(view), self._judges())
        talk, judges = known
        asked = self._routine if talk.hear(event) else self._hearing
        found: list[ev.Finding] = []
        for index in asked[type(event)]:
            found += judges[index](talk, event)
        if isinstance(event, ev.Closed):
            del self._sessions[event.session]
        return found

    def _judges(self) -> list[Judge]:
        return [
            DataAfterNoRecipients(),
            IgnoredRejection(),
            IgnoredShutdown(),
            EarlyTalker(),
            UnannouncedPipelining(),
            NotSmtp(),
            BadSequence(),
            UnknownCommands(),
            NoQuit(),
            Lines(),
            Greeting(self._name, self._local),
        ]
