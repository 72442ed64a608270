"""Clients that do not wait for their turn (RFC 5321 3.1, 4.3.1; RFC 2920)."""

from __future__ import annotations

from collections.abc import Iterable

from monitor import events as ev
from monitor.findings.catalogue import finding
from monitor.findings.conduct.dialogue import LAST_IN_GROUP, VERBS, Dialogue, Judge, shown
from monitor.findings.conduct.foreign import protocol_of

CODE = "conduct.unannounced-pipelining"


class EarlyTalker(Judge):
    """Spoke before the banner was out. What speaks another protocol is told as that."""

    hears = (ev.Command,)

    def __call__(self, talk: Dialogue, event: ev.Event) -> Iterable[ev.Finding]:
        if not isinstance(event, ev.Command) or talk.commands > 1 or not event.pipelined:
            return ()
        if protocol_of(event.text):
            return ()
        return [
            finding(
                "conduct.early-talker",
                "the client spoke before it was greeted",
                command=shown(event),
            )
        ]


class UnannouncedPipelining(Judge):
    """Sent commands without waiting for the reply, though EHLO had not offered PIPELINING."""

    hears = (ev.Command, ev.Content)

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, talk: Dialogue, event: ev.Event) -> Iterable[ev.Finding]:
        if isinstance(event, ev.Content):
            reason = "content before DATA was accepted" if event.pipelined else ""
            behind = "DATA"
        else:
            reason, behind = self._reason(talk), talk.behind
        code = "tls.starttls-injection" if behind == "STARTTLS" else CODE
        if not reason or code in self._told:
            return ()
        self._told.add(code)
        return [
            finding(
                code,
                reason,
                behind=behind,
                command=shown(talk.command),
                offered="PIPELINING" in talk.view.extensions,
            )
        ]

    def _reason(self, talk: Dialogue) -> str:
        command = talk.command
        if command is None or not command.pipelined or talk.commands == 1:
            return ""
        if talk.spilling:  # content behind a refused DATA has a finding of its own
            return ""
        if talk.behind in LAST_IN_GROUP:
            return f"a command behind {talk.behind}, whose reply had to be awaited"
        if "PIPELINING" not in talk.view.extensions and talk.verb in VERBS:
            return f"{talk.verb} was pipelined, which EHLO did not offer"
        return ""
