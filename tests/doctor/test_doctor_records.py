"""A domain of ours in the DNS."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from monitor.config import Settings
from monitor.dns.zone import Zone
from monitor.doctor.check import Check
from monitor.doctor.records import (
    check_dkim,
    check_dmarc,
    check_exists,
    check_mx,
    check_spf,
    mx_hosts,
)

NAME = "mx.our.test"
HOST = f"{NAME}. A 127.0.0.1\n"


def only(checks: list[Check]) -> Check:
    [check] = checks
    return check


@pytest.mark.parametrize(
    ("records", "state", "word"),
    [
        (f"our.test. MX 10 {NAME}.", "ok", NAME),
        ("our.test. MX 0 .", "error", "null MX"),
        ("our.test. A 127.0.0.1", "error", "no MX"),
        ("our.test. MX 10 gone.our.test.", "error", "no address"),
        (f"our.test. MX 10 a.our.test.\na.our.test. CNAME {NAME}.", "warning", "CNAME"),
        ("our.test. MX 10 b.our.test.\nb.our.test. A 127.0.0.2", "ok", f"this relay is {NAME}"),
        ("our.test. CNAME our.test.", "warning", "no answer"),
    ],
)
def test_mx(records: str, state: str, word: str) -> None:
    check = only(check_mx("our.test", NAME, Zone(HOST + records).known))
    assert (check.state, word in check.seen) == (state, True), check


def test_a_domain_that_does_not_exist_is_told_once() -> None:
    zone = Zone("our.test. A 127.0.0.1")
    assert check_exists("our.test", zone.known) == []
    assert "NXDOMAIN" in only(check_exists("gone.test", zone.known)).seen


def test_mx_hosts_by_preference() -> None:
    zone = Zone("our.test. MX 20 b.our.test.\nour.test. MX 5 a.our.test.\nnone.test. MX 0 .")
    assert mx_hosts("our.test", zone.known) == ("a.our.test", "b.our.test")
    assert mx_hosts("none.test", zone.known) == ()


@pytest.mark.parametrize(
    ("record", "state", "word"),
    [
        ("v=spf1 mx -all", "ok", "v=spf1 mx -all"),
        ("v=spf1 mx ~all", "ok", ""),
        ("v=spf1 mx ?all", "notice", "no stand"),
        ("v=spf1 mx", "notice", "no stand"),
        ("v=spf1 +all", "warning", "whole Internet"),
        ("v=spf1 ip4:0.0.0.0/0 -all", "error", "anybody"),
        ("v=spf1 ptr -all", "notice", "ptr"),
        ("v=spf1 include:gone.test -all", "error", ""),
        ("v=spf1 unknown:x -all", "error", ""),
        ("something else", "warning", "no SPF record"),
    ],
)
def test_spf(record: str, state: str, word: str) -> None:
    zone = Zone(f'{HOST}our.test. MX 10 {NAME}.\nour.test. TXT "{record}"')
    check = check_spf("our.test", NAME, zone.known)[0]
    assert (check.state, word in check.seen) == (state, True), check
    assert bool(check.mend) == (state != "ok")


def key(bits: int, tags: str = "") -> str:
    public = rsa.generate_private_key(65537, bits).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = f"v=DKIM1; {tags}p=" + base64.b64encode(der).decode()
    return " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))


@pytest.mark.parametrize(
    ("record", "state", "word"),
    [
        (key(2_048), "ok", "2048 bits"),
        (key(2_048, "t=y; "), "notice", "testing"),
        (key(1_024), "warning", "1024 bits"),
        ('"v=DKIM1; p="', "error", "revoked"),
        ('"v=DKIM1; p=AAAA"', "error", "RSA"),
    ],
)
def test_dkim(record: str, state: str, word: str) -> None:
    zone = Zone(f"s1._domainkey.our.test. TXT {record}")
    check = only(check_dkim("our.test", ["s1"], zone.known))
    assert (check.state, word in check.seen) == (state, True), check


def test_dkim_without_a_record_or_a_selector() -> None:
    zone = Zone(HOST)
    assert only(check_dkim("our.test", ["s1"], zone.known)).state == "error"
    assert only(check_dkim("our.test", [], zone.known)).state == "skipped"


SETTINGS = Settings(local_domains=("our.test",), report_addresses=("r@our.test",))


@pytest.mark.parametrize(
    ("record", "states", "word"),
    [
        ("v=DMARC1; p=reject; rua=mailto:r@our.test", ["ok"], "p=reject"),
        ("v=DMARC1; p=none; rua=mailto:r@our.test", ["notice"], "nothing is asked"),
        ("v=DMARC1; p=reject", ["notice"], "no reports"),
        ("v=DMARC1; p=reject; rua=mailto:x@our.test", ["notice"], "x@our.test"),
        ("v=DMARC1; p=reject; rua=mailto:r@far.test", ["warning"], "not agreed"),
        ("v=DMARC1; p=rejekt; rua=mailto:r@our.test", ["error", "notice"], "rejekt"),
        ("other", ["warning"], "no DMARC record"),
    ],
)
def test_dmarc(record: str, states: list[str], word: str) -> None:
    checks = check_dmarc("our.test", SETTINGS, Zone(f'_dmarc.our.test. TXT "{record}"').known)
    assert [check.state for check in checks] == states, checks
    assert word in checks[0].seen


def test_the_organisations_dmarc_record_holds_below_it() -> None:
    zone = Zone('_dmarc.our.test. TXT "v=DMARC1; p=reject; rua=mailto:r@our.test"')
    assert only(check_dmarc("sub.our.test", SETTINGS, zone.known)).state == "ok"
