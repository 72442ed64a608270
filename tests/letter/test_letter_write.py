"""The letter as its reader gets it: exact, redacted, and harmless in each of its forms."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import pytest
from conversation import World
from insight_history import letter
from letter_kit import HOST, written

from monitor import events as ev
from monitor.findings.catalogue import finding
from monitor.insight.questions import Written
from monitor.text import escape

HEADER = (
    b"DKIM-Signature: v=1; a=rsa-sha256; d=sender.example; s=s1; i=@mail.sender.example;\r\n"
    b" h=from:to; bh=AAAA; b=BBBB; z=To:ann@here.example\r\n"
    b"From: Sender <a@sender.example>\r\n"
    b"To: Ann <ann@here.example>\r\n"
    b"Subject: your results\r\n"
    b"Message-ID: <1@sender.example>\r\n"
)


def _message(world: World, *findings: ev.Finding, header: bytes = HEADER, **more: Any) -> None:
    client = world.connect("192.0.2.1", ptr="mx.sender.example")
    client.ehlo()
    client.mail("a@sender.example")
    client.rcpt("ann@here.example")
    client.rcpt("bob@here.example", "550 5.1.1 bob: user unknown")
    client.say("DATA", "354 Go ahead")
    client._emit(ev.Asked, name="s1._domainkey.sender.example", type="TXT", status="ok",
                 records=("v=DKIM1; p=AAAA",))  # fmt: skip
    client.found(*findings)
    client.content(header=escape(header), **more)
    client.quit()


def _body(**more: Any) -> ev.Finding:
    return finding("dkim.fail-body", "the body has changed", d="sender.example", s="s1", **more)


@pytest.fixture
def broken() -> Written:
    world = World()
    _message(world, _body(subject="your results"))
    return written(world)


def _parsed(letter: Written) -> EmailMessage:
    message = email.message_from_bytes(letter.draft, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def _report(letter: Written) -> dict[str, str]:
    _, report, _ = _parsed(letter).iter_parts()
    fields = email.message_from_string(report.get_payload(0).as_string())
    assert len(fields.keys()) == len(set(fields.keys()))
    return dict(fields.items())


def test_it_tells_what_was_seen_how_often_and_what_would_mend_it(broken: Written) -> None:
    flat = " ".join(broken.text.split())
    for told in (
        "Dear postmaster of sender.example,",
        f"I run the mail server {HOST}.",
        "1. DKIM signature broken: the body was changed",
        "Seen: once, 2027-01-15 08:00:00, from 192.0.2.1.",
        "Sign last: nothing may change the body behind the signer",
        "Reference: RFC 6376 6.1.3.",
        "found: the body has changed",
        "s1._domainkey.sender.example TXT v=DKIM1; p=AAAA",
        "C: MAIL FROM:<a@sender.example>",
        "S: 250 2.0.0 Queued",
    ):
        assert told in flat
    assert broken.subject.endswith("observations")


@pytest.mark.parametrize("form", ["text", "markdown", "draft"])
def test_no_form_names_users_or_quotes_messages(broken: Written, form: str) -> None:
    content = getattr(broken, form)
    text = content if isinstance(content, str) else content.decode()
    for secret in ("ann@", "Ann ", "bob", "your results"):
        assert secret not in text
    assert "recipient-1@here.example" in text


def test_in_full_it_names_them() -> None:
    world = World()
    _message(world, _body())
    assert "RCPT TO:<ann@here.example>" in written(world, redact=False).text


def test_users_are_ours_wherever_the_mail_was_for() -> None:
    world = World()
    client = world.connect(ptr="mx.sender.example")
    client.ehlo()
    client.mail("a@sender.example")
    client.found(_body())
    client.rcpt("ann@unlisted.example")
    client.rcpt("probe@sender.example", "554 5.7.1 Relay access denied")
    client.data()
    client.quit()
    told = written(world, domains=["here.example"])
    assert "ann" not in told.text
    assert "a@sender.example" in told.text
    assert "probe@sender.example" in told.text


def test_lines_keep_to_the_width_but_for_evidence(broken: Written) -> None:
    assert all(len(line) <= 72 for line in broken.text.splitlines() if not line.startswith(" "))


def test_a_broken_signature_gives_a_failure_report(broken: Written) -> None:
    message = _parsed(broken)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "feedback-report"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "message/feedback-report", "text/rfc822-headers"]
    fields = _report(broken)
    assert fields["Feedback-Type"] == "auth-failure"
    assert fields["Auth-Failure"] == "bodyhash"
    assert fields["Version"] == "1"
    assert fields["DKIM-Domain"] == "sender.example"
    assert fields["DKIM-Identity"] == "@mail.sender.example"
    assert fields["DKIM-Selector"] == "s1"
    assert fields["Source-IP"] == "192.0.2.1"
    assert fields["Reported-Domain"] == "sender.example"
    assert fields["Original-Rcpt-To"] == "<recipient-1@here.example>"
    assert fields["Authentication-Results"] == f"{HOST}; dkim=fail header.d=sender.example"


def test_the_header_in_a_report_keeps_what_identifies_the_message(broken: Written) -> None:
    *_, part = _parsed(broken).iter_parts()
    header = email.message_from_string(str(part.get_payload(decode=False)))
    assert header["Message-ID"] == "<1@sender.example>"
    assert header["Subject"] == header["To"] == "[redacted]"
    assert "z=" not in header["DKIM-Signature"]
    assert "bh=AAAA" in header["DKIM-Signature"]


def test_a_failed_spf_and_dmarc_are_reported_as_such() -> None:
    world = World()
    spf = finding("spf.fail", domain="sender.example", record="v=spf1 -all")
    _message(world, spf)
    fields = _report(written(world))
    assert fields["Auth-Failure"] == "spf"
    assert fields["SPF-DNS"] == 'txt : sender.example : "v=spf1 -all"'
    world = World()
    dmarc = finding("dmarc.fail", author="sender.example", policy="reject")
    _message(world, spf, dmarc, finding("dkim.no-key", d="sender.example", s="s1"))
    fields = _report(written(world))
    assert fields["Auth-Failure"] == "dmarc"
    assert fields["Identity-Alignment"] == "dkim, spf"
    assert fields["SPF-DNS"].startswith("txt : sender.example")
    assert fields["DKIM-Domain"] == "sender.example"


def test_what_is_not_aligned_has_not_failed_for_the_author() -> None:
    world = World()
    dmarc = finding("dmarc.fail", author="sender.example", organization="sender.example")
    others = finding("dkim.no-key", d="list.example", s="s1")
    _message(world, finding("spf.fail", domain="list.example", record="v=spf1 -all"), dmarc, others)
    fields = _report(written(world))
    assert fields["Auth-Failure"] == "dmarc"
    assert fields["Identity-Alignment"] == "none"
    assert not {"SPF-DNS", "DKIM-Domain"} & set(fields)


def test_smuggling_is_reported_as_abuse_and_the_message_behind_it_is_kept_back() -> None:
    world = World()
    _message(world, lookalike=escape(b"\n.\nMAIL FROM:<x@y.example>\r\nDear Ann"))
    assert "conduct.smuggling" in world.codes()
    told = written(world)
    assert _report(told)["Feedback-Type"] == "abuse"
    assert "Dear Ann" not in told.text


def test_what_is_no_abuse_gives_a_plain_draft() -> None:
    world = World()
    letter(world, "tls.none", spf="sender.example")
    message = _parsed(written(world))
    assert message.get_content_type() == "text/plain"
    assert message["X-Unsent"] == "1"
    assert message["Date"] is None
    assert message["Message-ID"] is None
    assert message["To"] == "postmaster@sender.example"


def test_faultless_mail_is_told_of_as_such() -> None:
    world = World()
    letter(world, secure=True, spf="sender.example")
    told = written(world)
    assert "nothing to mend" in told.subject
    assert "Transcripts" not in told.text


def test_hostile_text_stays_data() -> None:
    world = World()
    client = world.connect(ptr="mx.sender.example")
    client.ehlo("``` <script> | # [x](y)")
    client.mail("a@sender.example")
    client.found(_body(algorithm="````\n# heading\x1b[2J\u202e"))
    client.rcpt()
    client.data(message_id="<x>\r\nBcc: all@here.example")
    client.quit()
    told = written(world)
    for form in (told.text, told.markdown, told.draft.decode()):
        assert all(c.isprintable() or c in "\r\n" for c in form)
    assert "\nBcc:" not in told.draft.decode()
    fences = [line for line in told.markdown.splitlines() if line and not line.strip("`")]
    assert len(fences) % 2 == 0
    assert any(len(fence) >= 5 for fence in fences)
    _parsed(told)


def test_long_sessions_and_many_faults_are_told_in_bounds() -> None:
    world = World()
    client = world.connect(ptr="mx.sender.example")
    client.ehlo()
    for number in range(400):
        client.say(f"NOOP {number}", "250 2.0.0 Ok")
    client.mail("a@sender.example")
    client.found(_body())
    client.rcpt()
    client.data()
    client.quit()
    told = written(world).text
    assert "lines left out" in told
    assert len(told.splitlines()) < 250
