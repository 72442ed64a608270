"""The resolver against real name servers on loopback: nsd holds a signed root, unbound validates.

Both are started on ports of their own, without root's rights and without the Internet.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dns.dnssec
import dns.zone
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness_dns import nsd, unbound

from monitor.checks.case import Envelope
from monitor.checks.checker import Checker
from monitor.checks.octets import Octets
from monitor.config import load
from monitor.dns.resolver import LiveResolver

ROOT = """
$TTL 300
.                   SOA   ns.example. hostmaster.example. 1 3600 900 86400 120
.                   NS    ns.example.
ns.example.         A     127.0.0.1
sender.example.     TXT   "v=spf1 mx -all"
sender.example.     MX    10 Mail.sender.example.
mail.sender.example. A    192.0.2.5
5.2.0.192.in-addr.arpa. PTR mail.sender.example.
alias.example.      CNAME mail.sender.example.
large.example.      TXT   {large}
unsigned.example.   NS    ns.example.
"""
UNSIGNED = """
$TTL 300
unsigned.example.      SOA ns.example. hostmaster.example. 1 3600 900 86400 120
unsigned.example.      NS  ns.example.
mail.unsigned.example. A   192.0.2.6
"""


class Servers(NamedTuple):
    nsd: int
    unbound: int


@pytest.fixture(scope="module")
def servers(needs, tmp_path_factory) -> Iterator[Servers]:
    needs("nsd", "unbound")
    folder = tmp_path_factory.mktemp("dns")
    anchor = write_zones(folder)
    zones = {".": "root.zone", "unsigned.example": "unsigned.zone"}
    with nsd(folder, zones) as authority, unbound(folder, authority, anchor) as validator:
        yield Servers(authority, validator)


def write_zones(folder: Path) -> str:
    """Sign the root and write both zones; the root's DS is the trust anchor."""
    large = " ".join(f'"{"x" * 250}"' for _ in range(12))
    zone = dns.zone.from_text(ROOT.format(large=large), ".", relativize=False)
    private = Ed25519PrivateKey.generate()
    public = dns.dnssec.make_dnskey(private.public_key(), "ED25519", flags=257)
    dns.dnssec.sign_zone(zone, keys=[(private, public)], lifetime=86_400)
    zone.to_file(str(folder / "root.zone"), relativize=False)
    (folder / "unsigned.zone").write_text(UNSIGNED)
    return dns.dnssec.make_ds(".", public, "SHA256").to_text()


def asking(port: int) -> LiveResolver:
    return LiveResolver([("127.0.0.1", port)], timeout=4)


async def test_records_come_in_the_forms_that_the_checks_expect(servers):
    resolver = asking(servers.nsd)
    assert (await resolver.answer("sender.example", "TXT")).records == ("v=spf1 mx -all",)
    assert (await resolver.answer("sender.example", "MX")).records == ("10 mail.sender.example",)
    alias = await resolver.answer("alias.example", "A")
    assert (alias.records, alias.canonical) == (("192.0.2.5",), "mail.sender.example")
    assert alias.ttl == 300


async def test_what_is_not_there(servers):
    resolver = asking(servers.nsd)
    missing = await resolver.answer("absent.example", "A")
    assert (missing.status, missing.ttl) == ("nxdomain", 120)
    assert (await resolver.answer("sender.example", "AAAA")).status == "nodata"


async def test_a_large_answer_comes_by_tcp(servers):
    assert (await asking(servers.nsd).answer("large.example", "TXT")).records == ("x" * 3_000,)


async def test_an_authoritative_server_says_nothing_about_security(servers):
    assert (await asking(servers.nsd).answer("sender.example", "TXT")).secure is None


async def test_a_validating_resolver_tells_signed_from_unsigned(servers):
    resolver = asking(servers.unbound)
    assert (await resolver.answer("sender.example", "TXT")).secure is True
    unsigned = await resolver.answer("mail.unsigned.example", "A")
    assert (unsigned.records, unsigned.secure) == (("192.0.2.6",), False)


async def test_a_message_is_checked_with_real_answers(servers):
    settings = load(environ={}, flags={"dns": {"server": f"127.0.0.1:{servers.unbound}"}})
    checker = Checker(asking(servers.unbound), settings)
    envelope = Envelope(ip="192.0.2.5", helo="mail.sender.example", mail_from="a@sender.example")
    client = await checker.client("192.0.2.5")
    report = await checker.message(envelope, Octets(b"From: a@sender.example\r\n\r\nhi\r\n"))
    assert (client.name, client.confirmed) == ("mail.sender.example", True)
    assert report.findings[0].code == "spf.pass"
    assert report.findings[0].evidence["mechanism"] == "mx"
