"""Views: a session and its transactions as the events so far tell them.

The disciplines without DNS (conduct, TLS, retry, greylist) are functions over these. A
view is built by :class:`monitor.assembler.Assembler` and bounded: a hostile session cannot
make it grow past ``MAX_LINES``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor import events as ev

MAX_LINES = 2_000


@dataclass(slots=True)
class Transaction:
    """One MAIL to its end."""

    id: str
    started: float
    mail: ev.Mail
    rcpts: list[ev.Rcpt] = field(default_factory=list)
    content: ev.Content | None = None
    ended: ev.Ended | None = None
    first_line: int = 0  # where in Session.lines its MAIL command stands
    findings: list[ev.Finding] = field(default_factory=list)

    @property
    def accepted(self) -> list[ev.Rcpt]:
        """The recipients that the client heard a 2xx for."""
        return [r for r in self.rcpts if 200 <= r.code < 300]


@dataclass(slots=True)
class Session:
    """One connection. ``lines`` is the dialogue in order, as far as it is kept."""

    opened: ev.Opened
    named: ev.Named | None = None
    helo: str | None = None
    extended: bool = False  # the client said EHLO, and it was accepted
    extensions: frozenset[str] = frozenset()  # the keywords that the last EHLO reply offered
    tls: ev.Secured | None = None
    tls_failures: list[ev.TlsFailed] = field(default_factory=list)
    lines: list[ev.Command | ev.Reply | ev.Secured | ev.TlsFailed | ev.Content] = field(
        default_factory=list
    )
    lines_dropped: int = 0
    last_reply: ev.Reply | None = None
    transactions: int = 0
    last_transaction: str = ""
    current: Transaction | None = None
    findings: list[ev.Finding] = field(default_factory=list)  # hold for every transaction
    told: int = 0  # how many of them the last record had
    closed: ev.Closed | None = None

    @property
    def id(self) -> str:
        """The session's id."""
        return self.opened.session

    def say(self, line: ev.Command | ev.Reply | ev.Secured | ev.TlsFailed | ev.Content) -> None:
        """Keep one more line of the dialogue, within bounds."""
        if len(self.lines) < MAX_LINES:
            self.lines.append(line)
        else:
            self.lines_dropped += 1


def _named(view: Session, event: ev.Named) -> None:
    view.named = event


def _replied(view: Session, event: ev.Reply) -> None:
    view.say(event)
    view.last_reply = event
    if event.phase == "ehlo":
        _greeted(view, event)


def _secured(view: Session, event: ev.Secured) -> None:
    if event.side == "client":
        view.tls = event
        view.helo, view.extended = None, False
    view.say(event)


def _tls_failed(view: Session, event: ev.TlsFailed) -> None:
    view.tls_failures.append(event)
    view.say(event)


def _mail(view: Session, event: ev.Mail) -> None:
    view.transactions += 1
    view.last_transaction = event.transaction
    view.current = Transaction(
        id=event.transaction,
        started=event.at,
        mail=event,
        first_line=max(0, len(view.lines) - 2),
    )


def _rcpt(view: Session, event: ev.Rcpt) -> None:
    if view.current:
        view.current.rcpts.append(event)


def _content(view: Session, event: ev.Content) -> None:
    if view.current:
        view.current.content = event
        view.say(event)


def _found(view: Session, event: ev.Found) -> None:
    if view.current and event.about == view.current.id:
        view.current.findings.extend(event.findings)
    elif event.about == view.id:
        view.findings.extend(event.findings)


def _ended(view: Session, event: ev.Ended) -> None:
    if view.current:
        view.current.ended = event


def _closed(view: Session, event: ev.Closed) -> None:
    view.closed = event


# How a view takes in each type of event; the others leave it as it is.
TAKES: Mapping[type[ev.Event], Callable[[Session, Any], None]] = {
    ev.Named: _named,
    ev.Command: Session.say,
    ev.Reply: _replied,
    ev.Secured: _secured,
    ev.TlsFailed: _tls_failed,
    ev.Mail: _mail,
    ev.Rcpt: _rcpt,
    ev.Content: _content,
    ev.Found: _found,
    ev.Ended: _ended,
    ev.Closed: _closed,
}


def _greeted(view: Session, reply: ev.Reply) -> None:
    command = next((x for x in reversed(view.lines) if isinstance(x, ev.Command)), None)
    if command is None:
        return
    verb, _, name = command.text.partition(" ")
    if verb.upper() in ("EHLO", "HELO"):
        view.helo = name.strip() or view.helo
        view.extended = verb.upper() == "EHLO" and reply.code == 250
        offered = reply.lines[1:] if view.extended else ()
        view.extensions = frozenset(line.partition(" ")[0].upper() for line in offered)


# Told of events after the view took them in; gives the findings that became known by them.
Discipline = Callable[[Session, ev.Event], Iterable[ev.Finding]]
