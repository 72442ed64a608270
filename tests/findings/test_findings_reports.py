"""Reports: known by what they hold, bounded whatever they hold, and loops of them."""

from __future__ import annotations

import base64
import gzip
import io
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_signing import Zone

from monitor import events as ev
from monitor.findings import mime
from monitor.findings.answers import Answers, NeedAnswer
from monitor.findings.catalogue import finding
from monitor.findings.dmarc.evaluate import evaluate
from monitor.findings.mailbox import Authors
from monitor.findings.memory import Bounded
from monitor.findings.message import scan
from monitor.findings.mime import MAX_DEPTH, MAX_PARTS, parts
from monitor.findings.reports import aggregate, tlsrpt
from monitor.findings.reports.loop import ROUNDS, ReportLoops, collector, loop
from monitor.findings.reports.payload import MAX_UNPACKED, unpack
from monitor.findings.reports.recognise import automatic, may_be_report, recognise
from monitor.findings.views import Session, Transaction

XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">
 <report_metadata><org_name>Receiver &amp; Co</org_name><email>noreply@receiver.test</email>
  <report_id>r-1</report_id><date_range><begin>1700000000</begin><end>1700086399</end></date_range>
 </report_metadata>
 <policy_published><domain>author.example</domain><p>none</p></policy_published>
 <record><row><source_ip>192.0.2.1</source_ip><count>2</count></row></record>
 <record><row><source_ip>192.0.2.2</source_ip><count>1</count></row></record>
