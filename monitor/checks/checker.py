"""The checks that the relay and ``mxtap check`` share."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from monitor.checks.body import BodyHashes
from monitor.checks.case import (
    ClientReport,
    Envelope,
    MessageReport,
    RecipientsReport,
    SenderReport,
    Source,
)
from monitor.checks.judgements import Judgements
from monitor.checks.pipeline import Pipeline
from monitor.checks.sender import check_sender, sender_questions
from monitor.checks.stage import Stage
from monitor.config import Settings
from monitor.dns import Resolver
from monitor.events import Finding
from monitor.findings import routing
from monitor.findings.identity import Identity, check

__all__ = ["Checker"]


class Checker:
    """Checks of clients, senders and messages. No call raises, and each keeps the deadline.

    A check that fails leaves ``relay.check-failed``; one that gets no answer, its own
    temporary error. The others go on.
    """

    def __init__(
        self, resolver: Resolver, settings: Settings, now: Callable[[], float] = time.time
    ) -> None:
        """``now`` is seconds since the epoch."""
        self._resolver = resolver
        self._settings = settings
        self._now = now
        self._hashes = BodyHashes()
        self._judgements = Judgements(resolver)

    async def client(self, ip: str) -> ClientReport:
        """Name a client that has just connected."""
        key = ("client", ip)
        known: ClientReport | None = self._known(key)
        if known is not None:
            return known
        with self._stage() as stage:
            unknown = Identity(temporary=True)
            who = await stage.settle("rdns", lambda ask: check(ip, ask), unknown)
            report = ClientReport(
                name=who.name,
                confirmed=who.confirmed,
                temporary=who.temporary,
                findings=(*who.findings, *stage.faults),
                answers=stage.ask.answers,
            )
            if not stage.faults:
                stage.ask.keep(key, report)
            return report

    async def sender(self, envelope: Envelope) -> SenderReport:
        """Check what the envelope tells, before there are recipients or a message."""
        key = ("sender", envelope.ip, envelope.helo, envelope.name, _at(envelope.mail_from))
        known: SenderReport | None = self._known(key)
        if known is not None:
            return known
        with self._stage() as stage:
            stage.ask.ahead(sender_questions(envelope))
            spf, found = await check_sender(stage, envelope)
            report = SenderReport(
                spf=spf, findings=(*found, *stage.faults), answers=stage.ask.answers
            )
            if not spf.personal and not stage.faults:
                stage.ask.keep(key, report)
            return report

    async def recipients(self, addresses: Sequence[str]) -> RecipientsReport:
        """Check the domains of the recipients of one transaction."""
        key = ("recipients", *{_at(address) for address in addresses})
        known: RecipientsReport | None = self._known(key)
        if known is not None:
            return known
        local, name = self._settings.local_domains, self._settings.name
        with self._stage() as stage:
            found: Sequence[Finding] = await stage.settle(
                "routing", lambda ask: routing.recipients(addresses, local, name, ask), ()
            )
            report = RecipientsReport(findings=(*found, *stage.faults), answers=stage.ask.answers)
            # A finding names an address, of which there are more than domains.
            if not report.findings and len(key) == 2:
                stage.ask.keep(key, report)
            return report

    async def message(
        self, envelope: Envelope, source: Source, sender: SenderReport | None = None
    ) -> MessageReport:
        """Check a message; ``sender`` is the report of the same envelope, where there is one."""
        with self._stage() as stage:
            pipeline = await stage.run("header", self._open(stage, envelope, source), None)
            found: Sequence[Finding] = ()
            if sender is None:
                stage.ask.ahead(sender_questions(envelope))
                spf, found = await check_sender(stage, envelope)
            else:
                spf = sender.spf
            if pipeline:
                return await pipeline.run(spf, found)
            return MessageReport(findings=(*found, *stage.faults), answers=stage.ask.answers)

    async def _open(self, stage: Stage, envelope: Envelope, source: Source) -> Pipeline:
        now = self._now()
        pipeline = Pipeline(stage, envelope, source, self._settings, self._hashes, now)
        stage.ask.ahead(pipeline.questions())
        return pipeline

    def _known(self, key: Hashable) -> Any:
        """The report that was made of ``key``, where it would be the same again; else None."""
        found = self._judgements.get(key)
        return found.result if found is not None else None

    def _stage(self) -> Stage:
        checks = self._settings.checks
        return Stage(
            self._resolver,
            self._judgements,
            questions=checks.questions,
            deadline=checks.deadline,
        )


def _at(address: str) -> str:
    """The domain of an address as it was written, after its "@"; "" for none."""
    _, at, domain = address.rpartition("@")
    return at + domain
