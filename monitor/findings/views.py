"""Views: a session and its transactions as the events so far tell them.

The disciplines without DNS (conduct, TLS, retry, greylist) are functions over these. A
view is built by :class:`monitor.assembler.Assembler` and bounded: a hostile session cannot
make it grow past ``MAX_LINES``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

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


# Told of events after the view took them in; gives the findings that became known by them.
Discipline = Callable[[Session, ev.Event], Iterable[ev.Finding]]


def hears(discipline: Discipline) -> tuple[type[ev.Event], ...]:
    """The events that a discipline wants to be told of: its ``hears``, or else every event."""
    kinds: tuple[type[ev.Event], ...] = getattr(discipline, "hears", (ev.Event,))
    return kinds
