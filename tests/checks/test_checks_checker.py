"""The checker: the whole of a message's findings, and mail that goes on whatever fails."""

from __future__ import annotations

import asyncio
import base64
import socket
from functools import cache

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from monitor.checks import checker as checker_module
from monitor.checks import pipeline as pipeline_module
from monitor.checks import sender as sender_module
from monitor.checks.case import Envelope
from monitor.checks.checker import Checker
from monitor.checks.octets import Octets, crlf
from monitor.config import load
from monitor.dns.recorded import Recorded
from monitor.dns.resolver import LiveResolver
from monitor.dns.zone import Zone
from monitor.findings.answers import Answer

MESSAGE = crlf(b"From: A <a@d.test>\nTo: r@r.test\nSubject: hi\n\nHello\n")
ENVELOPE = Envelope(
    ip="192.0.2.5", helo="mta.d.test", mail_from="a@d.test", rcpts=("r@r.test",), name="mta.d.test"
)
NAMES = """
d.test. TXT "v=spf1 ip4:192.0.2.5 -all"
d.test. MX 10 mta.d.test.
mta.d.test. A 192.0.2.5
5.2.0.192.in-addr.arpa. PTR mta.d.test.
_dmarc.d.test. TXT "v=DMARC1; p=reject"
"""


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def key_record() -> str:
    der = (
        key()
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    text = "v=DKIM1; p=" + base64.b64encode(der).decode()
    strings = " ".join(f'"{text[i : i + 200]}"' for i in range(0, len(text), 200))
    return f"s._domainkey.d.test. TXT {strings}\n"


@cache
def signed() -> bytes:
    pem = key().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return dkim.sign(MESSAGE, b"s", b"d.test", pem) + MESSAGE


def settings(**checks):
    return load(environ={}, flags={"name": "mx.r.test", "checks": checks})


@pytest.fixture
def make():
    def checker(resolver, **checks) -> Checker:
        return Checker(resolver, settings(**checks))

    return checker


@pytest.fixture
def good(make) -> Checker:
    return make(Zone(NAMES + key_record()))


def codes(report) -> list[str]:
    return [f.code for f in report.findings]


class Waiting:
    """A zone whose answers all take a turn of the loop, or never come."""

    def __init__(self, text: str, dead: str = "\0") -> None:
        self.zone, self.dead = Zone(text), dead
        self.asked: list[tuple[str, str]] = []

    def known(self, name: str, rdtype: str) -> None:
        return None

    def left(self, questions) -> float:
        return self.zone.left(questions)

    async def answer(self, name: str, rdtype: str) -> Answer:
        self.asked.append((name, rdtype))
        await asyncio.sleep(3600 if self.dead in name else 0)
        return self.zone.known(name, rdtype)


async def test_a_good_message(good):
    report = await good.message(ENVELOPE, Octets(signed()))
    assert codes(report) == [
        "spf.pass",
        "dkim.pass",
        "dkim.author-domain",
        "dmarc.pass",
        "arc.none",
    ]
    proved = report.verified
    assert (proved.spf, proved.dkim, proved.dmarc) == ("d.test", ("d.test",), "d.test")
    assert proved.author == "d.test"
    assert report.results == ""


async def test_answers_that_have_to_be_awaited_give_the_same(good, make):
    resolver = Waiting(NAMES + key_record())
    awaited = await make(resolver).message(ENVELOPE, Octets(signed()))
    direct = await good.message(ENVELOPE, Octets(signed()))
    assert awaited.findings == direct.findings
    assert {(a.name, a.type) for a in awaited.answers} <= set(resolver.asked)


async def test_every_answer_is_reported_and_gives_the_same_again(good, make):
    report = await good.message(ENVELOPE, Octets(signed()))
    replayed = await make(Recorded(report.answers)).message(ENVELOPE, Octets(signed()))
    assert replayed.findings == report.findings


async def test_a_message_that_authenticates_as_nobody(make):
    report = await make(Zone("")).message(ENVELOPE, Octets(MESSAGE))
    assert {"spf.none", "dkim.none", "dmarc.none"} <= set(codes(report))
    assert report.verified.author == "d.test"
    assert report.verified.dmarc == ""


async def test_the_sender_is_checked_before_the_message_and_told_once(good):
    early = await good.sender(ENVELOPE)
    assert codes(early) == ["spf.pass"]
    assert early.verified.spf == "d.test"
    late = await good.message(ENVELOPE, Octets(signed()), early)
    assert "spf.pass" not in codes(late)
    assert late.verified.spf == "d.test"
    assert "dmarc.pass" in codes(late)
    assert not {a.name for a in early.answers} & {a.name for a in late.answers}


async def test_bounces_that_could_not_be_delivered_are_told_with_the_sender(make):
    checker = make(Zone(NAMES.replace("MX 10 mta.d.test", "MX 10 gone.test")))
    assert "route.sender-unreachable" in codes(await checker.sender(ENVELOPE))
    assert "route.sender-unreachable" in codes(await checker.message(ENVELOPE, Octets(MESSAGE)))


async def test_the_mx_of_the_sender_is_asked_together_with_its_spf_record(make):
    resolver = Waiting(NAMES)
    await make(resolver).sender(ENVELOPE)
    assert {("d.test", "TXT"), ("d.test", "MX")} <= set(resolver.asked[:3])


async def test_recipients_are_checked_without_a_message(good, make):
    report = await good.recipients(("r@r.test", "b@d.test"))
    assert codes(report) == ["route.recipient-no-mx"]
    assert {(a.name, a.type) for a in report.answers} >= {("r.test", "MX"), ("d.test", "MX")}
    replayed = await make(Recorded(report.answers)).recipients(("r@r.test", "b@d.test"))
    assert replayed.findings == report.findings


async def test_recipients_in_dns_trouble_are_let_alone_within_the_deadline(make):
    checker = make(Waiting(NAMES, dead="r.test"), deadline=0.05)
    assert codes(await checker.recipients(("r@r.test",))) == []


async def test_a_broken_check_of_recipients_is_told(good, monkeypatch):
    monkeypatch.setattr(checker_module.routing, "recipients", broken)
    assert codes(await good.recipients(("r@r.test",))) == ["relay.check-failed"]


async def test_a_client_is_named(good):
    report = await good.client("192.0.2.5")
    assert (report.name, report.confirmed, report.findings) == ("mta.d.test", True, ())
    assert [a.type for a in report.answers] == ["PTR", "A"]
    assert codes(await good.client("192.0.2.6")) == ["rdns.none"]


async def test_stamping_gives_a_whole_field(make):
    checker = make(Zone(NAMES + key_record()), stamp=True)
    field = (await checker.message(ENVELOPE, Octets(signed()))).results
    assert field.startswith("Authentication-Results: mx.r.test;")
    assert field.endswith("\r\n")
    for word in ("spf=pass", "dkim=pass", "dmarc=pass"):
        assert word in field


async def test_dead_name_servers_are_temporary_errors_within_the_deadline(make):
    checker = make(Waiting(NAMES, dead="d.test"), deadline=0.05)
    start = asyncio.get_running_loop().time()
    report = await checker.message(ENVELOPE, Octets(signed()))
    assert asyncio.get_running_loop().time() - start < 1
    assert {"spf.temperror", "dkim.temperror", "dmarc.temperror"} <= set(codes(report))
    assert "relay.check-failed" not in codes(report)
    assert (await checker.client("192.0.2.5")).temporary


async def test_a_resolver_that_is_silent_costs_one_deadline_for_all_checks(make):
    """However long it would wait for each of the many answers that they want."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        resolver = LiveResolver([silent.getsockname()], timeout=60)
        checker = make(resolver, deadline=0.1)
        start = asyncio.get_running_loop().time()
        report = await checker.message(ENVELOPE, Octets(signed()))
        assert asyncio.get_running_loop().time() - start < 1
    assert {"spf.temperror", "dkim.temperror", "dmarc.temperror"} <= set(codes(report))


@pytest.mark.parametrize(
    "author",
    [
        b"To: nobody\r\n",
        b"From: A <a@d.test>, B <b@e.test>\r\n",
        b"From: A <a@d.test>\r\nFrom: B <b@e.test>\r\n",
        b"From: A <a@d..test>\r\n",
        b"From: A <a@\xff.d.test>\r\n",
        b"From: A <a@d.test\x00.e.test>\r\n",
    ],
)
async def test_without_a_single_author_domain_nothing_is_aligned(good, author):
    report = await good.message(ENVELOPE, Octets(author + b"Subject: s\r\n\r\nHello\r\n"))
    assert {"spf.pass", "dmarc.permerror"} <= set(codes(report))
    assert report.verified.dmarc == ""


async def test_one_dead_domain_does_not_spoil_the_others(make):
    checker = make(Waiting(NAMES + key_record(), dead="_domainkey"), deadline=0.1)
    report = await checker.message(ENVELOPE, Octets(signed()))
    assert {"spf.pass", "dkim.temperror"} <= set(codes(report))


async def test_too_many_questions_are_temporary_errors(make):
    checker = make(Zone(NAMES + key_record()), questions=2)
    report = await checker.message(ENVELOPE, Octets(signed()))
    assert "spf.pass" in codes(report)
    assert {"dkim.temperror", "dmarc.temperror"} <= set(codes(report))
    assert len(report.answers) == 2
    [limit] = [f.evidence for f in report.findings if f.code == "relay.limit"]
    assert limit == {"limit": "checks.questions"}


def broken(*_, **__):
    raise ZeroDivisionError("a bug")


@pytest.mark.parametrize(
    ("module", "name", "check", "left"),
    [
        (pipeline_module, "verify_signatures", "dkim", {"spf.pass", "dmarc.pass", "arc.none"}),
        (pipeline_module, "evaluate_dmarc", "dmarc", {"spf.pass", "dkim.pass", "arc.none"}),
        (pipeline_module, "judge_dkim", "dkim", {"spf.pass", "dmarc.pass", "arc.none"}),
        (pipeline_module, "unauthorised", "dmarc", {"spf.pass", "dkim.pass", "arc.none"}),
        (pipeline_module, "may_be_report", "reports", {"spf.pass", "dkim.pass", "dmarc.pass"}),
        (pipeline_module, "scan", "header", {"spf.pass"}),
        (sender_module.spf, "check", "spf", {"dkim.pass", "dmarc.pass", "arc.none"}),
        (sender_module.helo, "judge", "helo", {"spf.pass", "dkim.pass", "dmarc.pass"}),
        (sender_module.routing, "sender", "routing", {"spf.pass", "dkim.pass", "dmarc.pass"}),
    ],
)
async def test_a_check_that_breaks_is_told_and_the_others_go_on(
    good, monkeypatch, module, name, check, left
):
    monkeypatch.setattr(module, name, broken)
    report = await good.message(ENVELOPE, Octets(signed()))
    (fault,) = [f for f in report.findings if f.code == "relay.check-failed"]
    assert fault.evidence == {"check": check}
    assert fault.detail == f"{check}: ZeroDivisionError"
    assert left <= set(codes(report))


ARC_SET = b"".join(
    b"%s: i=1; a=rsa-sha256; d=arc.test; s=s; %s; b=AAAA\r\n" % field
    for field in (
        (b"ARC-Seal", b"cv=none"),
        (b"ARC-Message-Signature", b"h=from; bh=AAAA"),
        (b"ARC-Authentication-Results", b"x=y"),
    )
)


async def test_known_signers_are_judged_once_and_their_signatures_each_time(good, monkeypatch):
    sealed = await good.message(ENVELOPE, Octets(ARC_SET + signed()))
    assert "s._domainkey.arc.test" in {answer.name for answer in sealed.answers}
    monkeypatch.setattr(pipeline_module, "evaluate_dmarc", broken)
    monkeypatch.setattr(pipeline_module, "judge_dkim", broken)
    again = await good.message(ENVELOPE, Octets(signed()))
    assert codes(again) == ["spf.pass", "dkim.pass", "dkim.author-domain", "dmarc.pass", "arc.none"]
    assert again.findings[:-1] == sealed.findings[:-1]
    assert again.verified == sealed.verified
    told = [a for a in sealed.answers if a.name != "s._domainkey.arc.test"]
    assert list(again.answers) == told
    altered = await good.message(ENVELOPE, Octets(signed().replace(b"Hello", b"Hullo")))
    assert "dkim.pass" not in codes(altered)
    assert "relay.check-failed" in codes(altered)


async def test_a_broken_check_of_a_chain_is_told(good, monkeypatch):
    monkeypatch.setattr(pipeline_module.arc, "verify", broken)
    report = await good.message(ENVELOPE, Octets(b"ARC-Seal: i=1\r\n" + signed()))
    assert {"relay.check-failed", "spf.pass", "dkim.pass", "dmarc.pass"} <= set(codes(report))


async def test_a_broken_name_check_leaves_a_client_without_a_name(good, monkeypatch):
    monkeypatch.setattr(checker_module, "check", broken)
    report = await good.client("192.0.2.5")
    assert (report.name, report.temporary, codes(report)) == (None, True, ["relay.check-failed"])


async def test_a_body_that_takes_too_long_is_a_temporary_error(make, monkeypatch):
    async def hang(*_):
        await asyncio.sleep(3600)

    monkeypatch.setattr("monitor.checks.stage.GRACE", 0.0)
    monkeypatch.setattr("monitor.checks.body.BodyHashes.digests", hang)
    checker = make(Zone(NAMES + key_record()), deadline=0.05)
    report = await checker.message(ENVELOPE, Octets(signed() + b"line\r\n" * 10_000))
    assert {"dkim.temperror", "spf.pass", "relay.check-failed"} <= set(codes(report))


async def test_giving_up_is_not_swallowed(make):
    checker = make(Waiting(NAMES, dead="d.test"), deadline=60)
    task = asyncio.create_task(checker.message(ENVELOPE, Octets(signed())))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    "message",
    [b"", b"\r\n", b"\xff\x00\r\n" * 1000, b"From: " + b"a@b.test," * 50_000, b"x" * 3_000_000],
    ids=["empty", "bare", "binary", "authors", "endless"],
)
async def test_any_octets_are_a_message(good, message):
    report = await good.message(ENVELOPE, Octets(message))
    assert "relay.check-failed" not in codes(report)
    assert "dmarc.permerror" in codes(report)
