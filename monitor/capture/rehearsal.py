"""Lists on a replay: an entry refuses nothing, and counts what it would have met."""

from __future__ import annotations

import itertools
from collections import deque

import msgspec

from monitor.policy.canonical import canonical
from monitor.policy.entry import Draft, Entry
from monitor.policy.lists import Lists
from monitor.policy.ruling import Stage
from monitor.policy.stages import stage_of
from monitor.record import Record, moment

REMEMBERED = 10_000  # transactions that a new entry is held against


class Rehearsal:
    """Entries, and the transactions played so far. ``Entry.hits`` are those it would meet."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._entries: dict[int, Entry] = {}
        self._played: deque[Stage] = deque(maxlen=REMEMBERED)
        self._changed = False

    def entries(self) -> list[Entry]:
        """The entries in force."""
        return list(self._entries.values())

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
        lists = Lists([entry])
        hits = sum(lists.match(stage) is not None for stage in self._played)
        return self._keep(msgspec.structs.replace(entry, hits=hits))

    def end(self, entry_id: int, at: float) -> Entry:
        """End an entry. Raises KeyError when there is none of this id."""
        self._changed = True
        return msgspec.structs.replace(self._entries.pop(entry_id), ended=moment(at))

    def judge(self, record: Record) -> None:
        """Hold one more transaction against the entries."""
        stage = stage_of(record)
        self._played.append(stage)
        for entry in self.entries():
            if Lists([entry]).match(stage):
                self._keep(msgspec.structs.replace(entry, hits=entry.hits + 1))

    def _keep(self, entry: Entry) -> Entry:
        self._entries[entry.id] = entry
        self._changed = True
        return entry
