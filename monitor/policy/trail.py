"""The audit trail of the lists: who changed what, and when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from monitor.policy.entry import Entry


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change. ``by`` is the user, "" where an entry ended with its time."""

    at: datetime
    by: str
    what: Literal["added", "ended", "expired"]
    entry: Entry


def changes(entries: Iterable[Entry], now: datetime) -> list[Change]:
    """What befell ``entries`` up to ``now``, oldest first."""
    found = []
    for entry in entries:
        found.append(Change(at=entry.created, by=entry.by, what="added", entry=entry))
        if entry.ended:
            found.append(Change(at=entry.ended, by=entry.ended_by, what="ended", entry=entry))
        elif entry.expires and entry.expires <= now:
            found.append(Change(at=entry.expires, by="", what="expired", entry=entry))
    return sorted(found, key=lambda change: (change.at, change.entry.id))
