"""One client's session: from its connection to its end, in lock step with the upstream."""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
from collections.abc import Awaitable, Iterable
from typing import Literal, NoReturn, TypeVar

from monitor import events as ev
from monitor.checks.case import (
    ClientReport,
    Envelope,
    MessageReport,
    RecipientsReport,
    SenderReport,
)
from monitor.findings.answers import Answer as Answered
from monitor.findings.catalogue import finding
from monitor.policy.ruling import PASS, Ruling, Stage, Verified
from monitor.relay.context import Context
from monitor.relay.identity import Peer
from monitor.relay.link import Link
from monitor.relay.replies import Answer, own
from monitor.relay.upstream import Upstream, UpstreamError, UpstreamTimeout
from monitor.relay.wire import Wire
from monitor.text import printable

log = logging.getLogger(__name__)

GRACE = 1.0  # seconds that checks and rulings may take beyond the deadline of checks
TARPIT = 20.0  # seconds before each reply to a client in the tarpit
SHUTTING_DOWN = own(421, "4.3.2 this relay is shutting down")
TROUBLE = own(451, "4.3.0 local trouble, try again later")

How = Literal["quit", "client", "upstream", "refused", "timeout", "tls", "shutdown", "fault"]
State = Literal["none", "accepted", "refused", "unknown", "accepted-unacknowledged"]
Report = TypeVar("Report", ClientReport, SenderReport, RecipientsReport, MessageReport)

_counter = itertools.count()


class Hangup(Exception):
    """The session is over; the reason goes into its last event."""

    def __init__(self, how: How) -> None:
        super().__init__(how)
        self.how = how


