"""Conduct: what a client does against RFC 5321, told from the dialogue alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

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
from monitor.findings.hearing import Kinds
from monitor.findings.views import Session

__all__ = ["Conduct"]

Made = dict[type[Judge], Judge]

JUDGES: tuple[type[Judge], ...] = (
    DataAfterNoRecipients,
    IgnoredRejection,
    IgnoredShutdown,
    EarlyTalker,
    UnannouncedPipelining,
    NotSmtp,
    BadSequence,
    UnknownCommands,
    NoQuit,
    Lines,
    Greeting,
)
_HEARD: Kinds = (ev.Command, ev.Reply, ev.Mail, ev.Secured, ev.Content, ev.Ended, ev.Closed)
_HEARING = {kind: tuple(judge for judge in JUDGES if kind in judge.hears) for kind in _HEARD}
_ROUTINE = {kind: tuple(judge for judge in JUDGES if kind in judge.routine) for kind in _HEARD}


class Conduct:
    """A discipline: asks the judges of each session about the events that they hear."""

    def __init__(self, settings: Settings) -> None:
        self._name = settings.name
        self._local = frozenset(map(canonical, settings.local_domains))
        # Each session has judges of its own, made when they are first asked.
        self._sessions: dict[str, tuple[Dialogue, Made]] = {}
        self.hears: Mapping[type[ev.Event], Callable[..., Iterable[ev.Finding]]] = {
            **dict.fromkeys(_HEARD, self._other),
            ev.Command: self._command,
            ev.Reply: self._reply,
            ev.Closed: self._closed,
        }

    def __call__(self, view: Session, event: ev.Event) -> Iterable[ev.Finding]:
        """The findings that became known by ``event``."""
        take = self.hears.get(type(event))
        return take(view, event) if take else ()

    def _command(self, view: Session, event: ev.Command) -> Iterable[ev.Finding]:
        talk, made = self._sessions.get(event.session) or self._begin(view)
        talk.take_command(event)
        if talk.greeted and not talk.suspect and event.text[:4].upper() not in ("EHLO", "HELO"):
            return ()
        return self._ask(talk, made, event)

    def _reply(self, view: Session, event: ev.Reply) -> Iterable[ev.Finding]:
        talk, made = self._sessions.get(event.session) or self._begin(view)
        talk.take_reply(event)
        return self._ask(talk, made, event) if talk.suspect else ()

    def _other(self, view: Session, event: ev.Event) -> Iterable[ev.Finding]:
        talk, made = self._sessions.get(event.session) or self._begin(view)
        talk.take(event)
        return self._ask(talk, made, event)

    def _closed(self, view: Session, event: ev.Closed) -> Iterable[ev.Finding]:
        talk, made = self._sessions.get(event.session) or self._begin(view)
        del self._sessions[event.session]
        return self._ask(talk, made, event)

    def _begin(self, view: Session) -> tuple[Dialogue, Made]:
        known = self._sessions[view.id] = Dialogue(view), {}
        return known

    def _ask(self, talk: Dialogue, made: Made, event: ev.Event) -> Iterable[ev.Finding]:
        found: list[ev.Finding] = []
        for kind in (_HEARING if talk.suspect else _ROUTINE)[type(event)]:
            judge = made.get(kind)
            if judge is None:
                judge = made[kind] = self._make(kind)
            found += judge(talk, event)
        return found

    def _make(self, kind: type[Judge]) -> Judge:
        return Greeting(self._name, self._local) if kind is Greeting else kind()
