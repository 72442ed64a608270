"""Findings about signatures: the RFCs' own messages, and every code once."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from mail_signing import (
    MESSAGE,
    Zone,
    bare_rsa_record,
    ed25519_key,
    record,
    rsa_key,
    sign,
)

from monitor.events import Finding
from monitor.findings.answers import Answer, Answers, Ask, NeedAnswer
from monitor.findings.dkim import atps
from monitor.findings.dkim.body import digests
from monitor.findings.dkim.judge import judge, unsettled_domains, valid_domains
from monitor.findings.dkim.verify import read, verify
from monitor.findings.dmarc.evaluate import evaluate
from monitor.findings.mailbox import authors
from monitor.findings.message import body_offset, scan

MAIL = Path(__file__).parents[1] / "fixtures" / "mail"

RFC6376_KEY = (
    "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7"
    "/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4"
    "OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
)
RFC8463_RSA_KEY = (
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR"
    "6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5Qj"
    "vHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
)
RFC8463_ED25519_KEY = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
NAME = "s._domainkey.author.example"


def judged(message: bytes, ask: Ask, now: float = 1.7e9) -> list[Finding]:
    header = scan(message)
    found = read(header)
    bodies = digests([message[body_offset(message) :]], found.wants)
    outcomes = verify(found.read, header, bodies, ask, now)
    author = authors(header)
    evaluation = evaluate(author, "", False, valid_domains(outcomes), ask)
    consent = atps.authorised(outcomes, author.domain, ask)
    return judge(outcomes, found.more, author.domain, evaluation.alignment, consent)


def codes(message: bytes, ask: Ask) -> list[str]:
    return [finding.code for finding in judged(message, ask)]


def test_rfc_6376_appendix_a() -> None:
    zone = Zone(("brisbane._domainkey.example.com", RFC6376_KEY))
    message = (MAIL / "rfc6376.eml").read_bytes()
    # From is at football.example.com, d= is example.com. No DMARC record tells whether that
    # is one organisation; the public suffix list does.
    assert codes(message, zone) == ["dkim.pass", "dkim.key-1024", "dkim.author-domain"]
    assert codes(message.replace(b"hungry", b"thirsty"), zone) == ["dkim.fail-body"]


def test_rfc_8463_appendix_a() -> None:
    zone = Zone(
        ("brisbane._domainkey.football.example.com", RFC8463_ED25519_KEY),
        ("test._domainkey.football.example.com", RFC8463_RSA_KEY),
    )
    ed25519, rsa, short, author = judged((MAIL / "rfc8463.eml").read_bytes(), zone)
    assert (ed25519.code, ed25519.evidence["algorithm"]) == ("dkim.pass", "ed25519-sha256")
    assert (rsa.code, rsa.evidence["bits"]) == ("dkim.pass", 1024)
    assert (short.code, author.evidence["alignment"]) == ("dkim.key-1024", "exact")


SIGNED = sign(MESSAGE)
GOOD = record(rsa_key())


@pytest.mark.parametrize(
    ("message", "text", "expected"),
    [
        (MESSAGE, GOOD, ["dkim.none"]),
        (SIGNED, GOOD, ["dkim.pass", "dkim.author-domain"]),
        (SIGNED, record(rsa_key(), "t=y; "), ["dkim.pass", "dkim.testing", "dkim.author-domain"]),
        (SIGNED + b"more\r\n", GOOD, ["dkim.fail-body"]),
        (b"Subject: x\r\n" + SIGNED.replace(b"Subject:", b"X:"), GOOD, ["dkim.fail-signature"]),
        (SIGNED.replace(b"v=1", b"v=7"), GOOD, ["dkim.malformed"]),
        (SIGNED.replace(b"s=s;", b"s=t;"), GOOD, ["dkim.no-key"]),
        (SIGNED, "v=DKIM1; p=", ["dkim.key-revoked"]),
        (SIGNED, "v=DKIM1; p=A", ["dkim.key-malformed"]),
        (SIGNED, bare_rsa_record(768), ["dkim.key-short"]),
        (SIGNED, bare_rsa_record(16384), ["dkim.key-malformed"]),
        (sign(MESSAGE, tags=" t=1; x=2;"), GOOD, ["dkim.expired"]),
        (sign(MESSAGE, algorithm="rsa-sha1"), GOOD, ["dkim.sha1"]),
        (sign(MESSAGE, signed="to"), GOOD, ["dkim.from-unsigned"]),
        (sign(MESSAGE, length=14), GOOD, ["dkim.length-tag"]),
    ],
    ids=range(15),
)
def test_codes(message: bytes, text: str, expected: list[str]) -> None:
    assert codes(message, Zone((NAME, text))) == expected


def test_evidence_of_a_signature() -> None:
    (found, *_) = judged(SIGNED, Zone((NAME, GOOD)))
    assert found.evidence == {
        "d": "author.example",
        "s": "s",
        "algorithm": "rsa-sha256",
        "canonicalization": "relaxed/relaxed",
        "signed": ["from", "to", "subject", "message-id"],
        "bits": 2048,
        "dnssec": "unknown",
    }


def test_a_key_without_dnssec_is_told_where_the_resolver_validates() -> None:
    assert "dkim.key-unprotected" in codes(SIGNED, Zone((NAME, GOOD), secure=False))
    assert "dkim.key-unprotected" not in codes(SIGNED, Zone((NAME, GOOD), secure=True))
    (found, *_) = judged(SIGNED, Zone((NAME, GOOD), secure=True))
    assert found.evidence["dnssec"] == "secure"


def test_length_tag_is_noted_though_the_signature_holds() -> None:
    body = b"Hello there\r\n\r\nBye.\r\n"
    found = judged(sign(MESSAGE, length=len(body)), Zone((NAME, GOOD)))
    assert [f.code for f in found] == ["dkim.pass", "dkim.length-tag", "dkim.author-domain"]
    assert found[1].severity == "warning"
    (appended,) = judged(sign(MESSAGE, length=5), Zone((NAME, GOOD)))
    assert appended.severity == "error"
    assert appended.evidence["appended"] == len(body) - 5


def test_a_1024_bit_key() -> None:
    key = rsa_key(1024)
    found = judged(sign(MESSAGE, key), Zone((NAME, record(key))))
    assert [f.code for f in found][:2] == ["dkim.pass", "dkim.key-1024"]
    assert found[1].evidence["bits"] == 1024


def test_a_missing_answer_is_a_temperror() -> None:
    zone = Zone()
    zone.add(Answer(name=NAME, type="TXT", status="servfail"))
    assert codes(SIGNED, zone) == ["dkim.temperror"]
    header = scan(SIGNED)
    found = read(header)
    bodies = digests([SIGNED[body_offset(SIGNED) :]], found.wants)
    assert unsettled_domains(verify(found.read, header, bodies, zone, 0)) == ("author.example",)


def test_more_signatures_than_are_looked_at() -> None:
    message = MESSAGE
    for _ in range(12):
        message = sign(message, ed25519_key())
    found = judged(message, Zone((NAME, record(ed25519_key()))))
    told = next(f for f in found if f.code == "dkim.too-many-signatures")
    assert told.evidence == {"verified": 10, "ignored": 2}


@pytest.mark.parametrize(
    ("domain", "code", "alignment"),
    [
        ("author.example", "dkim.author-domain", "exact"),
        ("mail.author.example", "dkim.author-domain", "aligned"),
        ("esp.test", "dkim.third-party", "none"),
    ],
)
def test_whose_signature_it_is(domain: str, code: str, alignment: str) -> None:
    zone = Zone((f"s._domainkey.{domain}", GOOD), ("_dmarc.author.example", "v=DMARC1"))
    found = judged(sign(MESSAGE, domain=domain), zone)[-1]
    assert (found.code, found.evidence["alignment"]) == (code, alignment)


@pytest.mark.parametrize("method", ["none", "sha1", "sha256"])
def test_atps(method: str) -> None:
    label = "esp.test"
    if method != "none":
        label = base64.b32encode(hashlib.new(method, b"esp.test").digest()).decode().rstrip("=")
    message = sign(
        MESSAGE, domain="esp.test", tags=f" atps=author.example; atpsh={method};", signed="from:to"
    )
    key = ("s._domainkey.esp.test", GOOD)
    consent = (f"{label}._atps.author.example", "v=ATPS1; d=esp.test")
    assert codes(message, Zone(key, consent))[-2:] == ["dkim.third-party", "dkim.atps"]
    assert codes(message, Zone(key, (consent[0], "v=ATPS1")))[-1] == "dkim.atps"
    for wrong in ("v=ATPS1; d=other.test", "v=spf1 -all", "nonsense"):
        assert codes(message, Zone(key, (consent[0], wrong)))[-1] == "dkim.third-party"
    assert codes(message, Zone(key))[-1] == "dkim.third-party"


def test_atps_is_asked_for_only_where_a_valid_signature_claims_it() -> None:
    for tags in ("", " atps=other.test; atpsh=none;", " atps=author.example; atpsh=md5;"):
        zone = Zone(("s._domainkey.esp.test", GOOD))
        judged(sign(MESSAGE, domain="esp.test", tags=tags), zone)
        assert not [name for name, _ in zone.asked if "_atps" in name]
    claimed = sign(MESSAGE, domain="esp.test", tags=" atps=author.example; atpsh=none;")
    header = scan(claimed)
    found = read(header)
    bodies = digests([claimed[body_offset(claimed) :]], found.wants)
    outcomes = verify(found.read, header, bodies, Zone(("s._domainkey.esp.test", GOOD)), 0)
    with pytest.raises(NeedAnswer):
        atps.authorised(outcomes, "author.example", Answers())
