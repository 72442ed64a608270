"""History by filter: what the UI, ``mxtap events`` and exports all ask."""

from __future__ import annotations

import time

from monitor.filter import parse
from monitor.filter.sql import known_codes, to_sql
from monitor.record import Record
from monitor.store.history import History


def search(
    history: History,
    *,
    limit: int,
    before: float | None = None,
    since: float | None = None,
    query: str = "",
) -> list[Record]:
    """The newest ``limit`` records that match ``query``. Raises FilterError."""
    where = None
    if query.strip():
        with history.connect() as connection:
            where = to_sql(parse(query), time.time(), known_codes(connection))
    return history.records(limit, before, since, where)
