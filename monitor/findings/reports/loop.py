"""Reports about reports: mail that keeps two report senders busy for ever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from monitor import events as ev
from monitor.findings.answers import Ask, NeedAnswer, Question
from monitor.findings.catalogue import finding
from monitor.findings.dmarc.evaluate import Evaluation
from monitor.findings.dmarc.walk import walk
from monitor.findings.mailbox import ascii_domain
from monitor.findings.memory import Memory
from monitor.findings.pools import digest
from monitor.findings.views import Session, Transaction
from monitor.text import printable

__all__ = ["MAX_RECIPIENTS", "ReportLoops", "collector", "loop"]

MAX_RECIPIENTS = 5  # whose domains are asked for their rua=
KIND = "report-loop"
KEPT = 30 * 86_400.0  # seconds that a pair is remembered without another report
ROUNDS = 3  # intervals with nothing but reports between two domains

_REPORTS = ("report.dmarc", "report.tls", "report.arf")


def collector(rcpts: Sequence[str], own: Iterable[str], ask: Ask) -> str:
    """The first recipient that collects reports: one of ``own``, or in the rua= of its
    domain. "" for none. Raises NeedAnswer."""
    ours = {address.lower() for address in own}
    for rcpt in rcpts:
        if rcpt.lower() in ours:
            return rcpt
    missing: list[Question] = []
    for rcpt in rcpts[:MAX_RECIPIENTS]:
        domain = ascii_domain(rcpt.rpartition("@")[2].encode("utf-8", "surrogateescape"))
        try:
            step = walk(domain, ask).policy if domain else None
        except NeedAnswer as need:
            missing.extend(need.questions)
            continue
        rua = step.record.rua if step and step.record else ()
        if any(rcpt.lower() == address.lower() for address, _ in rua):
            return rcpt
    if missing:
        raise NeedAnswer(*missing)
    return ""


def loop(rcpt: str, evaluation: Evaluation, what: str) -> ev.Finding:
    """The finding about a report or automatic reply (``what``) to a collecting address.

    It closes a circle where the author's domain asks for reports itself; else it is told
    as information.
    """
    record = evaluation.record
    circle = bool(record and record.rua)
    back = f"; {evaluation.author} asks for reports as well" if circle else ""
    return finding(
        "report.loop",
        f"{what} to {printable(rcpt, 200)}, which collects reports{back}",
        severity=None if circle else "info",
        recipient=printable(rcpt, 320),
        author=evaluation.author,
        reports_to=[address for address, _ in record.rua] if record else [],
    )


class ReportLoops:
    """A discipline: refused reports, and pairs that exchange nothing but reports."""

    hears = (ev.Ended,)

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def __call__(self, view: Session, event: ev.Event) -> Iterator[ev.Finding]:
        """What an ended transaction tells."""
        if not isinstance(event, ev.Ended) or view.current is None:
            return
        tx = view.current
        told = [f for f in tx.findings if f.code.startswith("report.")]
        report = _first(told, _REPORTS)
        if report and event.verdict.by == "upstream" and event.verdict.code >= 400:
            yield finding(
                "report.refused",
                f"{event.verdict.code} {event.verdict.reply}",
                severity=None if event.verdict.code >= 500 else "notice",
                report=report.code,
                reply=f"{event.verdict.code} {event.verdict.reply}",
            )
        if 200 <= event.verdict.code < 300:
            yield from self._count(tx, _first(told, ("report.loop",)), event.at)

    def _count(self, tx: Transaction, circle: ev.Finding | None, at: float) -> Iterator[ev.Finding]:
        author = _author(tx)
        for domain in {r.address.rpartition("@")[2].lower() for r in tx.accepted}:
            pair = digest(author, domain)
            before = self._memory.get(KIND, pair)
            if circle is None:
                if before:
                    self._memory.drop(KIND, pair)
                continue
            rounds = int(before or b"-1") + 1
            self._memory.put(KIND, pair, b"%d" % rounds, at + KEPT)
            if rounds >= ROUNDS and circle.severity != "info":
                yield finding(
                    "report.loop",
                    f"{rounds + 1} reports from {author} to {domain} with no other mail between",
                    severity="warning",
                    author=author,
                    domain=domain,
                    rounds=rounds,
                )


def _first(findings: Iterable[ev.Finding], codes: Sequence[str]) -> ev.Finding | None:
    for each in findings:
        if each.code in codes:
            return each
    return None


def _author(tx: Transaction) -> str:
    for each in tx.findings:
        if each.code.startswith("dmarc.") and each.evidence.get("author"):
            return str(each.evidence["author"])
    return tx.mail.address.rpartition("@")[2].lower()
