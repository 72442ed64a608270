"""A whole letter: the case in words, in each of its forms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from monitor import events as ev
from monitor.findings.answers import canonical
from monitor.insight.questions import Written
from monitor.letter.arf import report_on
from monitor.letter.case import Case
from monitor.letter.compose import compose
from monitor.letter.draft import eml
from monitor.letter.redact import Redactor
from monitor.letter.render import markdown, plain

__all__ = ["write"]


def write(
    case: Case,
    transcripts: Mapping[str, Sequence[ev.AnyEvent]],
    *,
    to: Sequence[str],
    sender: str,
    host: str,
    domains: Iterable[str] = (),
    redact: bool = True,
) -> Written:
    """The letter from ``sender``, who runs ``host``; ``transcripts`` are by session.

    Users are ours at ``domains``, and wherever the mail was for, but at the sender's own.
    """
    ours = [*map(canonical, domains), *(d for d, _ in case.domains.most_common())]
    redactor = Redactor(
        (domain for domain in ours if domain and not case.who.owns(domain)),
        _recipients(case, transcripts.values()),
        enabled=redact,
    )
    letter = compose(case, transcripts, redactor, to=to, sender=sender, host=host)
    report = report_on(case, transcripts, redactor, host)
    return Written(
        to=letter.to,
        subject=letter.subject,
        text=plain(letter),
        markdown=markdown(letter),
        draft=eml(letter, report),
    )


def _recipients(case: Case, sessions: Iterable[Sequence[ev.AnyEvent]]) -> Iterator[str]:
    """Everybody whom the letter's examples and transcripts may name."""
    for example in case.examples:
        yield from (rcpt.address for rcpt in example.record.rcpts)
    for event in chain.from_iterable(sessions):
        if isinstance(event, ev.Rcpt):
            yield event.address
