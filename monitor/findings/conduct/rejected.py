"""Clients that go on as if they had not been refused (RFC 5321 3.1, 3.8, 4.2.1)."""

from __future__ import annotations

from collections.abc import Iterable

from monitor import events as ev
from monitor.findings.catalogue import finding
from monitor.findings.conduct.dialogue import Dialogue, Judge, said, shown

CROSSING = 5.0  # seconds in which a command may cross an unasked 421 on the wire

_TRANSACTION = ("MAIL", "RCPT", "DATA", "BDAT")


class IgnoredRejection(Judge):
    """Went on after a 5xx to the banner, to EHLO and HELO, or to MAIL.

    HELO after a refused EHLO is what RFC 5321 3.2 asks for, and commands that were on their
    way when the refusal was written are pipelining: neither is held against the client.
    """

    hears = (ev.Command, ev.Reply)

    def __init__(self) -> None:
        self._refused: dict[str, ev.Reply] = {}

    def __call__(self, talk: Dialogue, event: ev.Event) -> Iterable[ev.Finding]:
        if isinstance(event, ev.Reply):
            self._note(talk, event)
            return ()
        if not self._refused or not isinstance(event, ev.Command) or event.pipelined:
            return ()
        ignored = self._ignored(talk)
        if not ignored:
            return ()
        reply = self._refused.pop(ignored)
        where = {"banner": "the banner", "ehlo": "EHLO", "mail": "MAIL"}[ignored]
        return [
            finding(
                "conduct.ignored-rejection",
                f"{talk.verb[:20]} after {where} was answered with {reply.code}",
                after=ignored,
                reply=said(reply),
                command=shown(event),
            )
        ]

    def _note(self, talk: Dialogue, reply: ev.Reply) -> None:
        refused = reply.code >= 500
        if not talk.commands:
            if refused:
                self._refused["banner"] = reply
        elif talk.verb in ("EHLO", "HELO"):
            # A server stays in the state it was in before a refused EHLO (RFC 5321 4.1.4).
            if talk.greeted:
                self._refused.pop("ehlo", None)
            elif refused:
                self._refused["ehlo"] = reply
        elif talk.verb in ("MAIL", "RSET"):
            self._refused.pop("mail", None)
            if refused and talk.verb == "MAIL":
                self._refused["mail"] = reply

    def _ignored(self, talk: Dialogue) -> str:
        if "banner" in self._refused and talk.verb != "QUIT":
            return "banner"
        if "ehlo" in self._refused and talk.verb in _TRANSACTION:
            return "ehlo"
        if "mail" in self._refused and talk.verb in _TRANSACTION[1:]:
            return "mail"
        return ""


class IgnoredShutdown(Judge):
    """Went on after 421: the server has closed, or is about to (RFC 5321 3.8)."""

    hears = (ev.Command, ev.Reply)

    def __init__(self) -> None:
        self._shutdown: ev.Reply | None = None
        self._until = 0.0

    def __call__(self, talk: Dialogue, event: ev.Event) -> Iterable[ev.Finding]:
        if isinstance(event, ev.Reply):
            if event.code == 421 and self._shutdown is None:
                self._shutdown = event
                self._until = event.at + (0.0 if talk.solicited else CROSSING)
            return
        if not self._shutdown or not isinstance(event, ev.Command):
            return
        if event.pipelined or talk.verb == "QUIT" or event.at < self._until:
            return
        yield finding(
            "conduct.ignored-shutdown",
            f"{talk.verb[:20]} after the session was closed with 421",
            reply=said(self._shutdown),
            command=shown(event),
            seconds=round(event.at - self._shutdown.at, 3),
        )
        self._until = float("inf")  # once a session is enough
