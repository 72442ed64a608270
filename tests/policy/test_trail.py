"""The audit trail: every change once, in order, with who made it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from monitor.policy.entry import Entry
from monitor.policy.trail import changes


def at(minute: int) -> datetime:
    return datetime(2026, 1, 1, 0, minute, tzinfo=UTC)


def entry(number: int, **more: Any) -> Entry:
    return Entry(id=number, list="ban", kind="ip", value="192.0.2.7", by="root", **more)


def told(*entries: Entry, now: int = 30) -> list[tuple[int, str, str, int]]:
    return [(c.at.minute, c.what, c.by, c.entry.id) for c in changes(entries, at(now))]


def test_every_change_is_told_in_order() -> None:
    ended = entry(1, created=at(0), ended=at(9), ended_by="mail")
    assert told(ended, entry(2, created=at(5))) == [
        (0, "added", "root", 1),
        (5, "added", "root", 2),
        (9, "ended", "mail", 1),
    ]


def test_an_entry_ends_by_itself_or_by_somebody_never_both() -> None:
    expired = entry(1, created=at(0), expires=at(10))
    assert told(expired) == [(0, "added", "root", 1), (10, "expired", "", 1)]
    assert told(expired, now=9) == [(0, "added", "root", 1)]
    cut_short = entry(2, created=at(0), expires=at(10), ended=at(5), ended_by="mail")
    assert told(cut_short)[1:] == [(5, "ended", "mail", 2)]
