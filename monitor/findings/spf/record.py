"""What an SPF record says, evaluated or not: its terms, and the faults that they show."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import spf as pyspf

from monitor.findings.answers import Ask, NeedAnswer, Question
from monitor.findings.spf.evaluate import MAX_RECORD
from monitor.findings.spf.lookup import record_of

__all__ = ["MAX_COUNTED", "Faults", "Term", "inspect", "terms"]

MAX_COUNTED = 20  # lookups; a record that needs more is not followed any further

_TERM = re.compile(
    r"(?P<qualifier>[+?~-]?)(?P<name>[a-z][a-z0-9_.-]*)(?P<sign>[:=/]?)(?P<value>.*)", re.IGNORECASE
)
_LOOKUPS = frozenset(("include", "a", "mx", "ptr", "exists", "redirect"))  # RFC 7208 4.6.4


class Term(NamedTuple):
    """A mechanism or modifier. ``value`` is what follows the colon or equals sign."""

    qualifier: str  # + - ~ or ?
    name: str  # lower case
    value: str
    text: str

    @property
    def target(self) -> str:
        """The domain that it names, without a prefix length; "" for the record's own."""
        return self.value.partition("/")[0]


@dataclass(slots=True)
class Faults:
    """What is wrong with a record and those that it includes, whoever sends."""

    lookups: int = 0  # that a client which nothing matches would cost; counted to MAX_COUNTED
    plus_all: list[str] = field(default_factory=list)  # the domains of such records
    ptr: list[str] = field(default_factory=list)


@lru_cache(1_024)
def terms(record: str) -> tuple[Term, ...]:
    """The terms of a record up to ``all``, in order; what is no term is left out."""
    found: list[Term] = []
    modifiers: list[Term] = []
    for text in record[:MAX_RECORD].split(" ")[1:]:
        match = _TERM.fullmatch(text)
        if match is None:
            continue
        name, value = match["name"].lower(), match["value"]
        if match["sign"] == "/":
            value = "/" + value
        term = Term(match["qualifier"] or "+", name, value, text)
        if match["sign"] == "=":
            modifiers.append(term)
            continue
        found.append(term)
        if name == "all":  # RFC 7208 5.1: what follows is ignored, redirect= too
            return tuple(found)
    return (*found, *modifiers)


def inspect(domain: str, ask: Ask) -> Faults:
    """Look through the record of ``domain`` ("" for none), and what it includes.

    Only records are looked up, not the hosts in them; a term whose domain has macros
    counts, but is not followed. Raises NeedAnswer.
    """
    faults = Faults()
    missing: list[Question] = []
    if domain:
        _follow(domain, ask, faults, missing, depth=0)
    if missing:
        raise NeedAnswer(*missing)
    return faults


def _follow(domain: str, ask: Ask, faults: Faults, missing: list[Question], depth: int) -> None:
    try:
        records = record_of(domain, ask)
    except NeedAnswer as need:
        missing.extend(need.questions)
        return
    except pyspf.TempError:
        return
    if len(records) != 1:
        return
    for term in terms(records[0]):
        if term.name == "all" and term.qualifier == "+":
            faults.plus_all.append(domain)
        elif term.name == "ptr":
            faults.ptr.append(domain)
        faults.lookups += term.name in _LOOKUPS
        if faults.lookups > MAX_COUNTED or depth > MAX_COUNTED:
            return
        if term.name in ("include", "redirect") and term.value and "%" not in term.value:
            _follow(term.value, ask, faults, missing, depth + 1)
