"""The course of one session, as every conduct judge wants to see it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from monitor import events as ev
from monitor.findings.hearing import Kinds
from monitor.findings.views import Session

MAX_SHOWN = 200  # characters of a command or reply that evidence repeats

_BASIC = ("EHLO", "HELO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY", "EXPN", "HELP")
_EXTENDED = ("STARTTLS", "AUTH", "BDAT", "ETRN", "TURN", "ATRN", "XCLIENT", "XFORWARD")
VERBS = frozenset(_BASIC + _EXTENDED)

MAX_COMMAND = 510  # octets of a command, without CRLF (RFC 5321 4.5.3.1.4)
# A client must wait for the reply to these before it says more (RFC 2920 3.1, RFC 3207 4).
LAST_IN_GROUP = frozenset(("EHLO", "HELO", "STARTTLS", "AUTH"))

# What is a command beyond doubt, and no line of a message that begins with the same word.
_COMMAND = re.compile(
    r"(?:EHLO|HELO) \S+|(?:MAIL FROM|RCPT TO):.*|DATA|RSET|NOOP|QUIT|STARTTLS", re.IGNORECASE
)


@dataclass(slots=True)
class Dialogue:
    """Who said what last. A judge sees it after it took in the event.

    While a command is judged, ``reply`` is still the one before it, and ``replied`` the verb
    that this reply answered ("" for the banner).

    ``suspect`` is set by the first thing that some judge may mind. Until then nearly all of
    them would be asked in vain: see :attr:`Judge.routine`.
    """

    view: Session
    commands: int = 0
    before: ev.Command | None = None  # the one before ``command``
    command: ev.Command | None = None
    reply: ev.Reply | None = None
    answered: ev.Command | None = None  # what ``reply`` was said to
    waiting: bool = False  # the client waits for a reply of ours
    solicited: bool = False  # it waited for the last one
    greeted: bool = False  # an EHLO or HELO was accepted
    spilling: bool = False  # content comes as commands, since DATA was refused
    suspect: bool = False

    @property
    def verb(self) -> str:
        """The verb of the command, "" while there was none."""
        return _verb(self.command)

    @property
    def behind(self) -> str:
        """The verb of the command before."""
        return _verb(self.before)

    @property
    def replied(self) -> str:
        """The verb that the last reply answered."""
        return _verb(self.answered)

    @property
    def argument(self) -> str:
        """What stands behind the verb."""
        return self.command.text.partition(" ")[2].strip() if self.command else ""

    def take_command(self, event: ev.Command) -> None:
        """The client said this."""
        self.commands += 1
        self.before, self.command, self.waiting = self.command, event, True
        if self.suspect:  # content spills where DATA was refused, and nowhere else
            self.spilling = self._spills(event)
        elif (
            event.bare_newline
            or event.size > MAX_COMMAND
            or "\\x00" in event.text
            or (event.pipelined and not self._may_pipeline())
        ):
            self.suspect = True

    def take_reply(self, event: ev.Reply) -> None:
        """The client was told this."""
        self.reply, self.answered = event, self.command
        self.solicited, self.waiting = self.waiting, False
        if event.phase == "ehlo" and self.verb in ("EHLO", "HELO") and event.code == 250:
            self.greeted = True
        elif event.code >= 300 and (event.code, self.verb) != (354, "DATA"):
            self.suspect = True

    def take(self, event: ev.Event) -> None:
        """Anything else happened."""
        if isinstance(event, ev.Content):
            self.waiting = True
            self.suspect = self.suspect or event.pipelined
        elif isinstance(event, ev.Secured) and event.side == "client":
            self.greeted = False

    def _may_pipeline(self) -> bool:
        return "PIPELINING" in self.view.extensions and self.behind not in LAST_IN_GROUP

    def _spills(self, command: ev.Command) -> bool:
        if self.spilling:
            return not _COMMAND.fullmatch(command.text)
        if self.replied not in ("DATA", "BDAT") or self.reply is None:
            return False
        return self.reply.code >= 400 and self.verb not in VERBS


class Judge(ABC):
    """One idea of good conduct, for one session. Called with the events that it hears.

    ``routine`` are those of them that it may mind though nothing else is amiss; commands are
    so until the client has greeted, and where it greets anew. It must be no wiser for the
    others as long as the dialogue is not ``suspect``.
    """

    hears: ClassVar[Kinds]
    routine: ClassVar[Kinds] = ()

    @abstractmethod
    def __call__(self, talk: Dialogue, event: ev.Event) -> Iterable[ev.Finding]:
        """The findings that became known by ``event``."""


def _verb(command: ev.Command | None) -> str:
    return command.text.partition(" ")[0].upper() if command else ""


def said(reply: ev.Reply | None) -> str:
    """A reply on one line, for evidence."""
    return f"{reply.code} {' '.join(reply.lines)}"[:MAX_SHOWN] if reply else ""


def shown(command: ev.Command | None) -> str:
    """A command, for evidence."""
    return command.text[:MAX_SHOWN] if command else ""
