"""What parses a message's parts, on real ones that were damaged anywhere: a value, or its error."""

from __future__ import annotations

import gzip
from base64 import b64encode

from hypothesis import example, given
from hypothesis import strategies as st
from mail_signing import MESSAGE, record, rsa_key, sign

from monitor.findings import arc, mime
from monitor.findings.dkim.record import KeyFault, key_record
from monitor.findings.dkim.syntax import Malformed, parse
from monitor.findings.mailbox import authors
from monitor.findings.message import scan, summary
from monitor.findings.reports.payload import MAX_UNPACKED, unpack
from monitor.findings.reports.recognise import may_be_report, recognise

XML = b"<feedback><report_metadata><org_name>x</org_name></report_metadata></feedback>"
REPORT = (
    b"From: a@b.test\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n--b\r\n"
    b"Content-Type: application/gzip; name=x.xml.gz\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + b64encode(gzip.compress(XML)) + b"\r\n--b--\r\n"
)  # fmt: skip
SEALED = b"".join(
    b"%s: i=1; a=rsa-sha256; d=a.test; s=s; c=relaxed/simple; h=from; bh=AAAA; b=AAAA\r\n" % name
    for name in (b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results")
)
_BITS = (b"\0", b"\r", b"\n", b"\r\n", b";", b"=", b":", b'"', b"\\", b"--b", b"(", b"<", b"\xff")


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """``whole`` with some octets put in, left out or changed."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(0, 6))):
        at, drop = draw(st.integers(0, len(data))), draw(st.integers(0, 3))
        data[at : at + drop] = draw(st.sampled_from(_BITS) | st.binary(max_size=3))
    return bytes(data)


@given(damaged(SEALED + sign(MESSAGE)))
def test_signatures_and_authors(message: bytes) -> None:
    header = scan(message)
    for field in header.fields:
        for kind in ("dkim", "message", "seal"):
            try:
                assert parse(field.text, kind).domain
            except Malformed:
                continue
    arc.read(header)
    assert all(domain.isascii() for domain in authors(header).domains)
    assert all(text.isprintable() for text in summary(message))


@given(damaged(record(rsa_key()).encode()))
@example(record(rsa_key()).replace("AQEFAA", "AQEFAQ").encode())  # a NULL that holds something
def test_keys(text: bytes) -> None:
    try:
        assert key_record(text).bits > 0
    except KeyFault:
        return


@given(damaged(REPORT))
def test_reports(message: bytes) -> None:
    if may_be_report(scan(message)):
        recognise(message)
    for part in mime.parts(message):
        assert len(part.body) <= len(message)
        assert len(part.content()) + len(part.filename) <= len(message)


@given(damaged(gzip.compress(XML * 100)) | st.binary(max_size=80).map(b"PK\x03\x04".__add__))
def test_packing(data: bytes) -> None:
    assert len(unpack(data)) <= MAX_UNPACKED
