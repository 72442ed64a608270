"""The zone file: dnspython reads it, and it says what the cast needs."""

from __future__ import annotations

import dns.name
import dns.rdatatype
import dns.zone
import pytest

from monitor.demo import home
from monitor.demo.cast import CAST
from monitor.demo.keys import Keys
from monitor.demo.sender import Sender
from monitor.demo.zone import text, zone
from monitor.dns.zone import Zone


@pytest.fixture(scope="module")
def answers(keys: Keys) -> dict[tuple[str, str], list[str]]:
    parsed = dns.zone.from_text(zone(CAST, keys), origin=".", relativize=False, check_origin=False)
    return {
        (name.to_text(omit_final_dot=True), dns.rdatatype.to_text(rdataset.rdtype)): [
            b"".join(rdata.strings).decode()
            if rdataset.rdtype == dns.rdatatype.TXT
            else rdata.to_text()
            for rdata in rdataset
        ]
        for name, rdataset in parsed.iterate_rdatasets()
    }


def test_domains_and_addresses_are_each_senders_own() -> None:
    domains = [sender.domain for sender in CAST]
    addresses = [address for sender in CAST for address in sender.hosts.values()]
    assert len(set(domains)) == len(domains)
    assert len({*addresses, home.ADDRESS}) == len(addresses) + 1


@pytest.mark.parametrize("sender", CAST, ids=lambda sender: sender.__name__)
def test_a_sender_is_in_the_zone(
    sender: type[Sender], keys: Keys, answers: dict[tuple[str, str], list[str]]
) -> None:
    for label, address in sender.hosts.items():
        assert answers[f"{label}.{sender.domain}", "A"] == [address]
        if sender.pointers:
            pointer = dns.name.from_text(".".join(reversed(address.split("."))) + ".in-addr.arpa.")
            name = pointer.to_text(omit_final_dot=True)
            assert answers[name, "PTR"] == [f"{label}.{sender.domain}."]
    for kind in sender.keys:
        assert answers[f"{kind}._domainkey.{sender.domain}", "TXT"] == [
            keys[kind].record + sender.key_tags
        ]
    if sender.spf:
        assert f"v=spf1 {sender.spf}" in answers[sender.domain, "TXT"]
    if sender.dmarc:
        assert answers[f"_dmarc.{sender.domain}", "TXT"] == [f"v=DMARC1; {sender.dmarc}"]
    if sender.mx:
        assert answers[sender.domain, "MX"][0].startswith(sender.mx.split()[0])


def test_the_household_is_in_the_zone(answers: dict[tuple[str, str], list[str]]) -> None:
    assert answers[home.DOMAIN, "MX"] == [f"10 {home.HOST}."]
    assert answers["nomail.home.example", "MX"] == ["0 ."]
    assert ("branch.home.example", "MX") not in answers


def test_every_habit_is_quoted(keys: Keys) -> None:
    written = zone(CAST, keys)
    for sender in CAST:
        assert sender.__doc__
        assert f"; {sender.__doc__.splitlines()[0]}" in written


@pytest.mark.parametrize("sender", CAST, ids=lambda sender: sender.__name__)
def test_answers_are_as_secure_as_the_senders_zone(sender: type[Sender], keys: Keys) -> None:
    assert Zone(zone(CAST, keys)).known(sender.domain, "MX").secure is sender.dnssec


def test_a_long_text_is_cut_into_character_strings() -> None:
    assert text("a" * 300) == f'TXT "{"a" * 255}" "{"a" * 45}"'
