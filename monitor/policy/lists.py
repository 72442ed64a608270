"""Which ban or allowance holds for a session: the most specific wins, and allow wins a tie."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator

from monitor.policy.canonical import canonical, mailbox, sender
from monitor.policy.entry import Entry, Kind
from monitor.policy.ruling import Stage

# How specific a kind is; of two networks the longer prefix is the more specific.
_RANK: dict[Kind, int] = {
    "sender": 500,
    "ip": 400,
    "dkim": 350,
    "helo": 300,
    "domain": 250,
    "net": 0,
}


_DOTS = ".\u3002\uff0e\uff61"  # a dot, and what IDNA takes for one
_DOT = re.compile(f"[{_DOTS}]")
_MAX_DOMAIN = 253


class Lists:
    """The entries in force, looked up by key and by network prefix, never by a scan."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._by_key: dict[tuple[Kind, str], list[Entry]] = {}
        self._networks: dict[tuple[int, int], dict[int, list[Entry]]] = {}
        for entry in entries:
            if entry.ended is not None:
                continue
            if entry.kind in ("ip", "net"):
                self._add_network(entry)
            else:
                self._by_key.setdefault((entry.kind, entry.value), []).append(entry)

    def _add_network(self, entry: Entry) -> None:
        net = ipaddress.ip_network(entry.value, strict=False)
        bucket = self._networks.setdefault((net.version, net.prefixlen), {})
        bucket.setdefault(int(net.network_address), []).append(entry)

    def __bool__(self) -> bool:
        return bool(self._by_key or self._networks)

    def match(self, stage: Stage) -> Entry | None:
        """The entry that holds at ``stage``; None where none does.

        What a client merely claims never opens a door: an allowed sender or domain counts
        for mail with DMARC pass of that domain, an allowed HELO where it is the client's
        confirmed PTR name.
        """
        if not self:
            return None
        found = [e for e in self._candidates(stage) if _holds(e, stage)]
        return max(found, key=_weight, default=None)

    def _candidates(self, stage: Stage) -> Iterator[Entry]:
        if self._networks:
            yield from self._by_address(stage.ip)
        if self._by_key:
            for kind, value in _names(stage):
                yield from self._by_key.get((kind, value), ())

    def _by_address(self, ip: str) -> Iterator[Entry]:
        address = ipaddress.ip_address(ip)
        address = getattr(address, "ipv4_mapped", None) or address
        number, bits = int(address), address.max_prefixlen
        for (version, length), bucket in self._networks.items():
            if version == address.version:
                prefix = number >> (bits - length) << (bits - length)
                yield from bucket.get(prefix, ())


def _weight(entry: Entry) -> tuple[int, bool, int]:
    rank = _RANK[entry.kind]
    if entry.kind == "net":
        rank = ipaddress.ip_network(entry.value).prefixlen
    return rank, entry.list == "allow", entry.id


def _names(stage: Stage) -> Iterator[tuple[Kind, str]]:
    if stage.helo:
        yield from _one("helo", stage.helo)
    if stage.mail_from is not None:
        if value := _spelt("sender", stage.mail_from or "<>"):
            # A ban of a mailbox holds for its sub-addresses; an allowance, see _holds, does not.
            yield from (("sender", name) for name in dict.fromkeys((value, mailbox(value))))
        yield from _parents(stage.mail_from.rpartition("@")[2])
    if stage.verified is not None:
        for name in stage.verified.dkim:
            yield from _one("dkim", name)
        if stage.verified.author:
            yield from _parents(stage.verified.author)


def _one(kind: Kind, value: str) -> Iterator[tuple[Kind, str]]:
    if known := _spelt(kind, value):
        yield kind, known


def _spelt(kind: Kind, value: str) -> str:
    """The canonical form, "" for what has none."""
    try:
        return canonical(kind, value)
    except ValueError:
        return ""


def _parents(name: str) -> Iterator[tuple[Kind, str]]:
    """A domain and those above it: a ban of example.org holds for mail.example.org too.

    What is no domain name as a whole has parents all the same: a ban of example.org holds
    for whatever is put in front of it.
    """
    if name.startswith("["):
        yield from _one("domain", name)
        return
    known = ""
    for label in reversed(_DOT.split(name.rstrip(_DOTS))):
        value = _spelt("domain", label)
        known = f"{value}.{known}" if known else value
        if not value or len(known) > _MAX_DOMAIN:
            return
        yield "domain", known


def _holds(entry: Entry, stage: Stage) -> bool:
    if entry.expires is not None and entry.expires.timestamp() <= stage.at:
        return False
    if entry.list == "ban":
        return True
    match entry.kind:
        case "ip" | "net" | "dkim":
            return True
        case "helo":
            return bool(stage.name) and canonical("helo", stage.name or "") == entry.value
        case "domain":
            return _proved(stage, entry.value)
        case "sender":
            host = entry.value.rpartition("@")[2]
            return (
                bool(host) and _proved(stage, host) and sender(stage.mail_from or "") == entry.value
            )


def _proved(stage: Stage, name: str) -> bool:
    proved = stage.verified.dmarc if stage.verified else ""
    return proved == name or proved.endswith("." + name)