class Dialogue:
    """The state of one session and what every verb needs: say, rule, ask, tell."""

    def __init__(self, context: Context, wire: Wire) -> None:
        self.context = context
        self.settings = context.settings
        self.wire = wire
        self.id = (
            f"{int(context.clock() * 1000):011x}{next(_counter) & 0xFFF:03x}{secrets.token_hex(2)}"
        )
        self.peer = Peer("", 0, "", 0)
        self.client = ClientReport()
        self.link = Link(context.settings, context.guard, self.emit)
        self.upstream: Upstream | None = None
        self.greeting = b""  # the client's last accepted EHLO or HELO line
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

    def now(self) -> float:
        """The relay's clock, epoch seconds."""
        return self.context.clock()

    def found(self, *findings: ev.Finding, once: bool = False) -> None:
        """Tell findings about the transaction in hand, or about the session."""
        if once:
            new = [f for f in findings if (f.code, f.detail) not in self._told]
            self._told.update((f.code, f.detail) for f in new)
            findings = tuple(new)
        tx = self.transaction
        if tx is not None and not tx.announced:
            tx.pending.extend(findings)
        elif findings:
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
                lines=tuple(printable(line) for line in answer.lines),
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

    # Rulings

    async def rule(
        self, phase: ev.Phase, rcpt: str | None = None, verified: Verified | None = None
    ) -> Answer | None:
        """Ask the hub; the refusal to send, or None to go on. May end the session."""
        tx = self.transaction
        stage = Stage(
            session=self.id,
            at=self.now(),
            phase=phase,
            ip=self.peer.ip,
            helo=self.helo,
            name=self.client.name if self.client.confirmed else None,
            early=phase == "connect" and bool(self.wire.buffered),
            mail_from=tx.mail_from if tx else None,
            rcpt=rcpt,
            transaction=tx.id if tx else "",
            verified=verified or (tx.verified if tx else None),
        )
        ruling = await self.judge(stage)
        self.found(*ruling.findings, once=True)
        if ruling.action == "pass":
            return None
        if ruling.action == "drop":
            if tx is not None:
                tx.decided(own(554, "5.7.1 dropped"), phase)
            await self.hang_up(None, "refused")
        if ruling.action == "tarpit":
            await asyncio.sleep(TARPIT)
        # Whatever the policy says: what is refused is never told as a success.
        code = ruling.code if 400 <= ruling.code <= 599 else 550
        answer = own(code, ruling.text or "5.7.1 refused")
        if answer.code == 421:
            if tx is not None:
                tx.decided(answer, phase)
            await self.hang_up(answer, "refused")
        return answer

    async def judge(self, stage: Stage) -> Ruling:
        """The hub's ruling; a fault of the hub lets the mail pass (law 1)."""
        try:
            async with self._patience():
                ruling = await self.context.hub.rule(stage)
            if isinstance(ruling, Ruling):
                return ruling
            raise TypeError(f"{type(ruling).__name__} is no ruling")
        except Exception:
            log.exception("ruling failed")
            self.found(finding("relay.check-failed", "the ruling at " + stage.phase), once=True)
            return PASS

    def _patience(self) -> asyncio.Timeout:
        """For who keeps no deadline of his own."""
        return asyncio.timeout(self.settings.checks.deadline + GRACE)

    # Checks

    def envelope(self, tx: Transaction) -> Envelope:
        """What SMTP has said of ``tx`` so far."""
        return Envelope(
            ip=self.peer.ip,
            helo=self.helo or "",
            mail_from=tx.mail_from,
            rcpts=tuple(tx.rcpts),
            name=self.peer.name,
        )

    def ask_about_sender(self, tx: Transaction) -> None:
        """Begin the checks that need no message, while the client sends its next command."""
        tx.checking = asyncio.create_task(self.context.checks.sender(self.envelope(tx)))

    async def know_sender(self, tx: Transaction) -> None:
        """Await them, tell what they found, and let rulings know whom SPF proved."""
        checking, tx.checking = tx.checking, None
        if checking is not None and (report := await self.hear(checking, SenderReport)):
            tx.sender, tx.verified = report, report.verified

    def ask_about_recipients(self, tx: Transaction) -> None:
        """Begin the checks of those that the client named, refused ones as well."""
        if tx.unchecked and tx.routing is None:
            named, tx.unchecked = tx.unchecked, []
            tx.routing = asyncio.create_task(self.context.checks.recipients(named))

    async def know_recipients(self, tx: Transaction) -> None:
        """Await them, and tell what they found."""
        self.ask_about_recipients(tx)
        routing, tx.routing = tx.routing, None
        if routing is not None:
            await self.hear(routing, RecipientsReport)

    async def hear(self, checking: Awaitable[Report], kind: type[Report]) -> Report | None:
        """Await checks and tell what they found; None where they fail, hang or give garbage."""
        try:
            async with self._patience():
                report = await checking
            if not isinstance(report, kind):
                raise TypeError(f"{type(report).__name__} is no {kind.__name__}")
            self._tell_answers(report.answers)
            self.found(*report.findings)
        except Exception as error:
            log.exception("checks failed")
            self.found(finding("relay.check-failed", type(error).__name__))
            return None
        return report

    def _tell_answers(self, answers: Iterable[Answered]) -> None:
        """Emit the DNS answers that a check used, so that a replay has them (law 4)."""
        tx = self.transaction.id if self.transaction else ""
        for a in answers:
            self.emit(
                ev.Asked(
                    session=self.id,
                    at=self.now(),
                    name=a.name,
                    type=a.type,
                    status=a.status,
                    records=a.records,
                    canonical=a.canonical,
                    secure=a.secure,
                    ttl=a.ttl,
                    transaction=tx,
                )
            )

    # The upstream

    async def ask(self, line: bytes, *, content: bool = False) -> Answer:
        """Pass a command on. Where the upstream fails the answer is a 451 of our own.

        An upstream that waits for content though nobody has ``content`` for it fails: what
        it heard next would be commands.
        """
        try:
            if self.upstream is None or not self.upstream.open:
                await self._reopen()
            assert self.upstream is not None
            answer = await self.upstream.ask(line, self.settings.limits.upstream_reply)
            if answer.code // 100 == 3 and not (content and answer.code == 354):
                raise UpstreamError("is out of step")
            return answer
        except UpstreamError as error:
            return self.failed(error)

    def failed(self, error: UpstreamError) -> Answer:
        """Note that the upstream failed; the reply for the client. Drops the transaction."""
        timeout = isinstance(error, UpstreamTimeout)
        code = "relay.upstream-timeout" if timeout else "relay.upstream-down"
        self.found(finding(code, f"the upstream {error}", upstream=self.settings.upstream))
        if self.upstream is not None:
            self.upstream.abort()
            self.upstream = None
        return own(451, "4.4.2 the mail server behind this relay broke off, try again later")

    def part(self) -> None:
        """Leave the upstream: the next command opens a session of its own."""
        if self.upstream is not None:
            self.upstream.close()
            self.upstream = None

    async def _reopen(self) -> None:
        # After a break the upstream knows nothing of us: only a new transaction may go on.
        if self.transaction is not None:
            raise UpstreamError("lost this transaction")
        upstream, banner = await self.link.open(self.id, self.peer, self.now())
        if banner.code != 220:
            upstream.close()
            raise UpstreamError("does not serve this client now")
        if self.greeting:
            await upstream.ask(self.greeting, self.settings.limits.upstream_reply)
        self.upstream = upstream

    # Transactions

    def end(self, answer: Answer, phase: ev.Phase, state: State = "none") -> None:
        """The transaction in hand is over, decided by ``answer``."""
        tx, self.transaction = self.transaction, None
        if tx is None:
            return
        for checking in (tx.checking, tx.routing):
            if checking is not None:
                checking.cancel()
        verdict = ev.Verdict(
            code=answer.code, reply=printable(answer.text), phase=phase, by=answer.by
        )
        self.emit(
            ev.Ended(
                session=self.id,
                at=self.now(),
                transaction=tx.id,
                verdict=verdict,
                state=state,
            )
        )

    async def abandon(self) -> None:
        """The client gave the transaction in hand up: its last reply decided it."""
        if self.transaction is None:
            return
        try:
            await self.know_recipients(self.transaction)
        finally:
            self.end(self.transaction.last, self.transaction.phase)


class Transaction:
    """MAIL was accepted; this is what came since."""

    def __init__(self, id: str, mail_from: str, params: tuple[str, ...], answer: Answer) -> None:
        self.id = id
        self.mail_from = mail_from
        self.params = params
        self.rcpts: list[str] = []  # accepted recipients
        self.tried = 0
        self.unchecked: list[str] = []  # recipients, accepted or not
        self.verified: Verified | None = None
        self.checking: asyncio.Task[SenderReport] | None = None
        self.sender: SenderReport | None = None
        self.routing: asyncio.Task[RecipientsReport] | None = None
        self.last = answer
        self.phase: ev.Phase = "mail"
        self.announced = False  # its Mail event is out; findings wait for that
        self.pending: list[ev.Finding] = []

    def decided(self, answer: Answer, phase: ev.Phase) -> None:
        """Keep the reply that would decide it if the client went no further."""
        self.last, self.phase = answer, phase
