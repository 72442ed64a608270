"""The checks of a message in their order; each stands by itself, and none stops another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from monitor.checks import results
from monitor.checks.body import BodyHashes, head
from monitor.checks.case import Envelope, MessageReport, Source
from monitor.checks.stage import Stage
from monitor.config import Settings
from monitor.events import Finding
from monitor.findings import arc
from monitor.findings.answers import Question
from monitor.findings.arc import Chain, Verdict
from monitor.findings.dkim.atps import authorised
from monitor.findings.dkim.body import Digest, Want
from monitor.findings.dkim.judge import Alignment, unsettled_domains, valid_domains
from monitor.findings.dkim.judge import judge as judge_dkim
from monitor.findings.dkim.syntax import Signature
from monitor.findings.dkim.verify import Outcome, Signatures
from monitor.findings.dkim.verify import read as read_signatures
from monitor.findings.dkim.verify import verify as verify_signatures
from monitor.findings.dmarc.consent import unauthorised
from monitor.findings.dmarc.evaluate import Evaluation
from monitor.findings.dmarc.evaluate import evaluate as evaluate_dmarc
from monitor.findings.dmarc.judge import judge as judge_dmarc
from monitor.findings.dmarc.walk import path
from monitor.findings.mailbox import Authors, authors
from monitor.findings.message import Header, scan
from monitor.findings.reports.loop import collector, loop
from monitor.findings.reports.recognise import MAX_MESSAGE, automatic, may_be_report, recognise
from monitor.findings.spf import Spf
from monitor.policy.ruling import Verified

__all__ = ["Pipeline"]

_Bodies = Mapping[Want, Digest]


class Pipeline:
    """One message on its way through the checks."""

    def __init__(
        self,
        stage: Stage,
        envelope: Envelope,
        source: Source,
        settings: Settings,
        hashes: BodyHashes,
        now: float,
    ) -> None:
        """``now`` is seconds since the epoch, for signatures that expire."""
        self._stage = stage
        self._ask = stage.ask
        self._envelope = envelope
        self._source = source
        self._settings = settings
        self._hashes = hashes
        self._now = now
        section, self._offset = head(source)
        self._header: Header = scan(section)
        self._authors: Authors = authors(self._header)
        self._signatures: Signatures = read_signatures(self._header, settings.checks.signatures)
        self._chain: Chain = arc.read(self._header)

    def questions(self) -> Iterator[Question]:
        """What will be asked in any case, to be fetched at one time."""
        for signature in self._signatures.read:
            if isinstance(signature, Signature):
                yield signature.key_name, "TXT"
        if self._authors.domain:
            for name in path(self._authors.domain):
                yield f"_dmarc.{name}", "TXT"

    async def run(self, spf: Spf) -> MessageReport:
        """Every check of the message; ``spf`` is of its envelope."""
        run = self._stage.run
        bodies = await run("body", self._body_hashes(), None)
        outcomes = await run("dkim", self._dkim(bodies), ())
        verdict = await run("arc", self._arc(bodies), None)
        evaluation = await run("dmarc", self._dmarc(spf, outcomes), None)
        found = await run("dkim", self._judge_dkim(outcomes, evaluation), [])
        if evaluation:
            found += await run("dmarc", self._judge_dmarc(evaluation, spf, outcomes), [])
            found += await run("reports", self._reports(evaluation), [])
        if verdict:
            found.append(arc.judge(verdict))
        return MessageReport(
            findings=tuple(found),
            verified=self._verified(spf, outcomes, evaluation),
            results=await run("results", self._field(spf, outcomes, evaluation, verdict), ""),
        )

    async def _body_hashes(self) -> _Bodies:
        wants = self._signatures.wants | self._chain.wants
        async with self._stage.limit():
            return await self._hashes.digests(self._source, self._offset, wants)

    async def _dkim(self, bodies: _Bodies | None) -> Sequence[Outcome]:
        if bodies is None:
            return [_unhashed(signature) for signature in self._signatures.read]
        return await self._ask.settle(
            lambda ask: verify_signatures(
                self._signatures.read, self._header, bodies, ask, self._now
            )
        )

    async def _arc(self, bodies: _Bodies | None) -> Verdict:
        if bodies is None:
            return Verdict("fail", "the body was not hashed in time", temporary=True)
        return await self._ask.settle(
            lambda ask: arc.verify(self._chain, self._header, bodies, ask)
        )

    async def _dmarc(self, spf: Spf, outcomes: Sequence[Outcome]) -> Evaluation:
        passed = spf.result == "pass"
        unsettled = unsettled_domains(outcomes)
        if spf.result == "temperror":
            unsettled += (spf.domain,)
        return await self._ask.settle(
            lambda ask: evaluate_dmarc(
                self._authors, spf.domain, passed, valid_domains(outcomes), ask, unsettled
            )
        )

    async def _judge_dkim(
        self, outcomes: Sequence[Outcome], evaluation: Evaluation | None
    ) -> list[Finding]:
        author = self._authors.domain if evaluation else ""
        atps = await self._ask.settle(lambda ask: authorised(outcomes, author, ask))
        alignment = evaluation.alignment if evaluation else _unaligned
        return judge_dkim(outcomes, self._signatures.more, author, alignment, atps)

    async def _judge_dmarc(
        self, evaluation: Evaluation, spf: Spf, outcomes: Sequence[Outcome]
    ) -> list[Finding]:
        refused = await self._ask.settle(lambda ask: unauthorised(evaluation, ask))
        return judge_dmarc(evaluation, spf.result, outcomes, self._header, refused)

    async def _reports(self, evaluation: Evaluation) -> list[Finding]:
        report = None
        if may_be_report(self._header):
            # Unpacking and parsing are bounded, but take longer than the loop may wait.
            async with self._stage.limit():
                report = await asyncio.to_thread(recognise, self._start())
        found = [report] if report else []
        what = "a report" if report else "an automatic reply"
        if report or automatic(self._header, self._envelope.mail_from):
            own = self._settings.report_addresses
            rcpts = self._envelope.rcpts
            rcpt = await self._ask.settle(lambda ask: collector(rcpts, own, ask))
            if rcpt:
                found.append(loop(rcpt, evaluation, what))
        return found

    def _start(self) -> bytes:
        start = bytearray()
        for piece in self._source.pieces():
            start += piece
            if len(start) >= MAX_MESSAGE:
                break
        return bytes(start)

    def _verified(
        self, spf: Spf, outcomes: Sequence[Outcome], evaluation: Evaluation | None
    ) -> Verified:
        author = self._authors.domain
        proved = evaluation is not None and evaluation.result == "pass"
        return Verified(
            spf=spf.domain if spf.result == "pass" else "",
            dkim=valid_domains(outcomes),
            dmarc=author if proved else "",
            author=author,
        )

    async def _field(
        self,
        spf: Spf,
        outcomes: Sequence[Outcome],
        evaluation: Evaluation | None,
        verdict: Verdict | None,
    ) -> str:
        if not self._settings.checks.stamp:
            return ""
        return results.field(
            self._settings.checks.authserv_id or self._settings.name,
            spf=spf.result,
            mail_from=self._envelope.mail_from,
            helo=self._envelope.helo,
            signatures=outcomes,
            dmarc=evaluation,
            arc=verdict,
        )


def _unaligned(_: str) -> Alignment:
    return "none"


def _unhashed(signature: object) -> Outcome:
    if isinstance(signature, Signature):
        return Outcome("temperror", "the body was not hashed in time", signature)
    return Outcome("malformed", str(signature))
