"""Commands out of order, commands that nobody knows, and no QUIT (RFC 5321 4.1.4)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from monitor import events as ev
from monitor.findings.catalogue import finding
from monitor.findings.conduct.dialogue import VERBS, Dialogue, Judge, said, shown
from monitor.findings.conduct.foreign import protocol_of

MAX_EXAMPLES = 5  # commands that evidence names


class _Tally(Judge):
    """Commands of one fault, told in one finding when the transaction or session ends."""

    hears = (ev.Reply, ev.Ended, ev.Closed)
    code: ClassVar[str]

    def __init__(self) -> None:
        self._count = 0
        self._examples: list[str] = []
        self._reply = ""

    def __call__(self, talk: Dialogue, event: ev.Event) -> Iterable[ev.Finding]:
        if isinstance(event, ev.Reply):
            if event.code >= 500 and talk.solicited and self._is_fault(talk, event):
                self._take(talk, event)
            return ()
        if not self._count:
            return ()
        told = finding(
            self.code,
            f"{self._count} such command{'s' if self._count > 1 else ''}",
            count=self._count,
            commands=self._examples,
            reply=self._reply,
        )
        self._count, self._examples = 0, []
        return [told]

    def _take(self, talk: Dialogue, reply: ev.Reply) -> None:
        self._count += 1
        if len(self._examples) < MAX_EXAMPLES:
            self._examples.append(shown(talk.command))
        self._reply = said(reply)

    @abstractmethod
    def _is_fault(self, talk: Dialogue, reply: ev.Reply) -> bool: ...


class BadSequence(_Tally):
    """503, save where it follows from a refusal that the client could not have known of."""

    code = "conduct.bad-sequence"

    def _is_fault(self, talk: Dialogue, reply: ev.Reply) -> bool:
        command, tx = talk.command, talk.view.current
        if reply.code != 503 or command is None or command.pipelined or talk.verb not in VERBS:
            return False
        # DATA after refused recipients has a finding of its own.
        return not (talk.verb in ("DATA", "BDAT") and tx is not None and tx.rcpts)


class UnknownCommands(_Tally):
    """500 or 502 to what is no command of SMTP; content that spills over is none of these."""

    code = "conduct.unknown-commands"

    def _is_fault(self, talk: Dialogue, reply: ev.Reply) -> bool:
        command = talk.command
        if reply.code not in (500, 502) or command is None or talk.spilling:
            return False
        return talk.verb not in VERBS and (talk.greeted or not protocol_of(command.text))


class NoQuit(Judge):
    """Dropped the line after the end, without QUIT (RFC 5321 4.1.1.10).

    Only where the client had nothing left to wait for: a line that breaks in the middle of
    a message may be the network's fault.
    """

    hears = (ev.Closed,)
    routine = (ev.Closed,)

    def __call__(self, talk: Dialogue, event: ev.Event) -> Iterable[ev.Finding]:
        if not isinstance(event, ev.Closed) or event.how != "client":
            return ()
        reply = talk.reply
        if talk.verb == "QUIT" or talk.waiting or not talk.view.transactions or reply is None:
            return ()
        midway = talk.verb in ("MAIL", "RCPT", "DATA", "BDAT") and reply.phase != "eod"
        if reply.code == 421 or (midway and reply.code < 400):
            return ()
        return [
            finding(
                "conduct.no-quit",
                "the client dropped the connection instead of ending the session",
                command=shown(talk.command),
                reply=said(reply),
            )
        ]
