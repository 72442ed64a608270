"""In which order history is gone through, and how far one came."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from monitor.filter.nodes import ip_key, severity_rank
from monitor.record import Record

Order = Literal["ended", "severity", "code", "ip"]
ORDERS: tuple[Order, ...] = get_args(Order)

_TIE = 1e-6  # seconds: what records are told apart by


class Place(msgspec.Struct, frozen=True):
    """A place in an order: what it goes by, and the time for those that are the same in it.

    ``n`` tells apart what ended at the same moment, where it is known.
    """

    value: float | str
    ended: float
    n: int | None = None


class Page(msgspec.Struct, frozen=True):
    """Records in their order. ``reached`` is where the search came to: None at the very end."""

    records: list[Record]
    reached: Place | None = None


def place(record: Record, order: Order) -> Place:
    """Where a record stands."""
    ended = record.ended.timestamp()
    match order:
        case "ended":
            return Place(ended, ended)
        case "severity":
            return Place(severity_rank(record), ended)
        case "code":
            return Place(record.verdict.code, ended)
        case "ip":
            return Place(ip_key(record.client.ip), ended)


def up_to(record: Record, order: Order, backward: bool) -> Place:
    """The place to go on from behind ``record``; those of the same moment come again."""
    at = place(record, order)
    return Place(at.value, at.ended + (_TIE if backward else -_TIE))
