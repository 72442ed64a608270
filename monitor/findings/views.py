"""Views: a session and its transactions as the events so far tell them.

The disciplines without DNS (conduct, TLS, retry, greylist) are functions over these. A
view is built by :class:`monitor.assembler.Assembler`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor import events as ev


@dataclass(slots=True)
class Transaction:
    """One MAIL to its end."""

    id: str
    started: float
    mail: ev.Mail
    rcpts: list[ev.Rcpt] = field(default_factory=list)
    content: ev.Content | None = None
    findings: list[ev.Finding] = field(default_factory=list)

    @property
    def accepted(self) -> list[ev.Rcpt]:
        """The recipients that the client heard a 2xx for."""
        return [r for r in self.rcpts if 200 <= r.code < 300]


@dataclass(slots=True)
class Session:
    """One connection, as far as the events so far tell of it."""

    opened: ev.Opened
    named: ev.Named | None = None
    helo: str | None = None
    extended: bool = False  # the client said EHLO, and it was accepted
    extensions: frozenset[str] = frozenset()  # the keywords that the last EHLO reply offered
    tls: ev.Secured | None = None
    last_command: ev.Command | None = None
    last_reply: ev.Reply | None = None
    transactions: int = 0
    last_transaction: str = ""
    current: Transaction | None = None
    findings: list[ev.Finding] = field(default_factory=list)  # hold for every transaction
    told: int = 0  # how many of them the last record had
    events: list[ev.AnyEvent] = field(default_factory=list)  # where they are kept

    @property
    def id(self) -> str:
        """The session's id."""
        return self.opened.session


def _named(view: Session, event: ev.Named) -> None:
    view.named = event


def _commanded(view: Session, event: ev.Command) -> None:
    view.last_command = event


def _replied(view: Session, event: ev.Reply) -> None:
    view.last_reply = event
    if event.phase == "ehlo":
        _greeted(view, event)


def _secured(view: Session, event: ev.Secured) -> None:
    if event.side == "client":
        view.tls = event
        view.helo, view.extended = None, False


def _mail(view: Session, event: ev.Mail) -> None:
    view.transactions += 1
    view.last_transaction = event.transaction
    view.current = Transaction(id=event.transaction, started=event.at, mail=event)


def _rcpt(view: Session, event: ev.Rcpt) -> None:
    if view.current:
        view.current.rcpts.append(event)


def _content(view: Session, event: ev.Content) -> None:
    if view.current:
        view.current.content = event


def _found(view: Session, event: ev.Found) -> None:
    if view.current and event.about == view.current.id:
        view.current.findings.extend(event.findings)
    elif event.about == view.id:
        view.findings.extend(event.findings)


# How a view takes in each type of event; the others leave it as it is.
TAKES: Mapping[type[ev.Event], Callable[[Session, Any], None]] = {
    ev.Named: _named,
    ev.Command: _commanded,
    ev.Reply: _replied,
    ev.Secured: _secured,
    ev.Mail: _mail,
    ev.Rcpt: _rcpt,
    ev.Content: _content,
    ev.Found: _found,
}


def _greeted(view: Session, reply: ev.Reply) -> None:
    if view.last_command is None:
        return
    verb, _, name = view.last_command.text.partition(" ")
    if verb.upper() in ("EHLO", "HELO"):
        view.helo = name.strip() or view.helo
        view.extended = verb.upper() == "EHLO" and reply.code == 250
        offered = reply.lines[1:] if view.extended else ()
        view.extensions = frozenset(line.partition(" ")[0].upper() for line in offered)


# Told of events after the view took them in; gives the findings that became known by them.
Discipline = Callable[[Session, ev.Event], Iterable[ev.Finding]]
