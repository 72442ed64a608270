"""One client's session, in lock step with the upstream: rule, check, pass on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import TypeVar

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
from monitor.relay.begun import Outcome, beside
from monitor.relay.context import Context
from monitor.relay.link import Link
from monitor.relay.replies import Answer, own
from monitor.relay.teller import Teller
from monitor.relay.transaction import Transaction
from monitor.relay.upstream import Upstream, UpstreamError, UpstreamTimeout
from monitor.relay.wire import Wire

log = logging.getLogger(__name__)

GRACE = 1.0  # seconds that checks and rulings may take beyond the deadline of checks
TARPIT = 20.0  # seconds before each reply to a client in the tarpit

Report = TypeVar("Report", ClientReport, SenderReport, RecipientsReport, MessageReport)


class Dialogue(Teller):
    """What every verb needs: say, rule, ask, tell."""

    def __init__(self, context: Context, wire: Wire) -> None:
        super().__init__(context, wire)
        self.link = Link(context.settings, context.guard, self.emit, context.kept)
        self.upstream: Upstream | None = None
        self.greeting = b""  # the client's last accepted EHLO or HELO line

    # Rulings

    async def rule(
        self, phase: ev.Phase, rcpt: str | None = None, verified: Verified | None = None
    ) -> Answer | None:
        """Ask the hub; the refusal to send, or None to go on. May end the session."""
        if not self.context.hub.asks(phase):
            return None
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
        if ruling.findings:
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
            ruling = self.context.hub.rule(stage)
            if not isinstance(ruling, Ruling):
                async with self._patience():
                    ruling = await ruling
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
        tx.checking = beside(self.context.checks.sender(self.envelope(tx)))

    async def know_sender(self, tx: Transaction) -> None:
        """Await them, tell what they found, and let rulings know whom SPF proved."""
        checking, tx.checking = tx.checking, None
        if checking is not None and (report := await self.hear(checking, SenderReport)):
            tx.sender, tx.verified = report, report.verified

    def ask_about_recipients(self, tx: Transaction) -> None:
        """Begin the checks of those that the client named, refused ones as well."""
        if tx.unchecked and tx.routing is None:
            named, tx.unchecked = tx.unchecked, []
            tx.routing = beside(self.context.checks.recipients(named))

    async def know_recipients(self, tx: Transaction) -> None:
        """Await them, and tell what they found."""
        self.ask_about_recipients(tx)
        routing, tx.routing = tx.routing, None
        if routing is not None:
            await self.hear(routing, RecipientsReport)

    async def hear(self, checking: Outcome[Report], kind: type[Report]) -> Report | None:
        """Await checks and tell what they found; None where they fail, hang or give garbage."""
        try:
            if checking.done():
                report = await checking
            else:
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
            answer = await self.upstream.ask(line, self.limits.upstream_reply)
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
        self.upstream = upstream
        if self.greeting:
            await upstream.ask(self.greeting, self.limits.upstream_reply)

    async def abandon(self) -> None:
        """The client gave the transaction in hand up: its last reply decided it."""
        if self.transaction is None:
            return
        try:
            await self.know_recipients(self.transaction)
        finally:
            self.end(self.transaction.last, self.transaction.phase)
