"""Authentication-Results: what is written parses, and forged fields go."""

from __future__ import annotations

import authres
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.checks.results import field, strip_forged
from monitor.findings.arc import Verdict
from monitor.findings.dkim.syntax import parse
from monitor.findings.dkim.verify import Outcome
from monitor.findings.dmarc.evaluate import Evaluation

ME = "mx.example.net"


def parsed(text: str) -> authres.AuthenticationResultsHeader:
    assert text.endswith("\r\n")
    return authres.parse(text.replace("\r\n\t", " ").rstrip("\r\n"))


def test_all_results_are_in_the_field() -> None:
    signature = parse(b" v=1; a=rsa-sha256; d=a.test; s=sel; h=from; bh=AAAA; b=AAAA")
    text = field(
        ME,
        spf="pass",
        mail_from="joe@a.test",
        helo="mail.a.test",
        signatures=[
            Outcome("pass", signature=signature),
            Outcome("key-short", signature=signature),
            Outcome("malformed"),
        ],
        dmarc=Evaluation("pass", author="a.test", policy="reject"),
        arc=Verdict("none"),
    )
    assert text == (
        "Authentication-Results: mx.example.net;\r\n"
        "\tspf=pass smtp.mailfrom=joe@a.test;\r\n"
        "\tdkim=pass header.d=a.test header.a=rsa-sha256 header.s=sel;\r\n"
        "\tdkim=policy header.d=a.test header.a=rsa-sha256 header.s=sel;\r\n"
        "\tdkim=neutral;\r\n"
        "\tdmarc=pass header.from=a.test policy.dmarc=reject;\r\n"
        "\tarc=none\r\n"
    )
    assert [r.method for r in parsed(text).results] == [
        "spf", "dkim", "dkim", "dkim", "dmarc", "arc"
    ]  # fmt: skip


def test_no_result_is_none() -> None:
    assert field(ME) == "Authentication-Results: mx.example.net;\r\n\tnone\r\n"
    assert not parsed(field(ME)).results


def test_the_helo_stands_for_a_null_reverse_path() -> None:
    assert "spf=none smtp.helo=mail.a.test\r\n" in field(ME, spf="none", helo="mail.a.test")


@given(st.text(), st.text())
def test_no_address_breaks_the_field(mail_from: str, helo: str) -> None:
    text = field(ME, spf="fail", mail_from=mail_from, helo=helo)
    assert text.isascii()
    assert text.count("\r\n") == 2
    assert text.count("\n") == 2
    assert len(parsed(text).results) == 1


@pytest.mark.parametrize(
    ("mail_from", "told"),
    [
        ("a\r\nX: y@b.test", " smtp.mailfrom=b.test"),
        ('"a b"@b.test', " smtp.mailfrom=b.test"),
        ("a@b.test; dkim=pass", ""),
        ("a@dö.test", " smtp.mailfrom=a@xn--d-1ga.test"),
        ("postmaster", " smtp.mailfrom=postmaster"),
    ],
)
def test_hostile_addresses(mail_from: str, told: str) -> None:
    assert field(ME, spf="fail", mail_from=mail_from).endswith(f"spf=fail{told}\r\n")


FORGED = [
    b"Authentication-Results: mx.example.net; dkim=pass\r\n",
    b"authentication-results:MX.Example.NET;spf=pass\r\n",
    b"Authentication-Results : mx.example.net 1; spf=pass\r\n",
    b"Authentication-Results: mx.example.net 2; spf=pass\r\n",
    b"Authentication-Results:\r\n\tmx.example.net;\r\n spf=pass\r\n",
    b"Authentication-Results: (a (nested \\) comment)) (b)\r\n mx.example.net (c) 1; none\r\n",
    b'Authentication-Results: "mx.example.net"; spf=pass\r\n',
    b'Authentication-Results: "mx.exam\\ple.net"; spf=pass\r\n',
    b"Authentication-Results: mx.example.net\r\n",
    b"Authentication-Results: mx.example.net(x); spf=pass\r\n",
]
HONEST = [
    b"Authentication-Results: mx.example.net.evil.test; dkim=pass\r\n",
    b"Authentication-Results: other.test; x=mx.example.net\r\n",
    b"Authentication-Results: (mx.example.net) other.test; none\r\n",
    b"Authentication-Results: \r\n",
    b"Authentication-Results: (open mx.example.net; dkim=pass\r\n",
    b"ARC-Authentication-Results: i=1; mx.example.net; dkim=pass\r\n",
    b"X-Authentication-Results: mx.example.net; dkim=pass\r\n",
    b"Subject: x\r\n Authentication-Results: mx.example.net; dkim=pass\r\n",
    b"no field at all\r\n",
]


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_field_goes_and_nothing_else(forged: bytes) -> None:
    before, behind = b"Received: x\r\n\ty\r\n", b"From:  a@b.test\r\nbroken line\r\n"
    assert strip_forged(before + forged + behind + forged, ME) == before + behind


def test_honest_fields_stay_as_they_are() -> None:
    header = b"".join(HONEST)
    assert strip_forged(header, ME) == header


def test_a_forged_field_far_down_goes_too() -> None:
    filler = b"X: y\r\n" * 20_000
    assert strip_forged(filler + FORGED[0], ME) == filler


def test_many_comments_take_linear_time() -> None:
    field_of_comments = b"Authentication-Results: " + b"()" * 400_000 + b" mx.example.net; none\r\n"
    assert strip_forged(field_of_comments, ME) == b""
