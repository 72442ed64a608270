"""Header scan, summary and author domains: right on the usual, bounded on the hostile."""

from __future__ import annotations

import pytest

from monitor.findings import message as message_module
from monitor.findings.mailbox import ascii_domain, authors, mailboxes
from monitor.findings.message import MAX_FIELDS, Field, body_offset, fields, scan, summary
from monitor.findings.words import decode_words

USUAL = (
    b"Received: from a\r\n\tby b\r\nFrom: =?utf-8?q?J=C3=B6rg?= <Joe@Football.Example.com>\r\n"
    b"Subject: one\r\n two\r\nMessage-ID: <1@x>\r\n\r\nFrom: body@evil.test\r\n"
)


def test_fields_keep_their_bytes_and_stop_at_the_empty_line() -> None:
    header = scan(USUAL)
    assert [f.name for f in header.fields] == [b"received", b"from", b"subject", b"message-id"]
    assert b"".join(f.raw for f in header.fields) + b"\r\n" == USUAL[: body_offset(USUAL)]
    assert header.value(b"subject") == b"one two"
    assert not header.clipped


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b" From: folded into nothing\r\n",
        b"From\r\n : a fold before the colon\r\n",
        b"From : wsp\r\n",
        b"From\r\n",
        b"no field\r\n\tFrom: folded into no field\r\n",
        b"From: a\n b\nTo: bare\n",
        b"From: a\r\r\n b\r\r\n",
        b"From: a\r\n \r\n\t\r\n b \t\r\n",
        b"X: y\r\n" * (MAX_FIELDS - 4),
        b"X: y\r\n" * (MAX_FIELDS + 1),
        b"no field\r\n" * (MAX_FIELDS + 1) + b"From: a\r\n",
        b"F\xc3\xb6: a\r\nX\x00: b\r\n:\r\nX-Own:\r\n",
        b"\r\nFrom: of the body\r\n\r\n",
        b"A: b\n\nFrom: of the body\r\n",
        b"A: b\n\r\nFrom: of the body\r\n",
    ],
)
@pytest.mark.parametrize("rest", [USUAL, b"From: cut off", b""])
def test_texts_are_those_of_the_fields_as_they_came(odd: bytes, rest: bytes) -> None:
    message = odd + rest
    end = body_offset(message)
    matches = list(fields(message[:end] if end >= 0 else message))
    came = [(m[1].lower(), m[0]) for m in matches[:MAX_FIELDS]]
    header = scan(message)
    assert [(field.name, field.raw) for field in header.fields] == came
    assert header.clipped == (len(matches) > MAX_FIELDS)
    for name in {name for name, _ in came}:
        assert header.raw[name] == [raw for each, raw in came if each == name]
        assert header.all(name) == [Field(name, raw).text for raw in header.raw[name]]
    assert header.all(b"absent") == []


@pytest.mark.parametrize(
    ("message", "offset"),
    [
        (b"\r\nbody", 2),
        (b"\nbody", 1),
        (b"a: b\r\n\r\nbody", 8),
        (b"a: b\n\nbody\r\n\r\n", 6),
        (b"a: b\r\n", -1),
        (b"", -1),
    ],
)
def test_body_offset(message: bytes, offset: int) -> None:
    assert body_offset(message) == offset


def test_summary_is_decoded_and_printable() -> None:
    assert summary(USUAL) == ("Jörg <Joe@Football.Example.com>", "one two", "<1@x>")
    sender, subject, _ = summary(b"From: a\x1b[31m\r\nSubject: =?utf-8?b?4oCu?=\r\n\r\n")
    assert sender == "a\\x1b[31m"
    assert subject == "\\u202e"


def test_summary_takes_whole_names_only() -> None:
    header = b"From-Not: a\r\nfrom : b@c\r\nSubjects: x\r\n\r\nSubject: of the body\r\n"
    assert summary(header) == ("b@c", "", "")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"=?utf-8?q?a_b?= =?utf-8?q?c?= d", "a bc d"),
        (b"=?utf-8?b?w6==?= =?utf-8?b?pA==?=", "ä"),  # a character cut in two
        (b"=?iso-8859-1*en?q?=E4?=", "ä"),
        (b"=?unicode_escape?q?\\u0041?=", "=?unicode_escape?q?\\u0041?="),
        (b"=?utf-8?b?a?=", "=?utf-8?b?a?="),
        (b"x =?us-ascii?q?a?= y =?utf-8?q?=C3=A4?=\r\n z", "x a y ä z"),
    ],
)
def test_encoded_words(raw: bytes, text: str) -> None:
    assert decode_words(raw) == text


def test_hostile_headers_are_looked_at_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(scan(b"From: a@b.test\r\n" * 200_000).fields) == MAX_FIELDS
    assert scan(b"X: y\r\n" * (MAX_FIELDS + 1)).clipped
    assert scan(b"a" * (message_module.MAX_HEADER + 1)).clipped
    decoded: list[int] = []

    def watch(raw: bytes) -> str:
        decoded.append(len(raw))
        return decode_words(raw)

    monkeypatch.setattr(message_module, "decode_words", watch)
    _, subject, _ = summary(b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\r\n\r\n")
    assert len(subject) <= message_module.MAX_SHOWN
    assert decoded
    assert max(decoded) <= message_module.MAX_SUMMARY


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b'"a@evil.test, x" <b@good.test>', [b"b@good.test"]),
        (b"a@x.test, b@y.test", [b"a@x.test", b"b@y.test"]),
        (b"team: a@x.test, b@x.test;", [b"a@x.test", b"b@x.test"]),
        (b"(c@d (e)) j o @ x.test", [b"jo@x.test"]),
        (b"<@r1,@r2:a@b.test>", [b"a@b.test"]),
        (b'"a\\"@b"@c.test', [b'"a\\"@b"@c.test']),
        (b"<>", []),
    ],
)
def test_mailboxes(value: bytes, found: list[bytes]) -> None:
    assert mailboxes(value) == found


@pytest.mark.parametrize(
    ("header", "domains", "fault"),
    [
        (b"From: a@EXAMPLE.com.\r\n", ("example.com",), ""),
        (b"From: a@x.test, b@x.test\r\n", ("x.test",), ""),
        ("From: a@dö.example\r\n".encode(), ("xn--d-1ga.example",), ""),
        (b"From: a@x.test, b@y.test\r\n", ("x.test", "y.test"), "2 author domains"),
        (b"From: a@x.test\r\nFrom: a@x.test\r\n", ("x.test",), "2 From fields"),
        (b"Sender: a@x.test\r\n", (), "no From field"),
        (b"From: nobody\r\n", (), "an address without a valid domain"),
        (b"From: a@x_-.test\x00\r\n", (), "an address without a valid domain"),
        (b"From: " + b"(" * 100_000, (), "a From field of more than 64 KiB"),
    ],
)
def test_authors(header: bytes, domains: tuple[str, ...], fault: str) -> None:
    who = authors(scan(header))
    assert who.domains == domains
    assert who.fault == fault
    assert who.domain == ("" if fault else domains[0])


def test_a_domain_is_ldh_or_made_a_labels() -> None:
    assert ascii_domain("BÜCHER.example".encode()) == "xn--bcher-kva.example"
    for bad in (b"", b".", b"a..b", b"-a.b", b"a b", b"[192.0.2.1]", b"\xff.test", b"a" * 254):
        assert ascii_domain(bad) is None
