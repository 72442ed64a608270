"""Lists on a replay: an entry refuses nothing, and counts what it would have met."""

from __future__ import annotations

import itertools
from collections import Counter, OrderedDict

import msgspec

from monitor.policy.canonical import canonical
from monitor.policy.entry import Draft, Entry
from monitor.policy.lists import Lists
from monitor.policy.ruling import Stage
from monitor.policy.stages import stage_of
from monitor.record import Record, moment

REMEMBERED = 10_000  # transactions that a change of the entries is held against


class Rehearsal:
    """Entries, and the transactions shown so far, each once. ``Entry.hits`` are those it met.

    ``refused`` of the ``judged`` would have met a ban, where no allowance is as specific.
    """

    def __init__(self) -> None:
        self.judged = self.refused = 0
        self._ids = itertools.count(1)
        self._entries: dict[int, Entry] = {}
        self._lists = Lists()
        self._hits: Counter[int] = Counter()
        self._shown: OrderedDict[str, Stage] = OrderedDict()
        self._changed = False

    def entries(self) -> list[Entry]:
        """The entries in force."""
        return [msgspec.structs.replace(e, hits=self._hits[e.id]) for e in self._entries.values()]

    def changed(self) -> bool:
        """True when entries or their hits changed since this was asked."""
        changed, self._changed = self._changed, False
        return changed

    def add(self, draft: Draft, at: float) -> Entry:
        """Rehearse an entry from ``at`` on. Raises ValueError for a wrong value."""
        entry = Entry(
            id=next(self._ids),
            list=draft.list,
            kind=draft.kind,
            value=canonical(draft.kind, draft.value),
            action=draft.action,
            reason=draft.reason,
            by="rehearsal",
            created=moment(at),
            expires=None if draft.lifetime is None else moment(at + draft.lifetime),
        )
        self._entries[entry.id] = entry
        self._count_anew()
        return msgspec.structs.replace(entry, hits=self._hits[entry.id])

    def end(self, entry_id: int, at: float) -> Entry:
        """End an entry. Raises KeyError when there is none of this id."""
        entry = self._entries.pop(entry_id)
        self._count_anew()
        return msgspec.structs.replace(entry, ended=moment(at))

    def judge(self, record: Record) -> None:
        """Hold a transaction against the entries, unless that was done."""
        if record.id in self._shown:
            return
        stage = self._shown[record.id] = stage_of(record)
        if len(self._shown) > REMEMBERED:
            self._shown.popitem(last=False)
        self._meet(stage)

    def start_anew(self) -> None:
        """Forget what was shown."""
        self._shown.clear()
        self._count_anew()

    def _count_anew(self) -> None:
        self._lists = Lists(self._entries.values())
        self._hits.clear()
        self.judged = self.refused = 0
        self._changed = True
        for stage in self._shown.values():
            self._meet(stage)

    def _meet(self, stage: Stage) -> None:
        self.judged += 1
        if entry := self._lists.match(stage):
            self._hits[entry.id] += 1
            self.refused += entry.list == "ban"
            self._changed = True
