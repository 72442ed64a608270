"""The terms by name: what each makes of its operator and value."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import get_args

from monitor.events import SEVERITIES, Phase, Speaker
from monitor.filter.nodes import (
    Age,
    AllOf,
    AnyOf,
    Field,
    Id,
    Node,
    Not,
    Number,
    Op,
    Text,
    Within,
    ip_key,
)
from monitor.filter.pattern import Pattern


@dataclass(frozen=True, slots=True)
class Value:
    """What stands behind a term's name."""

    op: str
    text: str
    quoted: bool

    @property
    def compare(self) -> Op:
        """The operator as a comparison: ``:`` is ``=``."""
        return _OPS[self.op]


_OPS: dict[str, Op] = {":": "=", "=": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


@dataclass(frozen=True, slots=True)
class Term:
    """One term: ``make`` gives its node, or raises ValueError that tells the form wanted."""

    make: Callable[[Value], Node]
    ordered: bool = False  # takes < <= >= > too
    lead: str = ":"  # the operator that is mostly wanted
    choices: tuple[str, ...] = ()  # for completion


def pattern(value: Value) -> Pattern:
    """The pattern that a text value stands for."""
    if value.op == "=":
        return Pattern.whole(value.text)
    if "*" in value.text and not value.quoted:
        return Pattern.glob(value.text)
    return Pattern.within(value.text)


def _text(field: Field) -> Callable[[Value], Node]:
    return lambda value: Text(field, pattern(value))


def _address(field: Field) -> Callable[[Value], Node]:
    def make(value: Value) -> Node:
        text = value.text
        if text.startswith("<") and text.endswith(">") and not value.quoted:
            return Text(field, Pattern.whole(text[1:-1]))
        return Text(field, pattern(value))

    return make


def _one_of(field: Field, choices: tuple[str, ...]) -> Callable[[Value], Node]:
    def make(value: Value) -> Node:
        if value.text.lower() not in choices:
            raise ValueError(f"one of {' '.join(choices)}")
        return Text(field, Pattern.whole(value.text))

    return make


def _code(value: Value, family: str = "") -> Node:
    text = family + value.text
    if "*" in text and not value.quoted:
        return Text("finding", Pattern.glob(text))
    exact = Text("finding", Pattern.whole(text))
    if "." in text or value.op == "=":
        return exact
    return AnyOf((exact, Text("finding", Pattern.under(text + "."))))


def _result(family: str) -> Callable[[Value], Node]:
    return lambda value: _code(value, family + ".")


def _severity(value: Value) -> Node:
    name = value.text.lower()
    if name == "none" and value.compare == "=":
        return Number("severity", "=", -1)
    if name not in SEVERITIES:
        raise ValueError(f"one of {' '.join(SEVERITIES)}, or none after a colon")
    return Number("severity", value.compare, SEVERITIES.index(name))


def _tls(value: Value) -> Node:
    encrypted = Text("tls", Pattern.within(""))
    if not value.quoted and value.text.lower() == "none":
        return Not(encrypted)
    if not value.quoted and value.text.lower() == "any":
        return encrypted
    return Text("tls", pattern(value))


def _reply_code(value: Value) -> Node:
    wanted = re.fullmatch(r"(\d{1,3})|(\d)xx|(\d\d)x", value.text.lower(), re.ASCII)
    if wanted is None or (wanted[1] is None and value.compare != "="):
        raise ValueError("a reply code such as 550, or 55x or 5xx after a colon")
    if wanted[1]:
        return Number("code", value.compare, int(wanted[1]))
    span = 100 if wanted[2] else 10
    low = int(wanted[2] or wanted[3]) * span
    return AllOf((Number("code", ">=", low), Number("code", "<", low + span)))


def _ip(value: Value) -> Node:
    try:
        network = ip_network(value.text, strict=False)
        low, high = network[0], network[-1]
        if "/" not in value.text:
            address = ip_address(value.text)
            low = high = getattr(address, "ipv4_mapped", None) or address
    except ValueError:
        raise ValueError("an address or network such as 192.0.2.7 or 2001:db8::/32") from None
    return Within(ip_key(low), ip_key(high))


_DURATIONS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}
_SIZES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def _age(value: Value) -> Node:
    wanted = re.fullmatch(r"(\d{1,5}(?:\.\d{1,3})?)([smhdw])", value.text.lower(), re.ASCII)
    if wanted is None or value.compare == "=":
        raise ValueError("a time behind < or >, such as age<30m, age<2h or age>7d")
    return Age(value.compare, float(wanted[1]) * _DURATIONS[wanted[2]])


def _size(value: Value) -> Node:
    wanted = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)([kmg]?)b?", value.text.lower(), re.ASCII)
    if wanted is None:
        raise ValueError("a size such as 500, 10k or 1.5M")
    return Number("size", value.compare, int(float(wanted[1]) * _SIZES[wanted[2]]))


_PHASES: tuple[str, ...] = get_args(Phase)
_SPEAKERS: tuple[str, ...] = get_args(Speaker)

TERMS: dict[str, Term] = {
    "from": Term(_address("from"), choices=("<>",)),
    "to": Term(_address("to")),
    "author": Term(_address("author")),
    "subject": Term(_text("subject")),
    "helo": Term(_text("helo")),
    "name": Term(_text("name")),
    "reply": Term(_text("reply")),
    "ip": Term(_ip),
    "relay": Term(_text("relay")),
    "id": Term(lambda value: Id(value.text)),
    "finding": Term(_code),
    "spf": Term(_result("spf")),
    "dkim": Term(_result("dkim")),
    "dmarc": Term(_result("dmarc")),
    "arc": Term(_result("arc")),
    "sev": Term(_severity, ordered=True, lead=">=", choices=SEVERITIES),
    "tls": Term(_tls, choices=("none", "any", "TLSv1.2", "TLSv1.3")),
    "code": Term(_reply_code, ordered=True, choices=("2xx", "4xx", "5xx")),
    "phase": Term(_one_of("phase", _PHASES), choices=_PHASES),
    "by": Term(_one_of("by", _SPEAKERS), choices=_SPEAKERS),
    "age": Term(_age, ordered=True, lead="<", choices=("10m", "1h", "24h", "7d")),
    "size": Term(_size, ordered=True, lead=">", choices=("10k", "1M", "10M")),
}
