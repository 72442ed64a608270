"""What a filter is made of: a small tree that is asked about records."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Literal

from monitor.events import SEVERITIES
from monitor.filter.pattern import Pattern
from monitor.record import Record, worst

Field = Literal[
    "ip",
    "name",
    "helo",
    "from",
    "to",
    "author",
    "subject",
    "message-id",
    "reply",
    "finding",
    "tls",
    "phase",
    "by",
    "relay",
]
Quantity = Literal["size", "code", "severity"]
Op = Literal["<", "<=", "=", ">=", ">"]

COMPARE: dict[Op, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
OPPOSITE: dict[Op, Op] = {"<": ">", "<=": ">=", "=": "=", ">=": "<=", ">": "<"}

# Where a bare word is looked for.
ANYWHERE: tuple[Field, ...] = (
    "ip",
    "name",
    "helo",
    "from",
    "to",
    "author",
    "subject",
    "message-id",
    "reply",
    "finding",
)


@dataclass(frozen=True, slots=True)
class Text:
    """A pattern that one of the texts of ``field`` is of."""

    field: Field
    pattern: Pattern

    def matches(self, record: Record, now: float) -> bool:
        texts = TEXTS[self.field](record)
        return any(text is not None and self.pattern.matches(text) for text in texts)


@dataclass(frozen=True, slots=True)
class Id:
    """The id of a transaction or of its session."""

    value: str

    def matches(self, record: Record, now: float) -> bool:
        return self.value in (record.id, record.session)


@dataclass(frozen=True, slots=True)
class Number:
    """A comparison with a number that the record has."""

    quantity: Quantity
    op: Op
    number: int

    def matches(self, record: Record, now: float) -> bool:
        value = NUMBERS[self.quantity](record)
        return value is not None and bool(COMPARE[self.op](value, self.number))


@dataclass(frozen=True, slots=True)
class Age:
    """A comparison of the seconds since the transaction ended."""

    op: Op
    seconds: float

    def matches(self, record: Record, now: float) -> bool:
        compare = COMPARE[OPPOSITE[self.op]]
        return bool(compare(record.ended.timestamp(), now - self.seconds))


@dataclass(frozen=True, slots=True)
class Within:
    """A client between two addresses, both given and included as :func:`ip_key`."""

    low: str
    high: str

    def matches(self, record: Record, now: float) -> bool:
        return self.low <= ip_key(record.client.ip) <= self.high


@dataclass(frozen=True, slots=True)
class Not:
    """What does not match ``part``."""

    part: Node

    def matches(self, record: Record, now: float) -> bool:
        return not self.part.matches(record, now)


@dataclass(frozen=True, slots=True)
class AllOf:
    """What matches every part: with no parts, everything."""

    parts: tuple[Node, ...]

    def matches(self, record: Record, now: float) -> bool:
        return all(part.matches(record, now) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """What matches at least one part."""

    parts: tuple[Node, ...]

    def matches(self, record: Record, now: float) -> bool:
        return any(part.matches(record, now) for part in self.parts)


Node = Text | Id | Number | Age | Within | Not | AllOf | AnyOf


def ip_key(address: str | IPv4Address | IPv6Address) -> str:
    """An address as 32 hex digits that sort as addresses do; IPv4 as ``::ffff:a.b.c.d``.

    "" for what is no address.
    """
    if isinstance(address, str):
        try:
            address = ip_address(address)
        except ValueError:
            return ""
    mapped = 0xFFFF << 32 if address.version == 4 else 0
    return f"{int(address) | mapped:032x}"


def severity_rank(record: Record) -> int:
    """Where the worst finding's severity stands in ``SEVERITIES``; -1 without findings."""
    severity = worst(record.findings)
    return -1 if severity is None else SEVERITIES.index(severity)


TEXTS: dict[Field, Callable[[Record], tuple[str | None, ...]]] = {
    "ip": lambda r: (r.client.ip,),
    "name": lambda r: (r.client.name,),
    "helo": lambda r: (r.client.helo,),
    "from": lambda r: (r.mail_from,),
    "to": lambda r: tuple(rcpt.address for rcpt in r.rcpts),
    "author": lambda r: (r.message.from_ if r.message else None,),
    "subject": lambda r: (r.message.subject if r.message else None,),
    "message-id": lambda r: (r.message.message_id if r.message else None,),
    "reply": lambda r: (r.verdict.reply,),
    "finding": lambda r: tuple(finding.code for finding in r.findings),
    "tls": lambda r: (r.client.tls.protocol, r.client.tls.cipher) if r.client.tls else (),
    "phase": lambda r: (r.verdict.phase,),
    "by": lambda r: (r.verdict.by,),
    "relay": lambda r: (r.relay,),
}
NUMBERS: dict[Quantity, Callable[[Record], int | None]] = {
    "size": lambda r: r.message.size if r.message else None,
    "code": lambda r: r.verdict.code,
    "severity": severity_rank,
}
