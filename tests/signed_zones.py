"""A tree of zones signed with DNSSEC, made for the test that asks for it."""

from __future__ import annotations

from typing import Any

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Pair = tuple[Any, Any]  # private key and DNSKEY
SOA = "SOA ns.example. hostmaster.example. 1 3600 900 86400 120"


def pair(algorithm: str = "ED25519", flags: int = 257) -> Pair:
    """A new key; ``algorithm`` is a DNSSEC mnemonic."""
    private: Any
    if algorithm.startswith("RSA"):
        private = rsa.generate_private_key(65537, 2_048)
    elif algorithm.startswith("ECDSA"):
        private = ec.generate_private_key(ec.SECP256R1())
    else:
        private = Ed25519PrivateKey.generate()
    return private, dns.dnssec.make_dnskey(private.public_key(), algorithm, flags=flags)


def zone_of(origin: str, records: str) -> dns.zone.Zone:
    """A zone, not signed yet, with SOA and NS; names in ``records`` are absolute."""
    own = "." if origin == "." else f"{origin}."
    head = f"$TTL 300\n{own} {SOA}\n{own} NS ns.example.\n"
    return dns.zone.from_text(head + records, origin=own, relativize=False)


def sign(zone: dns.zone.Zone, keys: list[Pair], **times: Any) -> None:
    """Sign ``zone``, for a day where ``times`` (inception, expiration) say nothing else."""
    dns.dnssec.sign_zone(zone, keys=keys, **(times or {"lifetime": 86_400}))


def ds(origin: str, key: Any, digest: str = "SHA256") -> str:
    """The DS record of ``key``, as a line of the zone above."""
    return f"{origin}. DS {dns.dnssec.make_ds(f'{origin}.', key, digest).to_text()}\n"


class Tree:
    """Zones by origin, answered as a resolver does that does not validate itself."""

    def __init__(self, *zones: dns.zone.Zone) -> None:
        self.zones = {zone.origin: zone for zone in zones}
        self.asked: list[tuple[str, str]] = []
        self.silent: set[str] = set()  # types that nobody answers
        self.unsigned = False  # a resolver that leaves signatures out

    async def fetch(self, name: dns.name.Name, rdtype: str) -> dns.message.Message | None:
        """The response to one question, CNAMEs followed; None is silence."""
        self.asked.append((name.to_text(), rdtype))
        if rdtype in self.silent:
            return None
        response = dns.message.make_response(dns.message.make_query(name, rdtype))
        wanted = dns.rdatatype.from_text(rdtype)
        for _ in range(4):
            zone = self._zone(name, wanted)
            node = zone.get_node(name) if zone else None
            found = node and node.get_rdataset(zone.rdclass, wanted)
            alias = node and node.get_rdataset(zone.rdclass, dns.rdatatype.CNAME)
            if not (found or alias):
                break
            self._put(response, name, node, found or alias)
            if found:
                break
            name = alias[0].target
        return dns.message.from_wire(response.to_wire())

    def _put(self, response: dns.message.Message, name: dns.name.Name, node: Any, found: Any):
        response.answer.append(dns.rrset.from_rdata_list(name, found.ttl, found))
        covered = node.get_rdataset(found.rdclass, dns.rdatatype.RRSIG, found.rdtype)
        if covered and not self.unsigned:
            signatures = dns.rrset.RRset(name, covered.rdclass, covered.rdtype, covered.covers)
            signatures.update(covered)
            response.answer.append(signatures)

    def _zone(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.zone.Zone | None:
        """The zone that has the name; a DS set is in the one above."""
        while True:
            if name in self.zones and rdtype != dns.rdatatype.DS:
                return self.zones[name]
            if name == dns.name.root:
                return None
            name, rdtype = name.parent(), dns.rdatatype.ANY
