"""Who a client counts as: its address, its network, and the pool that it sends from.

A sender may retry from another host of its own. The pool is the domain that SPF authorised
it for, else the client's network: so it is recognised as itself, and told from a stranger.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
from functools import lru_cache

import msgspec

from monitor.findings.answers import canonical
from monitor.findings.views import Session, Transaction

IPV4_PREFIX = 24
IPV6_PREFIX = 64

_SRS = re.compile(r"SRS0[-+=][^=]*=[^=]*=(?P<rest>.+)", re.IGNORECASE)
_BATV = re.compile(r"(?:btv1==[0-9a-z]+==|prvs=[0-9a-z]+=)(?P<rest>.+)", re.IGNORECASE)


class Pool(msgspec.Struct, frozen=True):
    """A client in ever wider circles. ``spf`` and ``organisation`` are "" where unknown."""

    ip: str
    network: str
    spf: str = ""  # the domain with SPF pass
    organisation: str = ""  # the parent of a host name that it goes by

    @property
    def key(self) -> str:
        """The pool's name: an SPF-authorised domain, else the network."""
        return self.spf or self.network


@lru_cache(maxsize=8_192)
def network(ip: str) -> str:
    """The /24 (IPv4) or /64 (IPv6) of an address; the text itself where it is none."""
    try:
        prefix = IPV6_PREFIX if ":" in ip else IPV4_PREFIX
        return str(ipaddress.ip_network((ip, prefix), strict=False))
    except ValueError:
        return ip


@lru_cache(maxsize=8_192)
def organisation(host: str) -> str:
    """The name that hosts of one organisation share: the host name without its first label.

    "" for what names no organisation: a single label, an address, an address literal.
    """
    name = canonical(host)
    if not name[-1:].isalpha():
        return ""
    parent = name.partition(".")[2]
    return parent if "." in parent else (name if parent else "")


def pool_of(view: Session, tx: Transaction) -> Pool:
    """The pool of a transaction, as far as it is known by now.

    The SPF domain comes from the transaction's ``spf.pass``; the organisation from the
    forward-confirmed PTR name, else from HELO, which is a mere claim.
    """
    named = view.named
    host = named.name if named and named.confirmed and named.name else view.helo or ""
    return Pool(
        ip=view.opened.ip,
        network=network(view.opened.ip),
        spf=_spf(tx),
        organisation=organisation(host),
    )


def pool_key(view: Session, tx: Transaction) -> str:
    """The key of :func:`pool_of`."""
    return _spf(tx) or network(view.opened.ip)


def _spf(tx: Transaction) -> str:
    """The domain that SPF authorised the client for, "" for none."""
    for found in tx.findings:
        if found.code == "spf.pass":
            return canonical(str(found.evidence.get("domain", "")))
    return ""


@lru_cache(maxsize=1_024)
def reverse_path(address: str) -> str:
    """A reverse-path as it is remembered: without the tags that change from try to try.

    BATV tags and SRS stamps carry a date, so that the same message may come with another.
    """
    local, at, domain = address.rpartition("@")
    if tagged := _BATV.fullmatch(local) or _SRS.fullmatch(local):
        local = tagged["rest"]
    return f"{local}{at}{canonical(domain)}"


@lru_cache(maxsize=1_024)
def forward_path(address: str) -> str:
    """A recipient as it is remembered: the domain in lower case."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{canonical(domain)}"


@lru_cache(maxsize=1_024)  # the same key is read, written and read again within a transaction
def digest(*parts: str) -> str:
    """A short name for what may be long: 96 bits, so that nobody finds two alike."""
    joined = "\0".join(parts).encode("utf-8", "backslashreplace")
    return base64.urlsafe_b64encode(hashlib.blake2b(joined, digest_size=12).digest()).decode()
