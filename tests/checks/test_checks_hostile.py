"""Bombs through every check: each ends within its bounds, passes nothing and breaks nothing."""

from __future__ import annotations

import base64
import gzip

import pytest

from monitor.checks.case import Envelope, MessageReport
from monitor.checks.checker import Checker
from monitor.checks.octets import Octets
from monitor.config import Checking, Settings
from monitor.dns.zone import Zone

# An RSA public key of 16,384 bits.
LONG_KEY = base64.b64encode(
    b"\x30\x82\x08\x0a\x02\x82\x08\x01\x00" + b"\xff" * 2_048 + b"\x02\x03\x01\x00\x01"
).decode()
ZONE = f"""
author.example. A 192.0.2.7
_dmarc.author.example. TXT "v=DMARC1; p=reject"
long._domainkey.author.example. TXT {
    " ".join(
        f'"{part}"'
        for part in ["v=DKIM1; p=", *(LONG_KEY[n : n + 250] for n in range(0, 2760, 250))]
    )
}
"""
ENVELOPE = Envelope(
    ip="192.0.2.9", helo="x.test", mail_from="a@author.example", rcpts=("b@c.test",)
)
REST = b"From: a@author.example\r\nTo: b@c.test\r\n\r\nbody\r\n"


async def report(data: bytes) -> MessageReport:
    checker = Checker(Zone(ZONE), Settings(name="mx.test", checks=Checking(stamp=True)))
    return await checker.message(ENVELOPE, Octets(data))


def signature(selector: str) -> bytes:
    return (
        f"DKIM-Signature: v=1; a=rsa-sha256; d=author.example; s={selector}; h=from;\r\n"
        f" bh=AAAA; b={'A' * 2_732}\r\n"
    ).encode()


def nested(depth: int) -> bytes:
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d.\r\n\r\n--b%d.\r\n" % (n, n)
        for n in range(depth)
    )


HOSTILE = {
    "20,000 signatures": signature("absent") * 20_000 + REST,
    "a 16,384-bit key": signature("long") + REST,
    "200,000 fields": b"X: y\r\n" * 200_000 + signature("long") + REST,
    "one field of 5 MB": b"Subject: " + b"x " * 2_500_000 + b"\r\n" + REST,
    "340,000 folds": b"From: a" + b"\r\n " * 340_000 + b"\r\n" + REST,
    "500,000 bare folds": b"From: a" + b"\n\t" * 500_000 + b"\n" + REST,
    "20,000 encoded-words": b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\r\n" + REST,
    "2,000 From fields": b"From: a@author.example\r\n" * 2_000 + REST,
    "MIME 2,000 deep": b"From: a@author.example\r\n" + nested(2_000),
    "50,000 parts": b"From: a@author.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\n\r\nx\r\n" * 50_000,
    "a gzip bomb": b"From: a@author.example\r\nContent-Type: application/gzip\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes(gzip.compress(b"<feedback>" + b" " * 20_000_000)),
    "1,000 ARC sets": b"ARC-Seal: i=1; a=rsa-sha256; d=author.example; s=long; cv=none; b=AAAA\r\n"
    * 1_000
    + REST,
    "no end of header": b"From: a@author.example",
    "nothing": b"",
    "only line ends": b"\r\n" * 100_000,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
async def test_nothing_passes_and_nothing_fails(data: bytes) -> None:
    found = await report(data)
    codes = {finding.code for finding in found.findings}
    assert "relay.check-failed" not in codes
    assert not codes & {"dkim.pass", "dmarc.pass", "arc.pass", "report.dmarc"}
    assert found.verified.dkim == ()
    assert found.verified.dmarc == ""
    assert len(found.answers) <= 100
    assert len(found.findings) < 60
    assert found.results.startswith("Authentication-Results: mx.test;\r\n")


async def test_the_long_key_is_named() -> None:
    found = await report(HOSTILE["a 16,384-bit key"])
    told = next(f for f in found.findings if f.code == "dkim.key-malformed")
    assert "16384-bit" in told.detail
