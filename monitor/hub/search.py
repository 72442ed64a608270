"""History by filter: what the UI, ``mxtap events`` and exports all ask."""

from __future__ import annotations

import math
import time
from typing import Any

from monitor.filter import parse
from monitor.filter.order import Order, Page, Place
from monitor.filter.sql import to_sql
from monitor.record import Record
from monitor.store.history import Past
from monitor.store.models import TransactionRow

_T: Any = TransactionRow.__table__.c  # type: ignore[attr-defined]

PATIENCE = 0.1  # seconds after which a page is given with what was found by then
SLICE = 20_000  # records that are gone through at once


def search(
    history: Past,
    *,
    limit: int,
    before: float | None = None,
    since: float | None = None,
    query: str = "",
) -> list[Record]:
    """The newest ``limit`` records that match ``query`` in a span of time. Raises FilterError."""
    clauses = [_T.ended >= since] if since is not None else []
    past = None if before is None else Place(before, before)
    return _gather(history, limit, [*clauses, *_where(query)], past=past).records


def page(
    history: Past,
    *,
    limit: int,
    query: str = "",
    order: Order = "ended",
    backward: bool = True,
    past: Place | None = None,
    patience: float = PATIENCE,
) -> Page:
    """Up to ``limit`` records behind ``past`` that match ``query``. Raises FilterError.

    However rare they are, it takes little longer than ``patience``: the page may be short, or
    empty, and tells from where to go on.
    """
    deadline = time.monotonic() + patience
    return _gather(history, limit, _where(query), order, backward, past, deadline)


def _gather(
    history: Past,
    limit: int,
    where: list[Any],
    order: Order = "ended",
    backward: bool = True,
    past: Place | None = None,
    deadline: float = math.inf,
) -> Page:
    found: list[Record] = []
    while True:
        room = limit - len(found)
        records, past = history.slice(order, backward, past, SLICE, where, room)
        found += records
        if past is None or len(found) == limit or time.monotonic() > deadline:
            return Page(found, past)


def _where(query: str) -> list[Any]:
    return [to_sql(parse(query), time.time())] if query.strip() else []
