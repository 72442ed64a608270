"""A ban or an allowance, as it is stored, matched and told."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

ListName = Literal["ban", "allow"]
Kind = Literal["ip", "net", "helo", "sender", "domain", "dkim"]
Action = Literal["reject", "defer", "drop", "tarpit"]

KINDS: tuple[Kind, ...] = ("ip", "net", "helo", "sender", "domain", "dkim")
ACTIONS: tuple[Action, ...] = ("reject", "defer", "drop", "tarpit")


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that somebody asks for. ``lifetime`` is seconds, None for good."""

    list: ListName
    kind: Kind
    value: str
    action: Action = "reject"
    reason: str = ""
    lifetime: float | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry in force (``ended`` None) or past. ``value`` is in canonical form."""

    id: int
    list: ListName
    kind: Kind
    value: str
    action: Action = "reject"
    reason: str = ""
    by: str = ""
    created: datetime
    expires: datetime | None = None
    ended: datetime | None = None
    ended_by: str = ""
    hits: int = 0
