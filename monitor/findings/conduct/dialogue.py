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
    verb: str = ""
    behind: str = ""  # the verb of the command before
    argument: str = ""
    command: ev.Command | None = None
    reply: ev.Reply | None = None
    replied: str = ""
    waiting: bool = False  # the client waits for a reply of ours
    solicited: bool = False  # it waited for the last one
    greeted: bool = False  # an EHLO or HELO was accepted
    spilling: bool = False  # content comes as commands, since DATA was refused
    suspect: bool = False

    hears: ClassVar[Kinds] = (ev.Command, ev.Reply, ev.Content, ev.Secured)

    def hear(self, event: ev.Event) -> bool:
        """Take in one event. True where it is routine: a step of a client without a fault."""
        if isinstance(event, ev.Command):
            self._command(event)
            return self.greeted and not self.suspect and self.verb not in ("EHLO", "HELO")
        if isinstance(event, ev.Reply):
            self._reply(event)
        elif isinstance(event, ev.Content):
            self.waiting = True
            self.suspect = self.suspect or event.pipelined
        elif isinstance(event, ev.Secured) and event.side == "client":
            self.greeted = False
        return self.greeted and not self.suspect

    def _command(self, event: ev.Command) -> None:
        verb, _, argument = event.text.partition(" ")
        self.commands += 1
        self.behind, self.verb, self.argument = self.verb, verb.upper(), argument.strip()
        self.command, self.waiting = event, True
        self.spilling = self._spills(event)
        if (
            event.bare_newline
            or event.size > MAX_COMMAND
            or "\\x00" in event.text
            or (event.pipelined and not self._may_pipeline())
        ):
            self.suspect = True

    def _reply(self, event: ev.Reply) -> None:
        self.reply, self.replied = event, self.verb
        self.solicited, self.waiting = self.waiting, False
        if event.phase == "ehlo" and self.verb in ("EHLO", "HELO") and event.code == 250:
            self.greeted = True
        elif event.code >= 300 and (event.code, self.verb) != (354, "DATA"):
            self.suspect = True

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

    ``routine`` are those of them that it may mind though nothing else is amiss. It must be no
    wiser for the others as long as the dialogue is not ``suspect``.
    """

    hears: ClassVar[Kinds]
    routine: ClassVar[Kinds] = ()

    @abstractmethod
    def __call__(self, talk: Dialogue, event: ev.Event) -> Iterable[ev.Finding]:
        """The findings that became known by ``event``."""


def said(reply: ev.Reply | None) -> str:
    """A reply on one line, for evidence."""
    return f"{reply.code} {' '.join(reply.lines)}"[:MAX_SHOWN] if reply else ""


def shown(command: ev.Command | None) -> str:
    """A command, for evidence."""
    return command.text[:MAX_SHOWN] if command else ""
