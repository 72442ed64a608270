"""The checks of a message in their order; each stands by itself, and none stops another."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple

from monitor.checks import results
from monitor.checks.body import BodyHashes, head
from monitor.checks.case import Envelope, MessageReport, Source
from monitor.checks.stage import Stage
from monitor.config import Settings
from monitor.events import Finding
from monitor.findings import arc
from monitor.findings.answers import Ask, Question
from monitor.findings.arc import Chain, Verdict
from monitor.findings.dkim.atps import authorised
from monitor.findings.dkim.body import Digest, Want
from monitor.findings.dkim.judge import Alignment, facts, unsettled_domains, valid_domains
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

SMALL = 16 * 1024  # bytes of a message that are hashed before a timer could fire

_NO_CHAIN = Verdict("none")
_Bodies = Mapping[Want, Digest]


class _Dmarc(NamedTuple):
    """What became of the author's domain, and what is told of it."""

    evaluation: Evaluation
    findings: tuple[Finding, ...]


class _Who(NamedTuple):
    """What became of author and signers."""

    dmarc: _Dmarc | None
    signers: Sequence[Finding]
    verified: Verified


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

    async def run(self, spf: Spf, before: Sequence[Finding] = ()) -> MessageReport:
        """Every check of the message; ``spf`` is of its envelope, as is what was found before."""
        settle = self._stage.settle
        bodies = await self._stage.run("body", self._body_hashes(), None)
        outcomes = await settle("dkim", lambda ask: self._dkim(bodies, ask), ())
        verdict: Verdict | None = _NO_CHAIN
        if self._chain.present:
            verdict = await settle("arc", lambda ask: self._arc(bodies, ask), None)
        who = await self._who(spf, outcomes)
        evaluation = who.dmarc.evaluation if who.dmarc else None
        found = [*before, *who.signers]
        if who.dmarc:
            found += who.dmarc.findings
            found += await self._stage.run("reports", self._reports(who.dmarc.evaluation), ())
        if verdict:
            found.append(arc.judge(verdict))
        stamp = self._settings.checks.stamp
        field = self._field(spf, outcomes, evaluation, verdict) if stamp else None
        results = await self._stage.run("results", field, "") if field else ""
        return MessageReport(
            findings=(*found, *self._stage.faults),
            answers=self._ask.answers,
            verified=who.verified,
            results=results,
        )

    async def _who(self, spf: Spf, outcomes: Sequence[Outcome]) -> _Who:
        """Who signed and who wrote: of valid signatures it is remembered as a whole."""
        told = tuple(map(facts, outcomes))
        author = self._authors.domain
        key: Hashable = None
        if author and None not in told:
            key = ("who", author, spf.result, spf.domain, self._signatures.more, told)
            known: _Who | None = self._ask.recall(key)
            if known is not None:
                return known
        valid, unsettled = valid_domains(outcomes), unsettled_domains(outcomes)
        dmarc = await self._stage.settle(
            "dmarc",
            lambda ask: self._dmarc(spf, outcomes, ask),
            None,
            key=("dmarc", author, spf.result, spf.domain, valid, unsettled) if author else None,
            keep=lambda found: found.evaluation.result != "fail",  # which the message explains
        )
        used = self._ask.used
        evaluation = dmarc.evaluation if dmarc else None
        signers: Sequence[Finding] = await self._stage.settle(
            "dkim", lambda ask: self._judge_dkim(outcomes, evaluation, ask), ()
        )
        verified = Verified(
            spf=spf.domain if spf.result == "pass" else "",
            dkim=valid,
            dmarc=author if evaluation and evaluation.result == "pass" else "",
            author=author,
        )
        found = _Who(dmarc, signers, verified)
        if key and evaluation and evaluation.result != "fail" and not self._stage.faults:
            self._ask.keep(key, found, {**used, **self._ask.used})
        return found

    async def _body_hashes(self) -> _Bodies:
        wants = self._signatures.wants
        if self._chain.present:
            wants |= self._chain.wants
        hashing = self._hashes.digests(self._source, self._offset, wants)
        if self._source.size <= SMALL:
            return await hashing
        async with self._stage.limit():
            return await hashing

    def _dkim(self, bodies: _Bodies | None, ask: Ask) -> Sequence[Outcome]:
        if bodies is None:
            return [_unhashed(signature) for signature in self._signatures.read]
        return verify_signatures(self._signatures.read, self._header, bodies, ask, self._now)

    def _arc(self, bodies: _Bodies | None, ask: Ask) -> Verdict:
        if bodies is None:
            return Verdict("fail", "the body was not hashed in time", temporary=True)
        return arc.verify(self._chain, self._header, bodies, ask)

    def _dmarc(self, spf: Spf, outcomes: Sequence[Outcome], ask: Ask) -> _Dmarc:
        """Knows no more of the message than its key, unless the result is "fail"."""
        unsettled = unsettled_domains(outcomes)
        if spf.result == "temperror":
            unsettled += (spf.domain,)
        passed = spf.result == "pass"
        evaluation = evaluate_dmarc(
            self._authors, spf.domain, passed, valid_domains(outcomes), ask, unsettled
        )
        refused = unauthorised(evaluation, ask)
        found = judge_dmarc(evaluation, spf.result, outcomes, self._header, refused)
        return _Dmarc(evaluation, tuple(found))

    def _judge_dkim(
        self, outcomes: Sequence[Outcome], evaluation: Evaluation | None, ask: Ask
    ) -> list[Finding]:
        author = self._authors.domain if evaluation else ""
        atps = authorised(outcomes, author, ask)
        alignment = evaluation.alignment if evaluation else _unaligned
        return judge_dkim(outcomes, self._signatures.more, author, alignment, atps)

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

    async def _field(
        self,
        spf: Spf,
        outcomes: Sequence[Outcome],
        evaluation: Evaluation | None,
        verdict: Verdict | None,
    ) -> str:
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
