"""DNSSEC validation of positive answers, from a trust anchor down (RFC 4035 5).

The chain is walked by the names in the signatures: the signer of an answer is its zone, the
signer of that zone's DS set is the next zone above. Denials are not proved: what a missing
DS leaves open counts as not validated, which is all that a finding says of it. Keys,
signatures, verifications and zones are bounded, so that no zone can keep us busy (KeyTrap).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Literal

import dns.dnssec
import dns.message
import dns.name
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
from dns.rdatatype import CNAME, DNSKEY, DS, RRSIG
from dns.rdtypes.ANY.DNSKEY import DNSKEY as Key
from dns.rdtypes.ANY.DS import DS as Digest
from dns.rdtypes.ANY.RRSIG import RRSIG as Signature

from monitor.dns.form import MAX_CHAIN

__all__ = ["Anchors", "Fetch", "Validator"]

log = logging.getLogger(__name__)

MAX_LABELS = 12  # of a zone, the root's one included; so many zones a chain has at most
MAX_KEYS = 16  # in a zone's DNSKEY set, or digests in its DS set
MAX_SIGNATURES = 8  # over one record set that are looked at
MAX_TRIES = 8  # verifications for one record set
MAX_KEY = 520  # octets: RSA of 4096 bits (RFC 3110 2) and all other kinds
MAX_EXPONENT = 8  # octets of an RSA exponent: a long one makes verification slow
MAX_ZONES = 4_096  # whose keys are remembered
MAX_AGE = 86_400.0  # seconds at most that they are
FAILURE_AGE = 60.0  # seconds that a zone without a chain is
RSA = (1, 5, 7, 8, 10)  # DNSSEC algorithm numbers

Anchors = Mapping[dns.name.Name, dns.rdataset.Rdataset]  # DS sets by zone
Fetch = Callable[[dns.name.Name, str], Awaitable[dns.message.Message | None]]
Keys = tuple[Key, ...]
Failed = Literal[False] | None  # there is no chain; it could not be looked up


class Validator:
    """Says of answers whether they are signed. ``fetch`` asks with the DO bit set.

    The chain's answers come from the same resolver as the answer itself, which need not be
    trusted, but must pass signatures on: where not even an anchor's keys validate, nothing
    is said. ``now`` is seconds since the epoch, for the signatures' times.
    """

    def __init__(
        self, fetch: Fetch, anchors: Anchors, now: Callable[[], float] = time.time
    ) -> None:
        self._fetch = fetch
        self._anchors = anchors
        self._now = now
        self._zones: OrderedDict[dns.name.Name, asyncio.Task[tuple[Keys | Failed, float]]] = (
            OrderedDict()
        )

    async def secure(
        self, response: dns.message.Message, name: dns.name.Name, rdtype: str
    ) -> bool | None:
        """True where every record set from ``name`` on, CNAMEs followed, is validated.

        False where one is not; None where that could not be found out, or ``response``
        denies that there is one.
        """
        wanted = dns.rdatatype.from_text(rdtype)
        states: list[bool | None] = []
        while len(states) < MAX_CHAIN:
            found = _set(response, name, wanted) or _set(response, name, CNAME)
            if found is None:
                return None
            states.append(await self._signed(response, found))
            if found.rdtype == wanted:
                return False if False in states else None if None in states else True
            name = found[0].target
        return None

    async def _signed(self, response: dns.message.Message, records: dns.rrset.RRset) -> bool | None:
        above = [zone for zone in self._anchors if records.name.is_subdomain(zone)]
        if not above or not await self._keys(max(above, key=len)):
            return None
        signatures = _signatures(response, records, lambda zone: records.name.is_subdomain(zone))
        if not signatures:
            return False
        keys = await self._keys(signatures[0].signer)
        return self._verify(records, signatures, keys) if isinstance(keys, tuple) else keys

    async def _keys(self, zone: dns.name.Name) -> Keys | Failed:
        """The keys that may sign in ``zone``; who asks at the same time waits for the same."""
        task = self._zones.get(zone)
        if task is None or (task.done() and task.result()[1] <= self._now()):
            task = self._zones[zone] = asyncio.create_task(self._look_up(zone))
        self._zones.move_to_end(zone)
        while len(self._zones) > MAX_ZONES:
            self._zones.popitem(last=False)
        return (await asyncio.shield(task))[0]

    async def _look_up(self, zone: dns.name.Name) -> tuple[Keys | Failed, float]:
        try:
            keys, age = await self._chain(zone)
        except Exception:  # keys and digests come from strangers, through many hands
            log.exception("DNSSEC validation failed")
            keys, age = None, FAILURE_AGE
        return keys, self._now() + (min(age, MAX_AGE) if keys else FAILURE_AGE)

    async def _chain(self, zone: dns.name.Name) -> tuple[Keys | Failed, float]:
        anchor = self._anchors.get(zone)
        digests = await self._digests(zone) if anchor is None else anchor
        if not isinstance(digests, dns.rdataset.Rdataset):
            return digests, 0
        age = MAX_AGE if anchor is not None else digests.ttl
        response = await self._fetch(zone, "DNSKEY")
        if response is None:
            return None, 0
        records = _set(response, zone, DNSKEY)
        if records is None:
            return False, 0
        if len(records) > MAX_KEYS or len(digests) > MAX_KEYS:
            return None, 0
        keys: Keys = tuple(records)
        entry = tuple(key for key in keys if any(_matches(zone, key, d) for d in digests))
        signatures = _signatures(response, records, lambda signer: signer == zone)
        state = self._verify(records, signatures, entry)
        return (keys if state else state), min(age, records.ttl)

    async def _digests(self, zone: dns.name.Name) -> dns.rdataset.Rdataset | Failed:
        """The DS set of ``zone``, which the zone above it has signed."""
        if zone == dns.name.root or len(zone) > MAX_LABELS:
            return None
        response = await self._fetch(zone, "DS")
        if response is None:
            return None
        records = _set(response, zone, DS)
        if records is None:
            return False
        signatures = _signatures(
            response, records, lambda signer: zone.is_subdomain(signer) and zone != signer
        )
        if not signatures:
            return False
        keys = await self._keys(signatures[0].signer)
        if not isinstance(keys, tuple):
            return keys
        state = self._verify(records, signatures, keys)
        return records if state else state

    def _verify(
        self, records: dns.rrset.RRset, signatures: Iterable[Signature], keys: Keys
    ) -> Literal[True] | Failed:
        """True for a valid signature by one of ``keys``, as long as the bounds allow to look."""
        tries = 0
        for signature in signatures:
            if signature.labels < len(records.name) - 1:
                return None  # from a wildcard: valid only if the name itself is denied
            for key in keys:
                if key.algorithm != signature.algorithm or not _bounded(key):
                    continue
                if dns.dnssec.key_id(key) != signature.key_tag:
                    continue
                tries += 1
                if tries > MAX_TRIES:
                    return None
                if _valid(records, signature, key, self._now()):
                    return True
        return False


def _set(
    response: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
) -> dns.rrset.RRset | None:
    return response.get_rrset(response.answer, name, dns.rdataclass.IN, rdtype)


def _signatures(
    response: dns.message.Message,
    records: dns.rrset.RRset,
    may_sign: Callable[[dns.name.Name], bool],
) -> list[Signature]:
    """Signatures over ``records`` by the first zone that may sign them."""
    found = response.get_rrset(
        response.answer, records.name, dns.rdataclass.IN, RRSIG, records.rdtype
    )
    signatures = [s for s in list(found or ())[:MAX_SIGNATURES] if may_sign(s.signer)]
    return [s for s in signatures if s.signer == signatures[0].signer]


def _valid(records: dns.rrset.RRset, signature: Signature, key: Key, now: float) -> bool:
    one = dns.rdataset.from_rdata(0, key)
    try:
        dns.dnssec.validate_rrsig(records, signature, {signature.signer: one}, now=now)
    except Exception:  # of many kinds, for a key or a signature of any form
        return False
    return True


def _matches(zone: dns.name.Name, key: Key, digest: Digest) -> bool:
    if key.algorithm != digest.algorithm or dns.dnssec.key_id(key) != digest.key_tag:
        return False
    try:
        return bool(dns.dnssec.make_ds(zone, key, digest.digest_type, validating=True) == digest)
    except dns.exception.DNSException:
        return False


def _bounded(key: Key) -> bool:
    data = key.key
    if len(data) > MAX_KEY or len(data) < 3:
        return False
    return key.algorithm not in RSA or (data[0] or int.from_bytes(data[1:3])) <= MAX_EXPONENT
