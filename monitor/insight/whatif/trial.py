"""Scenarios held against the past, all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from monitor.events import AnyEvent
from monitor.insight.sender import senders
from monitor.insight.whatif.answer import Answer, Tally, Told
from monitor.insight.whatif.scenario import (
    KINDS,
    Case,
    Effect,
    Kind,
    Scenario,
    Spoken,
    accepted,
    has,
)
from monitor.policy.entry import Entry
from monitor.policy.lists import Lists
from monitor.policy.stages import stage_of
from monitor.record import Record, moment

__all__ = ["Trial"]


class Trial:
    """Takes the same records twice, in the order of time: first ``learn``, then ``judge``.

    In between ``wants`` names transcripts for ``hear``. The first round may be left out where
    ``learns`` is False. ``in_force`` are the operator's lists: what they allow is wanted.
    """

    def __init__(self, scenarios: Sequence[Scenario], in_force: Iterable[Entry] = ()) -> None:
        self._scenarios = scenarios
        self._tallies = [Tally() for _ in scenarios]
        self._allowed = Lists(entry for entry in in_force if entry.list == "allow")
        self._records = self._messages = 0
        self._worst = bytearray()  # a record's gravest effect, by its number; 0 for none

    @property
    def learns(self) -> bool:
        """Whether a scenario has to see the records before it judges."""
        return any(scenario.learns for scenario in self._scenarios)

    def learn(self, record: Record) -> None:
        """A record of the first round."""
        case = self._case(record, 0)
        for scenario in self._scenarios:
            scenario.learn(record, case)

    def wants(self) -> list[tuple[Scenario, Spoken]]:
        """Who wants to hear which sessions."""
        return [(scenario, spoken) for scenario in self._scenarios for spoken in scenario.wants()]

    def hear(self, scenario: Scenario, spoken: Spoken, events: Iterable[AnyEvent]) -> None:
        """A transcript."""
        scenario.hear(spoken.session, events)

    def judge(self, record: Record) -> None:
        """A record of the second round."""
        case = self._case(record, self._records)
        self._records += 1
        self._messages += accepted(record)
        self._worst.append(0)
        for scenario, tally in zip(self._scenarios, self._tallies, strict=True):
            self._take(tally, scenario.judge(record, case))

    def answer(self, since: float, until: float) -> Answer:
        """What would have been; ends the trial."""
        for scenario, tally in zip(self._scenarios, self._tallies, strict=True):
            self._take(tally, scenario.finish())
        return Answer(
            since=moment(since),
            until=moment(until),
            records=self._records,
            messages=self._messages,
            scenarios=tuple(map(_told, self._scenarios, self._tallies)),
            together=self._together(),
        )

    def _case(self, record: Record, number: int) -> Case:
        return Case(
            number,
            record.started.timestamp(),
            record.id,
            record.session,
            senders(record).host.name,
            self._is_wanted(record),
        )

    def _is_wanted(self, record: Record) -> bool:
        if has(record, "list.allowed"):
            return True
        return bool(self._allowed) and self._allowed.match(stage_of(record)) is not None

    def _take(self, tally: Tally, effects: Iterable[Effect]) -> None:
        for effect in effects:
            tally.add(effect)
            weight = len(KINDS) - KINDS.index(effect.kind)
            number = effect.case.number
            self._worst[number] = max(self._worst[number], weight)

    def _together(self) -> dict[Kind, int]:
        count = Counter(self._worst)
        return {kind: count[len(KINDS) - place] for place, kind in enumerate(KINDS)}


def _told(scenario: Scenario, tally: Tally) -> Told:
    return Told(
        scenario=scenario.name,
        title=scenario.title,
        outcomes=tally.outcomes(),
        delay=tally.delay(),
        affected=len(tally),
        senders=tally.affected(),
        notes=dict(scenario.notes),
        assumptions=scenario.assumptions,
    )
