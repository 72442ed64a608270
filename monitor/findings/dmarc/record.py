"""The DMARC policy record (RFC 9989 4.7, 4.8)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from monitor.findings.mailbox import ascii_domain

__all__ = ["Policy", "Record", "parse"]

MAX_RECORD = 4_096  # characters
MAX_URIS = 20
CACHED = 1_000  # parsed records that are remembered

Policy = Literal["none", "quarantine", "reject"]

_POLICIES: dict[str, Policy] = {"none": "none", "quarantine": "quarantine", "reject": "reject"}
_VERSION = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)")
_MAILTO = re.compile(r"mailto:([^@\s!,;]+)@([^@\s!,;?]+)(?:\?[^!\s]*)?(?:![0-9]+[kmgt]?)?", re.I)
_URI = re.compile(r"[a-z][a-z0-9+.-]*:[^\s!,;]+", re.I)  # RFC 3986 3, roughly
_GONE = ("pct", "rf", "ri")  # RFC 7489 had them


class Record(NamedTuple):
    """A policy record. ``faults`` are values that are not understood and their mend."""

    text: str
    p: Policy | None  # None: p= is not valid
    sp: Policy | None
    np: Policy | None
    strict_dkim: bool = False
    strict_spf: bool = False
    psd: Literal["y", "n", "u"] = "u"
    testing: bool = False
    rua: tuple[tuple[str, str], ...] = ()  # addresses, each with its domain
    ignored: tuple[str, ...] = ()  # tags of RFC 7489 that mean nothing any more
    faults: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether a policy can be taken from it (RFC 9989 4.10.1)."""
        return self.p is not None


@lru_cache(CACHED)
def parse(text: str) -> Record | None:
    """The record in one TXT record; None where the text is no DMARC record at all."""
    if not _VERSION.match(text):
        return None
    tags: dict[str, str] = {}
    faults: list[str] = []
    for part in text[:MAX_RECORD].split(";"):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not part.strip():
            continue
        if not equals or not name:
            faults.append(f"{part.strip()!r} is not tag=value")
        elif name.lower() in tags:
            faults.append(f"{name.lower()}= is there twice; the first counts")
        else:
            tags[name.lower()] = value
    rua, reports = _addresses(tags.get("rua", ""), faults)
    p = _policy(tags, "p", faults) if "p" in tags else "none"
    sp, np = _policy(tags, "sp", faults), _policy(tags, "np", faults)
    broken = p is None or ("sp" in tags and sp is None) or ("np" in tags and np is None)
    if broken:
        # RFC 9989 4.10.1: as p=none where reports are asked for, else no policy at all.
        p = "none" if reports else None
        sp = np = None
    return Record(
        text=text,
        p=p,
        sp=sp,
        np=np,
        strict_dkim=_one_of(tags, "adkim", "rs", faults) == "s",
        strict_spf=_one_of(tags, "aspf", "rs", faults) == "s",
        psd={"y": "y", "n": "n"}.get(_one_of(tags, "psd", "uyn", faults), "u"),  # type: ignore[arg-type]
        testing=_one_of(tags, "t", "ny", faults) == "y",
        rua=rua,
        ignored=tuple(f"{name}={tags[name]}" for name in _GONE if name in tags),
        faults=tuple(faults),
    )


def _policy(tags: dict[str, str], name: str, faults: list[str]) -> Policy | None:
    if name not in tags:
        return None
    policy = _POLICIES.get(tags[name].lower())
    if policy is None:
        faults.append(f"{name}={tags[name]} is not none, quarantine or reject")
    return policy


def _one_of(tags: dict[str, str], name: str, allowed: str, faults: list[str]) -> str:
    """The value of a tag with one-letter values; the first of them is the default."""
    value = tags.get(name, allowed[0]).lower()
    if len(value) == 1 and value in allowed:
        return value
    faults.append(f"{name}={value} is not one of {', '.join(allowed)}")
    return allowed[0]


def _addresses(value: str, faults: list[str]) -> tuple[tuple[tuple[str, str], ...], bool]:
    """Where to mail reports to, each with its domain; and whether any URI in there is valid."""
    found = []
    valid = False
    for uri in map(str.strip, value.split(",")[:MAX_URIS] if value else ()):
        match = _MAILTO.fullmatch(uri)
        domain = ascii_domain(match[2].encode("utf-8", "surrogateescape")) if match else None
        if match and domain:
            found.append((f"{match[1]}@{domain}", domain))
        elif uri.lower().startswith("mailto:") or not _URI.fullmatch(uri):
            faults.append(f"rua= has {uri!r}, which is no mailto: URI")
            continue
        valid = True
    return tuple(found), valid
