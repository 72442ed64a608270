"""Rules held against the past."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.config import Settings
from monitor.findings.answers import canonical
from monitor.findings.dmarc.walk import registered
from monitor.findings.greylist.whitelist import load
from monitor.insight.whatif.answer import Answer
from monitor.insight.whatif.trial import Trial
from monitor.insight.whatif.words import Given, scenario
from monitor.policy.entry import Draft
from monitor.study.past import Past

__all__ = ["whatif"]


def whatif(
    past: Past,
    since: float,
    words: Iterable[str],
    settings: Settings,
    *,
    validating: Iterable[str] = (),
    bans: Sequence[Draft] = (),
) -> Answer:
    """What the scenarios of ``words`` would have done, each once. Raises ValueError for a word.

    ``validating`` are senders that validate MTA-STS; ``bans`` are for the word ``bans``.
    """
    given = Given(
        greylist=settings.greylist,
        whitelist=load(settings.greylist),
        in_force=past.entries(),
        validating=[registered(canonical(name)) for name in validating],
        bans=bans,
    )
    scenarios = [scenario(word, given) for word in dict.fromkeys(words)]
    trial = Trial(scenarios, given.in_force)
    if trial.learns:
        for record in past.records(since):
            trial.learn(record)
        for who, spoken in trial.wants():
            trial.hear(who, spoken, past.transcript(spoken))
    for record in past.records(since):
        trial.judge(record)
    return trial.answer(since, past.until)
