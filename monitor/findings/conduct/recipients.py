"""DATA though every recipient was refused (RFC 5321 3.3, 4.1.1.4; RFC 2920 3.1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from monitor import events as ev
from monitor.findings.catalogue import finding
from monitor.findings.conduct.dialogue import Dialogue, Judge, said

CODE = "conduct.data-after-no-recipients"
MAX_RECIPIENTS = 10  # of them that evidence names


class DataAfterNoRecipients(Judge):
    """How bad it is shows only afterwards: in the reply, and in what the client sends then.

    A client that pipelines cannot know that all recipients were refused; it must only end
    the message at once where DATA is accepted all the same (RFC 2920 3.1).
    """

    hears = (ev.Command, ev.Reply, ev.Content, ev.Ended, ev.Closed)

    def __init__(self) -> None:
        self._open = False
        self._severity: ev.Severity = "warning"
        self._evidence: dict[str, Any] = {}

    def __call__(self, talk: Dialogue, event: ev.Event) -> Iterable[ev.Finding]:
        if not self._open:
            if isinstance(event, ev.Command) and talk.verb in ("DATA", "BDAT"):
                self._begin(talk, event)
            return ()
        match event:
            case ev.Reply():
                self._evidence.setdefault("reply", said(event))
                return ()
            case ev.Content(size=size) if size and self._severity == "info":
                self._severity = "warning"
            case ev.Command() if talk.spilling:
                self._severity = "error"
            case _:
                pass
        return [self._tell()]

    def _begin(self, talk: Dialogue, command: ev.Command) -> None:
        tx = talk.view.current
        if tx is None or not tx.rcpts or tx.accepted:
            return
        self._open = True
        self._severity = "info" if command.pipelined else "warning"
        self._evidence = {
            "pipelined": command.pipelined,
            "recipients": [f"{r.address}: {r.code}" for r in tx.rcpts[:MAX_RECIPIENTS]],
            "refused": len(tx.rcpts),
        }

    def _tell(self) -> ev.Finding:
        self._open = False
        detail = {
            "info": "DATA was sent along with the recipients, before they were refused",
            "error": "the message was sent although DATA was refused",
        }.get(self._severity, "DATA was sent after the refusal of every recipient was out")
        return finding(CODE, detail, severity=self._severity, **self._evidence)
