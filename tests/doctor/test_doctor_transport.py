"""MTA-STS, TLS reports and DANE of a domain of ours."""

from __future__ import annotations

import datetime
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from monitor.doctor.check import Check
from monitor.doctor.transport import (
    Host,
    Published,
    check_dane,
    check_mta_sts,
    check_tls_rpt,
    parse,
)
from monitor.findings.answers import Answer

MX = "mx.our.test"
POLICY = f"version: STSv1\r\nmode: enforce\r\nmx: {MX}\r\nmax_age: 2419200\r\n"


def txt(*records: str, status: str = "ok") -> Answer:
    return Answer(name="_mta-sts.our.test", type="TXT", status=status, records=records)


def sts(policy: str, kind: str = "text/plain", host: Host | None = None) -> list[Check]:
    published = Published(text=policy, kind=kind)
    return check_mta_sts(
        "our.test", txt("v=STSv1; id=20260101;"), published, [host or Host(name=MX)]
    )


def test_a_policy_that_is_kept() -> None:
    [check] = sts(POLICY, host=Host(name=MX, chain=(b"der",)))
    assert (check.state, check.mend) == ("ok", "")


@pytest.mark.parametrize(
    ("policy", "state", "word"),
    [
        (POLICY.replace(MX, "*.our.test"), "ok", ""),
        (POLICY.replace(MX, "*.test"), "error", "no mx: line"),
        (POLICY.replace(MX, "a.our.test"), "error", "no mx: line"),
        (POLICY.replace("enforce", "testing"), "notice", "testing"),
        (POLICY.replace("enforce", "none"), "notice", "none"),
        (POLICY.replace("enforce", "enforced"), "error", "enforced"),
        (POLICY.replace("2419200", "3600"), "notice", "3600"),
        (POLICY.replace("2419200", "31557601"), "error", "max_age"),
        (POLICY.replace("STSv1", "STSv2"), "error", "version"),
        (POLICY.replace(f"mx: {MX}\r\n", ""), "error", "no mx"),
        ("<html>", "error", "<html>"),
        ("", "error", "version"),
    ],
)
def test_policy_files(policy: str, state: str, word: str) -> None:
    check = sts(policy)[0]
    assert (check.state, word in check.seen) == (state, True), check


def test_what_is_no_error_before_it_is_enforced() -> None:
    states = [c.state for c in sts(POLICY.replace("enforce", "testing").replace(MX, "b.test"))]
    assert states == ["warning", "notice"]


def test_a_certificate_that_senders_would_not_trust() -> None:
    [check] = sts(POLICY, host=Host(name=MX, chain=(b"der",), distrust="self-signed certificate"))
    assert (check.state, "self-signed" in check.seen) == ("error", True)
    # A host that cannot be met from here is not held to be bad.
    assert sts(POLICY, host=Host(name=MX, fault="timed out", distrust="timed out"))[0].state == "ok"


@pytest.mark.parametrize(
    ("record", "published", "state"),
    [
        (txt(status="nxdomain"), None, "notice"),
        (txt(status="timeout"), None, "warning"),
        (txt("v=STSv1;"), None, "error"),
        (txt("v=STSv1; id=1", "v=STSv1; id=2"), None, "error"),
        (txt("v=STSv1; id=a-b"), None, "error"),
        (txt("v=STSv1; id=1"), Published(fault="HTTP status 301"), "error"),
    ],
)
def test_the_record(record: Answer, published: Published | None, state: str) -> None:
    [check] = check_mta_sts("our.test", record, published, [])
    assert check.state == state


def test_a_wrong_content_type_is_told() -> None:
    assert [c.state for c in sts(POLICY, kind="text/html; charset=utf-8")] == ["notice"]
    assert [c.state for c in sts(POLICY, kind="text/plain; charset=utf-8")] == ["ok"]


def test_comments_are_no_lines_of_a_policy() -> None:
    with pytest.raises(ValueError, match="not key: value"):
        parse(POLICY + "hello\n")


@pytest.mark.parametrize(
    ("record", "state"),
    [
        (txt("v=TLSRPTv1; rua=mailto:tls@our.test"), "ok"),
        (txt("v=TLSRPTv1;rua=mailto:a@our.test,https://r.test/x"), "ok"),
        (txt("v=TLSRPTv1; rua=tls@our.test"), "error"),
        (txt("v=TLSRPTv1;"), "error"),
        (txt("v=TLSRPTv1; rua=mailto:a@b.c", "v=TLSRPTv1; rua=mailto:d@e.f"), "error"),
        (txt("unrelated"), "notice"),
        (txt(status="servfail"), "warning"),
    ],
)
def test_tls_rpt(record: Answer, state: str) -> None:
    assert check_tls_rpt("our.test", record).state == state


def certificate(name: str = MX) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime(2026, 1, 1)  # naive: UTC is meant
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, now)
    return builder.not_valid_after(now + datetime.timedelta(days=90)).sign(key, hashes.SHA256())


LEAF, ISSUER = certificate(), certificate("CA")
CHAIN = tuple(c.public_bytes(Encoding.DER) for c in (LEAF, ISSUER))
SPKI = LEAF.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
CA_SPKI = ISSUER.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def dane(*records: str, secure: bool | None = True, host: Host | None = None) -> Check:
    status = "ok" if records else "nxdomain"
    tlsa = Answer(name=f"_25._tcp.{MX}", type="TLSA", status=status, records=records, secure=secure)
    address = Answer(name=MX, type="A", status="ok", records=("127.0.0.1",), secure=secure)
    host = host or Host(name=MX, chain=CHAIN)
    [check] = check_dane("our.test", {MX: tlsa}, {MX: address}, [host])
    return check


@pytest.mark.parametrize(
    ("record", "state"),
    [
        (f"3 1 1 {hashlib.sha256(SPKI).hexdigest()}", "ok"),
        (f"3 1 2 {hashlib.sha512(SPKI).hexdigest()}", "ok"),
        (f"3 0 1 {hashlib.sha256(CHAIN[0]).hexdigest().upper()}", "ok"),
        (f"3 1 0 {SPKI.hex()}", "ok"),
        (f"2 1 1 {hashlib.sha256(CA_SPKI).hexdigest()}", "ok"),
        (f"3 1 1 {hashlib.sha256(CA_SPKI).hexdigest()}", "error"),  # usage 3 is the host's own
        (f"3 1 1 {'0' * 64}", "error"),
        (f"1 1 1 {hashlib.sha256(SPKI).hexdigest()}", "error"),
    ],
    ids=[
        "key",
        "key-512",
        "certificate",
        "whole-key",
        "issuer",
        "issuer-as-host",
        "other",
        "usage",
    ],
)
def test_dane(record: str, state: str) -> None:
    assert dane(record).state == state


def test_dane_without_dnssec_or_a_certificate() -> None:
    record = f"3 1 1 {hashlib.sha256(SPKI).hexdigest()}"
    assert dane(record, secure=False).state == "warning"
    assert dane(record, secure=None).state == "skipped"
    assert dane(record, host=Host(name=MX, fault="timed out")).state == "skipped"
    assert dane(record, host=Host(name=MX, chain=(b"not DER",))).state == "error"
    assert dane(secure=True).state == "notice"
    assert dane(secure=False).state == "skipped"


def test_one_of_several_tlsa_records_is_enough() -> None:
    assert dane(f"3 1 1 {'0' * 64}", f"3 1 1 {hashlib.sha256(SPKI).hexdigest()}").state == "ok"
