"""History by filter: what the UI, ``mxtap events`` and exports all ask."""

from __future__ import annotations

import time

from monitor.filter import parse
from monitor.record import Record
from monitor.store.history import History

PAGE = 2_000  # records read at a time where a filter picks among them


def search(
    history: History,
    *,
    limit: int,
    before: float | None = None,
    since: float | None = None,
    query: str = "",
) -> list[Record]:
    """The newest ``limit`` records that match ``query``. Raises FilterError."""
    if not query.strip():
        return history.records(limit, before, since)
    wanted, now = parse(query), time.time()
    found: list[Record] = []
    while True:
        page = history.records(PAGE, before, since)
        found += [record for record in page if wanted.matches(record, now)]
        if len(found) >= limit or len(page) < PAGE:
            return found[:limit]
        before = page[-1].ended.timestamp()
