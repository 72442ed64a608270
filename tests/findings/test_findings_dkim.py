"""DKIM verdicts on messages that are signed here, and against dkimpy's own."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from itertools import pairwise

import dkim
import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import given
from hypothesis import strategies as st
from mail_signing import (
    MESSAGE,
    Zone,
    bare_rsa_record,
    ed25519_key,
    pem,
    record,
    rsa_key,
    sign,
    txt,
)

from monitor.findings.answers import Answer, Answers, Ask, NeedAnswer
from monitor.findings.dkim import header as header_module
from monitor.findings.dkim.body import Want, digests
from monitor.findings.dkim.header import relaxed, without_value
from monitor.findings.dkim.record import KeyFault, key_record
from monitor.findings.dkim.syntax import MAX_SIGNED, tag_list
from monitor.findings.dkim.verify import MAX_SIGNATURES, Outcome, Signatures, read, verify
from monitor.findings.message import body_offset, scan

NAME = "s._domainkey.author.example"


def outcomes(message: bytes, ask: Ask, now: float = 1.7e9) -> list[Outcome]:
    header = scan(message)
    found = read(header)
    bodies = digests([message[body_offset(message) :]], found.wants)
    return verify(found.read, header, bodies, ask, now)


def only(message: bytes, ask: Ask | None = None) -> Outcome:
    (outcome,) = outcomes(message, ask or Zone((NAME, record(rsa_key()))))
    return outcome


@pytest.mark.parametrize("head", ["simple", "relaxed"])
@pytest.mark.parametrize("body", ["simple", "relaxed"])
@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_valid_signature_passes(head: str, body: str, kind: str) -> None:
    key = rsa_key() if kind == "rsa" else ed25519_key()
    outcome = only(sign(MESSAGE, key, canon=f"{head}/{body}"), Zone((NAME, record(key))))
    assert outcome.result == "pass"
    assert outcome.key
    assert outcome.key.bits == (2048 if kind == "rsa" else 256)


def test_relaxed_survives_what_it_forgives_and_simple_does_not() -> None:
    changed = {"Subject:  two   words": "subject: two words\t", "Hello  there": "Hello\tthere"}
    for canon, result in (("relaxed/relaxed", "pass"), ("simple/simple", "fail-body")):
        text = sign(MESSAGE, canon=canon).decode()
        for old, new in changed.items():
            assert old in text
            text = text.replace(old, new)
        assert only(text.encode()).result == result


def test_the_cause_of_a_failure_is_told_apart() -> None:
    signed = sign(MESSAGE)
    body = only(signed.replace(b"Bye.", b"Bye!"))
    assert (body.result, body.header_intact) == ("fail-body", True)
    head = only(signed.replace(b"two   words", b"three"))
    assert (head.result, head.header_intact) == ("fail-signature", False)
    both = only(signed.replace(b"two   words", b"three").replace(b"Bye.", b"Bye!"))
    assert (both.result, both.header_intact) == ("fail-body", False)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        (f"v=DKIM1; p={'A' * 9000}", "key-malformed"),
        ("v=DKIM1; p=", "key-revoked"),
        ("v=DKIM2; p=AAAA", "key-malformed"),
        ("v=DKIM1", "key-malformed"),
        ("v=DKIM1; p=AAAA", "key-malformed"),
        ("v=DKIM1; k=dsa; p=AAAA", "key-malformed"),
        ("p=%%%", "key-malformed"),
        ("a note", "key-malformed"),
        (bare_rsa_record(512), "key-short"),
        (bare_rsa_record(1023), "key-short"),
        (bare_rsa_record(8193), "key-malformed"),
        (bare_rsa_record(16384), "key-malformed"),
        (bare_rsa_record(2048, exponent=(1 << 64) + 1), "key-malformed"),
        (bare_rsa_record(2048, exponent=2), "key-malformed"),
        (record(ed25519_key()), "key-malformed"),
        (record(rsa_key(), "h=sha1; "), "key-malformed"),
        (record(rsa_key(), "s=tlsrpt; "), "key-malformed"),
        (record(rsa_key(), "s=email; t=y:s; h=sha1 : sha256; "), "pass"),
    ],
)
def test_key_records(text: str, result: str) -> None:
    assert only(sign(MESSAGE), Zone((NAME, text))).result == result


def test_no_arithmetic_is_done_with_a_key_out_of_bounds() -> None:
    for bits in (512, 16384):
        outcome = only(sign(MESSAGE), Zone((NAME, bare_rsa_record(bits))))
        assert outcome.header_intact is None
        assert outcome.key is None or outcome.key.public is None


@pytest.mark.parametrize(
    ("status", "result"),
    [
        ("servfail", "temperror"),
        ("timeout", "temperror"),
        ("nxdomain", "no-key"),
        ("nodata", "no-key"),
    ],
)
def test_dns_trouble(status: str, result: str) -> None:
    answer = Answer(name=NAME, type="TXT", status=status)  # type: ignore[arg-type]
    assert only(sign(MESSAGE), Answers([answer])).result == result


def test_of_several_records_the_one_that_fits_is_taken() -> None:
    zone = Zone((NAME, "v=spf1 -all"), (NAME, record(rsa_key())))
    assert only(sign(MESSAGE), zone).result == "pass"


def test_strict_identity() -> None:
    zone = Zone((NAME, record(rsa_key(), "t=s; ")))
    assert only(sign(MESSAGE, tags=" i=joe@author.example;"), zone).result == "pass"
    sub = only(sign(MESSAGE, tags=" i=joe@sub.author.example;"), zone)
    assert sub.result == "key-malformed"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"v=1;", b"v=2;"),
        (b"v=1; ", b""),
        (b"a=rsa-sha256", b"a=rsa-md5"),
        (b"d=author.example", b"d=a(b).example"),
        (b"d=author.example;", b"d=author.example; d=author.example;"),
        (b"s=s;", b"s=a b;"),
        (b"c=relaxed/relaxed", b"c=relaxed/nofws"),
        (b"h=from:", b"h=from::"),
        (b"bh=", b"bh=*"),
        (b"\tb=", b"\tb=*"),
        (b"\th=", b"\ti=joe@else.example; h="),
        (b"\th=", b"\tl=x; h="),
        (b"\th=", b"\tt=9; x=8; h="),
        (b"\th=", b"\tq=http; h="),
        (b"\th=", b"\tnonsense; h="),
        (b"h=from:", b"h=" + b"x:" * MAX_SIGNED + b"from:"),
        (b"h=from:", b"z=" + b"x" * 65536 + b"; h=from:"),
        (b"h=from:", b"".join(b"a%d=b; " % n for n in range(200)) + b"h=from:"),
    ],
)
def test_malformed_fields(old: bytes, new: bytes) -> None:
    outcome = only(sign(MESSAGE).replace(old, new, 1), Answers())
    assert outcome.result == "malformed"
    assert outcome.detail


def test_expired_sha1_and_unsigned_from_need_no_key() -> None:
    nothing = Answers()
    assert only(sign(MESSAGE, tags=" t=1; x=1699999999;"), nothing).result == "expired"
    assert only(sign(MESSAGE, algorithm="rsa-sha1"), nothing).result == "sha1"
    assert only(sign(MESSAGE, signed="to:subject"), nothing).result == "from-unsigned"
    added = sign(MESSAGE).replace(b"To: ", b"From: x@evil.test\r\nTo: ", 1)
    assert only(added, nothing).result == "from-unsigned"


def test_length_tag_with_appended_text_is_no_pass() -> None:
    short = sign(MESSAGE, length=14)
    assert only(short).result == "length-tag"
    assert only(short).appended > 0
    whole = sign(MESSAGE.rstrip() + b"\r\n", length=len(b"Hello there\r\n\r\nBye.\r\n"))
    assert only(whole).result == "pass"
    assert only(whole + b"spam\r\n").result == "length-tag"
    too_long = sign(MESSAGE, length=10_000)
    assert only(too_long).result == "fail-body"


def test_the_first_ten_signatures_are_verified_and_all_keys_asked_for_at_once() -> None:
    message = MESSAGE
    for n in range(12):
        message = sign(message, ed25519_key(), selector=f"s{n}")
    header = scan(message)
    found = read(header)
    assert len(found.read) == MAX_SIGNATURES
    assert found.more == 2
    with pytest.raises(NeedAnswer) as need:
        verify(found.read, header, digests([b""], found.wants), Answers(), 0)
    assert len(need.value.questions) == MAX_SIGNATURES


def test_twenty_thousand_signatures_are_bounded() -> None:
    message = b"DKIM-Signature: v=1; a=rsa-sha256; b=\r\n" * 20_000 + MESSAGE
    found = read(scan(message))
    assert isinstance(found, Signatures)
    assert len(found.read) == MAX_SIGNATURES
    assert found.wants == frozenset()


def test_a_header_past_the_bounds_verifies_nothing() -> None:
    signed = sign(MESSAGE)
    assert only(b"X: y\r\n" * 900 + signed).result == "pass"
    outcome = only(signed.replace(b"To: ", b"X: y\r\n" * 200_000 + b"To: "), Answers())
    assert outcome.result == "malformed"


def test_h_takes_fields_from_the_bottom_up() -> None:
    message = b"X: 1\r\nX: 2\r\n" + MESSAGE
    signed = sign(message, signed="from:x:x:x:absent")
    assert only(signed).result == "pass"
    assert only(signed.replace(b"X: 1", b"X: 3")).result == "fail-signature"
    assert only(sign(message, signed="from:x").replace(b"X: 1", b"X: 3")).result == "pass"


def test_a_field_is_canonicalised_once_for_all_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    message = b"X: y\r\n" * 500 + MESSAGE
    for n in range(10):
        message = sign(message, ed25519_key(), selector=f"s{n}", signed="from:" + "x:" * 900 + "x")
    made: list[bytes] = []

    def counted(name: bytes, text: bytes) -> bytes:
        made.append(name)
        return relaxed(name, text)

    monkeypatch.setattr(header_module, "relaxed", counted)
    zone = Zone(*((f"s{n}._domainkey.author.example", record(ed25519_key())) for n in range(10)))
    assert {outcome.result for outcome in outcomes(message, zone)} == {"pass"}
    assert len(made) == 501 + 10


def test_b_is_emptied_wherever_it_stands() -> None:
    # dkimpy empties the first "b=" after a space, and so fails this one.
    assert only(sign(MESSAGE, tags=" z=a b=c|d;")).result == "pass"
    text = b" z=a b=c;\r\n b =\r\n xyz==; bh=q"
    assert without_value(text, tag_list(text)) == b" z=a b=c;\r\n b =; bh=q"


_lines = st.lists(
    st.sampled_from([b"a", b" ", b"\t", b"  ", b"\r\n", b"\r\n\r\n", b"\r", b"word"]), max_size=40
).map(lambda parts: b"".join(parts) + b"\r\n")


@given(body=_lines, cuts=st.lists(st.integers(0, 200), max_size=6))
def test_body_hashes_are_dkimpys_at_every_split(body: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(c, len(body)) for c in cuts), len(body)]
    pieces = [body[a:b] for a, b in pairwise(edges)]
    wants = [Want("simple"), Want("relaxed"), Want("simple", 7), Want("relaxed", 7)]
    found = digests(pieces, wants)
    for want in wants:
        canonical = (Simple if want.canon == "simple" else Relaxed).canonicalize_body(body)
        assert found[want].value == sha256(canonical[: want.length]).digest()
        assert found[want].size == len(canonical)


def test_an_empty_body_is_a_crlf_when_simple_and_nothing_when_relaxed() -> None:
    for body in (b"", b"\r\n", b"\r\n\r\n"):
        found = digests([body], [Want("simple"), Want("relaxed")])
        assert [found[Want("simple")].size, found[Want("relaxed")].size] == [2, 0]


def test_stray_line_ends_and_many_empty_lines() -> None:
    for body in (b"a" + b"\r\n" * 70_000, b"\r\r\n\r\n", b"a\r\n\n\r\n", b"\n\r\n\r\n"):
        assert digests([body], [Want("simple")])[Want("simple")].size == len(
            Simple.canonicalize_body(body)
        )


_value = st.text("ab \t", min_size=1, max_size=12).map(lambda t: t.encode() + b"x")


@given(
    subject=_value,
    fold=st.booleans(),
    body=_lines,
    canon=st.sampled_from(["simple/simple", "relaxed/simple", "simple/relaxed", "relaxed/relaxed"]),
    spoil=st.sampled_from([b"", b"body", b"subject", b"added", b"space"]),
)
def test_verdicts_are_dkimpys(
    subject: bytes, fold: bool, body: bytes, canon: str, spoil: bytes
) -> None:
    head = b"From: j@author.example\r\nSubject: " + subject
    head += b"\r\n\t folded \r\n" if fold else b"\r\n"
    message = head + b"\r\n" + body
    canons = tuple(part.encode() for part in canon.split("/"))
    message = dkim.sign(message, b"s", b"author.example", pem(rsa_key()), canonicalize=canons) + (
        message
    )
    message = {
        b"": message,
        b"body": message + b"!\r\n",
        b"subject": message.replace(b"Subject: ", b"Subject: y"),
        b"added": b"Subject: more\r\n" + message,
        b"space": message.replace(b"Subject: ", b"Subject:  "),
    }[spoil]
    text = record(rsa_key())
    theirs = dkim.verify(message, dnsfunc=lambda name, timeout=5: text)
    assert (only(message).result == "pass") == theirs


@given(st.binary(max_size=200))
def test_a_key_record_is_a_key_or_a_fault(noise: bytes) -> None:
    for text in (noise, b"v=DKIM1; p=" + b64encode(noise), b"p=" + b64encode(b"\x30" + noise)):
        try:
            key = key_record(text)
        except KeyFault:
            continue
        assert key.bits > 0


def test_key_is_unprotected_or_not_as_the_answer_says() -> None:
    message = sign(MESSAGE)
    for secure in (True, False, None):
        assert only(message, txt((NAME, record(rsa_key())), secure=secure)).secure is secure
