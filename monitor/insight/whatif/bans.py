"""If somebody had been banned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from monitor.insight.whatif.scenario import Case, Effect, Scenario, accepted
from monitor.policy.canonical import canonical
from monitor.policy.entry import Draft, Entry
from monitor.policy.lists import Lists
from monitor.policy.ruling import Stage, Verified
from monitor.policy.stages import stage_of
from monitor.record import Record

__all__ = ["Bans"]

TARPIT = 120.0  # seconds at least that a message takes in the tarpit, 20 for each reply
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Bans(Scenario):
    """The lists as they are now, and these entries besides; allowances hold against them."""

    assumptions = ("The lists that are in force now were so all the time.",)

    def __init__(self, name: str, drafts: Sequence[Draft], in_force: Iterable[Entry] = ()) -> None:
        """Raises ValueError for a wrong value."""
        super().__init__(name)
        entries = [_entry(-number, draft) for number, draft in enumerate(drafts, 1)]
        self.title = (
            f"{entries[0].kind} {entries[0].value} is banned"
            if len(entries) == 1
            else f"{len(entries)} bans hold"
        )
        self._lifetimes = {-number: draft.lifetime for number, draft in enumerate(drafts, 1)}
        self._bans = Lists(entries)
        self._lists = Lists([*entries, *in_force])

    def judge(self, record: Record, case: Case) -> Iterator[Effect]:
        """See :class:`Scenario`."""
        if not accepted(record):
            return
        stage = stage_of(record)
        if self._bans.match(stage) is None:  # earlier stages know less
            return
        for each in _stages(stage):
            entry = self._lists.match(each)
            if entry is not None and entry.list == "ban":
                if entry.id in self._lifetimes:
                    yield self._effect(case, entry)
                return

    def _effect(self, case: Case, entry: Entry) -> Effect:
        lifetime = self._lifetimes[entry.id]
        if entry.action == "tarpit":
            return Effect(case, "delayed", TARPIT)
        if entry.action == "defer" and lifetime:
            return Effect(case, "delayed", lifetime)
        return Effect(case, "lost")


def _stages(end: Stage) -> Iterator[Stage]:
    """What a relay knows at connect, EHLO, MAIL and the end of the message."""
    connect = replace(end, helo=None, mail_from=None, verified=None)
    yield connect
    greeted = replace(connect, helo=end.helo)
    yield greeted
    spf = end.verified.spf if end.verified else ""
    yield replace(greeted, mail_from=end.mail_from, verified=Verified(spf=spf))
    yield end


def _entry(number: int, draft: Draft) -> Entry:
    return Entry(
        id=number,
        list="ban",
        kind=draft.kind,
        value=canonical(draft.kind, draft.value),
        action=draft.action,
        created=LONG_AGO,
    )
