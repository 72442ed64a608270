"""What one session knows and tells: events to the hub, replies to its client."""

from __future__ import annotations

import itertools
import logging
import secrets
from typing import Literal, NoReturn

from monitor import events as ev
from monitor.checks.case import ClientReport
from monitor.findings.catalogue import finding
from monitor.relay.context import Context
from monitor.relay.identity import Peer
from monitor.relay.replies import Answer, own, shown
from monitor.relay.transaction import State, Transaction
from monitor.relay.wire import Wire

log = logging.getLogger(__name__)

SHOWN = 1_024  # bytes of a command that are told
SHUTTING_DOWN = own(421, "4.3.2 this relay is shutting down")
TROUBLE = own(451, "4.3.0 local trouble, try again later")

NOBODY, UNKNOWN = Peer("", 0, "", 0), ClientReport()

How = Literal["quit", "client", "upstream", "refused", "timeout", "tls", "shutdown", "fault"]

_counter = itertools.count()
_PROCESS = secrets.token_hex(2)  # tells the ids of one process from those of another


class Hangup(Exception):
    """The session is over; the reason goes into its last event."""

    def __init__(self, how: How) -> None:
        super().__init__(how)
        self.how = how


class Teller:
    """The state of one session, and what is told of it: events, findings, replies."""

    def __init__(self, context: Context, wire: Wire) -> None:
        self.context = context
        self.settings = context.settings
        self.limits = context.limits
        self.wire = wire
        self.now = context.clock  # epoch seconds
        milliseconds, number = int(context.clock() * 1000), next(_counter) & 0xFFF
        self.id = f"{milliseconds:011x}{number:03x}{_PROCESS}{context.mark}"
        self.peer = NOBODY
        self.client = UNKNOWN
        self.helo: str | None = None
        self.phase: ev.Phase = "connect"
        self.transaction: Transaction | None = None
        self.count = 0  # transactions so far
        self.errors = 0
        self.commands = 0
        self.messages = 0
        self.last_code = 0
        self.answered = True  # nobody waits for a reply of ours
        self.data_refused = False  # what comes next may be content that takes us for deaf
        self._told: set[tuple[str, str]] = set()

    # Events

    def emit(self, event: ev.AnyEvent) -> None:
        """Pass one event to the hub; a fault of the hub costs an event, and no mail (law 1)."""
        try:
            self.context.hub.emit(event)
        except Exception:
            log.exception("an event was lost")

    def found(self, *findings: ev.Finding, once: bool = False) -> None:
        """Tell findings about the transaction in hand, or about the session."""
        if once:
            new = [f for f in findings if (f.code, f.detail) not in self._told]
            self._told.update((f.code, f.detail) for f in new)
            findings = tuple(new)
        if not findings:
            return
        tx = self.transaction
        if tx is not None and not tx.announced:
            tx.pending.extend(findings)
        else:
            about = tx.id if tx else self.id
            self.emit(ev.Found(session=self.id, at=self.now(), about=about, findings=findings))

    def limited(self, name: str, detail: str) -> None:
        """Tell that a limit of the settings held, by its name there."""
        self.found(finding("relay.limit", detail, limit=name), once=True)

    # Replies

    async def say(self, answer: Answer) -> None:
        """Send a reply to the client and tell of it."""
        await self.wire.send(answer)
        self.last_code, self.answered = answer.code, True
        self.emit(
            ev.Reply(
                session=self.id,
                at=self.now(),
                code=answer.code,
                lines=tuple(map(shown, answer.lines)),
                by=answer.by,
                phase=self.phase,
                took=round(answer.took, 6),
            )
        )
        if answer.code >= 500:
            self.errors += 1

    async def hang_up(self, answer: Answer | None, how: How) -> NoReturn:
        """Send a last reply, if any, and end the session."""
        if answer is not None:
            await self.say(answer)
        raise Hangup(how)

    def end(self, answer: Answer, phase: ev.Phase, state: State = "none") -> None:
        """The transaction in hand is over, decided by ``answer``."""
        tx, self.transaction = self.transaction, None
        if tx is None:
            return
        for checking in (tx.checking, tx.routing):
            if checking is not None:
                checking.cancel()
        verdict = ev.Verdict(code=answer.code, reply=shown(answer.text), phase=phase, by=answer.by)
        self.emit(
            ev.Ended(
                session=self.id,
                at=self.now(),
                transaction=tx.id,
                verdict=verdict,
                state=state,
            )
        )
