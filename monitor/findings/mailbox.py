"""Addresses and domains: who a message says that it is from (RFC 5322 3.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import idna
import msgspec

from monitor.findings.message import Header

__all__ = ["Authors", "ascii_domain", "authors", "mailboxes"]

MAX_AUTHORS = 100  # mailboxes of a From field that are looked at
MAX_REMEMBERED = 512  # bytes of a From field whose authors are remembered
MAX_LIST = 64 * 1024  # bytes of a From field; a longer one names nobody
MAX_NAME = 253  # octets of a domain name

_TOKEN = re.compile(
    rb'"(?:[^"\\]|\\.)*+"?'  # quoted-string
    rb"|\[[^\]]*+\]?"  # domain-literal
    rb"|[()<>,:;]"
    rb'|[^"\[()<>,:;]++',
    re.DOTALL,
)
_LONE = re.compile(
    rb'\s*+(?:"[^"\\]*+"\s*+|[^"\[()<>,:;]++)?<([^"\[()<>,:;\s]++)>\s*+|\s*+([^"\[()<>,:;\s]++)\s*+'
)
_LDH = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")


class Authors(msgspec.Struct, frozen=True):
    """The author domains of a message: A-labels in lower case, each once.

    ``fault`` says why RFC 9989 cannot be applied (no From, several fields or domains, a
    domain that is none); "" when ``domains`` holds exactly one.
    """

    domains: tuple[str, ...]
    fault: str = ""

    @property
    def domain(self) -> str:
        """The author domain; "" where there is not exactly one."""
        return self.domains[0] if not self.fault else ""


def authors(header: Header) -> Authors:
    """Who the From field names."""
    fields = header.all(b"from")
    if len(fields) == 1 and len(fields[0]) <= MAX_REMEMBERED:
        return _of_one(fields[0])
    return _authors(fields)


@lru_cache(4_096)
def _of_one(text: bytes) -> Authors:
    return _authors([text])


def _authors(fields: Sequence[bytes]) -> Authors:
    found: dict[str, None] = {}
    fault = ""
    for text in fields[:MAX_AUTHORS]:
        if len(text) > MAX_LIST:
            fault = "a From field of more than 64 KiB"
            continue
        for address in mailboxes(text):
            domain = ascii_domain(address.rpartition(b"@")[2]) if b"@" in address else None
            if domain is None:
                fault = "an address without a valid domain"
            else:
                found[domain] = None
    if not fields:
        fault = "no From field"
    elif len(fields) > 1:
        fault = f"{len(fields)} From fields"
    elif len(found) > 1:
        fault = f"{len(found)} author domains"
    elif not found:
        fault = fault or "no author address"
    return Authors(tuple(found), fault)


def mailboxes(value: bytes) -> list[bytes]:
    """The address of every mailbox in an address list, ``local@domain`` as it was written.

    Comments, display names, groups and source routes are left out. Linear time.
    """
    if lone := _LONE.fullmatch(value):  # as most From fields are
        return [lone[1] or lone[2]]
    found: list[bytes] = []
    plain: list[bytes] = []  # outside angle brackets
    angle: list[bytes] | None = None
    closed: bytes | None = None
    comments = 0

    def end() -> None:
        nonlocal closed
        address = closed if closed is not None else b"".join(b"".join(plain).split())
        if address and len(found) < MAX_AUTHORS:
            found.append(address)
        plain.clear()
        closed = None

    for token in _TOKEN.findall(value):
        if token == b"(":
            comments += 1
        elif token == b")":
            comments = max(0, comments - 1)
        elif comments:
            continue
        elif angle is not None:
            if token == b">":
                closed, angle = b"".join(b"".join(angle).split()), None
            elif token == b":":
                angle = []  # what stood before was a source route (RFC 5322 4.4)
            else:
                angle.append(token)
        elif token == b"<":
            angle = []
        elif token == b":":
            plain.clear()  # a group's name
        elif token in (b",", b";"):
            end()
        else:
            plain.append(token)
    if angle is not None:
        closed = b"".join(b"".join(angle).split())
    end()
    return found


def ascii_domain(raw: bytes) -> str | None:
    """A domain name as lower-case LDH or A-labels, without the final dot; else None.

    U-labels (RFC 6532) are made A-labels by IDNA 2008 (UTS 46 mapping first).
    """
    return _ascii_domain(raw) if len(raw) <= 4 * MAX_NAME else None


@lru_cache(4_096)
def _ascii_domain(raw: bytes) -> str | None:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if not text or len(text) > MAX_NAME:
        return None
    if not text.isascii():
        try:
            text = idna.encode(text, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return None
    text = text.lower().removesuffix(".")
    return text if len(text) <= MAX_NAME and _LDH.fullmatch(text) else None