</feedback>"""
TLS = b"""{"organization-name":"Receiver","date-range":{"start-datetime":"2026-01-01T00:00:00Z",
 "end-datetime":"2026-01-01T23:59:59Z"},"contact-info":"x@y.test","report-id":"t-1","policies":[
 {"policy":{"policy-type":"sts","policy-domain":"author.example"},
  "summary":{"total-successful-session-count":5,"total-failure-session-count":2}}]}"""


def zipped(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, data)
    return buffer.getvalue()


def single(kind: str, data: bytes) -> bytes:
    return (
        b"From: noreply@receiver.test\r\nSubject: Report Domain: author.example\r\n"
        b"Content-Type: " + kind.encode() + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(data).replace(b"\n", b"\r\n")
    )  # fmt: skip


def mixed(entity: bytes, kind: str = 'multipart/mixed; boundary="=b;1"') -> bytes:
    return (
        b"From: noreply@receiver.test\r\nContent-Type: " + kind.encode() + b"\r\n\r\npreamble\r\n"
        b"--=b;1\r\nContent-Type: text/plain\r\n\r\nThis is a report.\r\n--=b;1\r\n"
        + entity + b"\r\n--=b;1--\r\nepilogue\r\n"
    )  # fmt: skip


NAME = "receiver.test!author.example!1700000000!1700086399.xml"


@pytest.mark.parametrize(
    "message",
    [
        single(f'application/gzip; name="{NAME}.gz"', gzip.compress(XML)),
        single("application/zip", zipped(NAME, XML)),
        single("text/xml", XML),
        single("application/octet-stream", b"\xef\xbb\xbf" + XML),
        mixed(single("application/gzip", gzip.compress(XML))),
        mixed(
            b"Content-Type: application/x\r\nContent-Disposition: attachment;\r\n"
            b' filename="a.xml"\r\n\r\n' + XML
        ),
    ],
    ids=range(6),
)
def test_aggregate_reports(message: bytes) -> None:
    assert may_be_report(scan(message))
    found = recognise(message)
    assert found
    assert found.code == "report.dmarc"
    assert found.evidence["domain"] == "author.example"
    assert found.evidence["organization"] == "Receiver & Co"
    assert found.evidence["report_id"] == "r-1"
    assert found.evidence["records"] == 2


def test_tls_reports() -> None:
    for data, kind in (
        (gzip.compress(TLS), "application/tlsrpt+gzip"),
        (TLS, "application/tlsrpt+json"),
    ):
        message = mixed(single(kind, data), 'multipart/report; report-type=tlsrpt; boundary="=b;1"')
        found = recognise(message)
        assert found
        assert found.code == "report.tls"
        assert (found.evidence["successful"], found.evidence["failed"]) == (5, 2)
        assert found.evidence["domain"] == "author.example"


def test_abuse_and_failure_reports() -> None:
    part = (
        b"Content-Type: message/feedback-report\r\n\r\nFeedback-Type: auth-failure\r\n"
        b"Version: 1\r\nSource-IP: 192.0.2.9\r\nReported-Domain: author.example\r\n"
    )
    kind = 'multipart/report; report-type=feedback-report; boundary="=b;1"'
    found = recognise(mixed(part, kind))
    assert found
    assert found.code == "report.arf"
    assert found.evidence["type"] == "auth-failure"
    assert found.evidence["source_ip"] == "192.0.2.9"


@pytest.mark.parametrize(
    "message",
    [
        b"From: a@b.test\r\n\r\nHello\r\n",
        single("application/zip", zipped("a.txt", b"some text")),
        single("application/zip", b"PK\x03\x04"),
        single("application/gzip", b"\x1f\x8b broken"),
        single("text/xml", b"<html><body>report</body></html>"),
        single("application/json", b'{"policies": 1}'),
        single("application/json", b"[" * 100_000),
        single("application/json", b'{"a":' * 100_000),
    ],
    ids=range(8),
)
def test_other_mail_is_no_report(message: bytes) -> None:
    assert recognise(message) is None


def test_bombs_are_unpacked_within_bounds() -> None:
    bomb = b"<" + b" " * 20_000_000
    small = zlib.compress(bomb, 9, wbits=31)
    assert len(small) < 30_000
    for data in (small, zipped("a.xml", bomb)):
        assert len(unpack(data)) == MAX_UNPACKED
    assert len(unpack(b"x" * (MAX_UNPACKED + 1))) == MAX_UNPACKED


def test_entities_are_refused() -> None:
    laughs = (
        b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
        + XML.partition(b"?>")[2].replace(b"r-1", b"&b;")
    )  # fmt: skip
    assert aggregate.read(laughs) is None
    assert aggregate.read(b"<feedback>" * 100_000) is None
    assert aggregate.read(XML[: XML.index(b"<record>")]) is not None


@given(st.binary(max_size=300))
def test_no_noise_is_a_fault(noise: bytes) -> None:
    for data in (noise, b"\x1f\x8b" + noise, b"PK\x03\x04" + noise, b"<" + noise, b"{" + noise):
        unpack(data)
        assert aggregate.read(data) is None
        assert tlsrpt.read(data) is None
        recognise(single("application/gzip", data))
        recognise(b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n" + data + b"\r\n--a--")


def test_the_walk_is_bounded_in_depth_and_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(2_000)
    )
    scanned = 0

    def counted(entity: bytes, limit: int) -> object:
        nonlocal scanned
        scanned += 1
        return scan(entity, limit)

    monkeypatch.setattr(mime, "scan", counted)
    assert len(list(parts(deep + b"\r\n\r\nend"))) == 1
    assert scanned == MAX_DEPTH + 1
    scanned = 0
    wide = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 50_000
    assert len(list(parts(wide))) < MAX_PARTS
    assert scanned <= MAX_PARTS


def test_parts_and_their_content() -> None:
    message = mixed(
        b"Content-Type: text/plain; name*=x; name=\"=?utf-8?q?=C3=A4?=\"\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\na=\r\nb=3D"
    )  # fmt: skip
    first, second = parts(message)
    assert first.body == b"This is a report."
    assert second.content() == b"ab="
    assert second.filename == "ä"


@pytest.mark.parametrize(
    ("header", "mail_from", "expected"),
    [
        (b"Auto-Submitted: auto-replied; owner-email=x\r\n", "a@b.test", True),
        (b"Auto-Submitted: no\r\n", "", False),
        (b"Content-Type: multipart/report; report-type=delivery-status\r\n", "", True),
        (b"Content-Type: multipart/report; report-type=delivery-status\r\n", "a@b.test", False),
        (b"Subject: hello\r\n", "", False),
    ],
)
def test_automatic_mail(header: bytes, mail_from: str, expected: bool) -> None:
    assert automatic(scan(header + b"\r\n"), mail_from) is expected


OURS = ("_dmarc.ours.test", "v=DMARC1; p=none; rua=mailto:reports@ours.test")
THEIRS = ("_dmarc.theirs.test", "v=DMARC1; p=none; rua=mailto:back@theirs.test")


def test_who_collects_reports() -> None:
    zone = Zone(OURS)
    assert collector(["a@ours.test", "Reports@Ours.test"], (), zone) == "Reports@Ours.test"
    assert collector(["a@ours.test"], ("A@ours.test",), Answers()) == "a@ours.test"
    assert collector(["a@ours.test", "x", "postmaster@sub.ours.test"], (), zone) == ""
    with pytest.raises(NeedAnswer):
        collector(["a@ours.test"], (), Answers())


def test_a_loop_takes_two_that_ask_for_reports() -> None:
    circle = loop(
        "reports@ours.test",
        evaluate(Authors(("theirs.test",)), "", False, (), Zone(THEIRS)),
        "an aggregate report",
    )
    assert (circle.code, circle.severity) == ("report.loop", "notice")
    assert circle.evidence["reports_to"] == ["back@theirs.test"]
    alone = loop("r@ours.test", evaluate(Authors(("x.test",)), "", False, (), Zone()), "a report")
    assert alone.severity == "info"


REPORT = finding("report.dmarc", "")
LOOP = finding("report.loop", "")
AUTHOR = finding("dmarc.pass", "", author="theirs.test")


def ended(judge: ReportLoops, code: int, *found: ev.Finding, by: str = "upstream") -> list[
    ev.Finding
]:  # fmt: skip
    opened = ev.Opened(
        session="s", at=0, relay="r", ip="192.0.2.1", port=1, local_ip="192.0.2.2", local_port=25
    )
    mail = ev.Mail(
        session="s", at=0, transaction="t", address="x@y.test", code=250, reply="ok", by="upstream"
    )
    rcpt = ev.Rcpt(
        session="s", at=0, transaction="t", address="r@ours.test", code=250, reply="ok",
        by="upstream",
    )  # fmt: skip
    tx = Transaction(id="t", started=0, mail=mail, rcpts=[rcpt], findings=list(found))
    verdict = ev.Verdict(code=code, reply="no such list", phase="eod", by=by)  # type: ignore[arg-type]
    event = ev.Ended(session="s", at=1, transaction="t", verdict=verdict)
    return list(judge(Session(opened=opened, current=tx), event))


def test_a_refused_report_is_told_with_the_reply() -> None:
    (found,) = ended(ReportLoops(Bounded()), 550, REPORT)
    assert (found.code, found.severity) == ("report.refused", "warning")
    assert found.evidence["reply"] == "550 no such list"
    assert ended(ReportLoops(Bounded()), 451, REPORT)[0].severity == "notice"
    assert not ended(ReportLoops(Bounded()), 550, AUTHOR)
    assert not ended(ReportLoops(Bounded()), 550, REPORT, by="mxtap")
    assert not ended(ReportLoops(Bounded()), 250, REPORT)


def test_three_rounds_of_nothing_but_reports_are_a_warning() -> None:
    judge = ReportLoops(Bounded())
    for _ in range(ROUNDS):
        assert not ended(judge, 250, AUTHOR, REPORT, LOOP)
    (found,) = ended(judge, 250, AUTHOR, REPORT, LOOP)
    assert (found.code, found.severity) == ("report.loop", "warning")
    assert not ended(judge, 250, AUTHOR)  # other mail between them
    assert not ended(judge, 250, AUTHOR, REPORT, LOOP)
