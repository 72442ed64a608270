"""The course of one session, as every conduct judge wants to see it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from monitor import events as ev
from monitor.findings.views import Session

MAX_SHOWN = 200  # characters of a command or reply that evidence repeats

_BASIC = ("EHLO", "HELO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY", "EXPN", "HELP")
_EXTENDED = ("STARTTLS", "AUTH", "BDAT", "ETRN", "TURN", "ATRN", "XCLIENT", "XFORWARD")
VERBS = frozenset(_BASIC + _EXTENDED)

# What is a command beyond doubt, and no line of a message that begins with the same word.
_COMMAND = re.compile(
    r"(?:EHLO|HELO) \S+|(?:MAIL FROM|RCPT TO):.*|DATA|RSET|NOOP|QUIT|STARTTLS", re.IGNORECASE
)


@dataclass(slots=True)
class Dialogue:
    """Who said what last. A judge sees it after it took in the event.

    While a command is judged, ``reply`` is still the one before it, and ``replied`` the verb
    that this reply answered ("" for the banner).
    """

    view: Session
    commands: int = 0
    verb: str = ""
    argument: str = ""
    command: ev.Command | None = None
    reply: ev.Reply | None = None
    replied: str = ""
    waiting: bool = False  # the client waits for a reply of ours
    solicited: bool = False  # it waited for the last one
    greeted: bool = False  # an EHLO or HELO was accepted
    spilling: bool = False  # content comes as commands, since DATA was refused

    hears: ClassVar[tuple[type[ev.Event], ...]] = (ev.Command, ev.Reply, ev.Content, ev.Secured)

    def hear(self, event: ev.Event) -> None:
        """Take in one event."""
        match event:
            case ev.Command():
                verb, _, argument = event.text.partition(" ")
                self.commands += 1
                self.verb, self.argument = verb.upper(), argument.strip()
                self.command, self.waiting = event, True
                self.spilling = self._spills(event)
            case ev.Reply():
                self.reply, self.replied = event, self.verb
                self.solicited, self.waiting = self.waiting, False
                if event.phase == "ehlo" and self.verb in ("EHLO", "HELO") and event.code == 250:
                    self.greeted = True
            case ev.Content():
                self.waiting = True
            case ev.Secured(side="client"):
                self.greeted = False
            case _:
                pass

    def _spills(self, command: ev.Command) -> bool:
        if self.spilling:
            return not _COMMAND.fullmatch(command.text)
        refused = self.replied in ("DATA", "BDAT") and self.reply is not None
        return bool(refused and self.reply and self.reply.code >= 400 and self.verb not in VERBS)


class Judge(ABC):
    """One idea of good conduct, for one session. Called with the events that it hears."""

    hears: ClassVar[tuple[type[ev.Event], ...]]

    @abstractmethod
    def __call__(self, talk: Dialogue, event: ev.Event) -> Iterable[ev.Finding]:
        """The findings that became known by ``event``."""


def said(reply: ev.Reply | None) -> str:
    """A reply on one line, for evidence."""
    return f"{reply.code} {' '.join(reply.lines)}"[:MAX_SHOWN] if reply else ""


def shown(command: ev.Command | None) -> str:
    """A command, for evidence."""
    return command.text[:MAX_SHOWN] if command else ""
