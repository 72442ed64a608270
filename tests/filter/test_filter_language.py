"""What each term of the filter language matches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.events import Finding, Verdict
from monitor.filter import parse
from monitor.record import Client, Message, Recipient, Record, Tls

ENDED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NOW = (ENDED + timedelta(hours=1)).timestamp()

RECORD = Record(
    id="T1",
    session="S1",
    started=ENDED - timedelta(seconds=3),
    ended=ENDED,
    relay="mx.example",
    client=Client(
        ip="192.0.2.7",
        port=4321,
        name="out.sender.example",
        helo="Mail.Sender.Example",
        tls=Tls("TLSv1.3", "TLS_AES_256_GCM_SHA384"),
    ),
    mail_from="Bounce+7@sender.example",
    rcpts=(Recipient("a@ours.example", 250, "ok"), Recipient("b@ours.example", 550, "no")),
    message=Message(
        size=1_048_577, from_="news@sender.example", subject="Ältere Nachrichten", message_id="m@x"
    ),
    verdict=Verdict(code=554, reply="5.7.1 Content (spam) refused", phase="eod", by="upstream"),
    state="refused",
    findings=(
        Finding(code="spf.pass", severity="good", title=""),
        Finding(code="retry.too-soon", severity="warning", title=""),
    ),
)
BARE = Record(
    id="S2",
    session="S2",
    started=ENDED,
    ended=ENDED,
    relay="mx.example",
    client=Client(ip="2001:db8::9", port=1),
    mail_from=None,
    verdict=Verdict(code=421, reply="4.7.0 go away", phase="connect", by="mxtap"),
)
NULL_PATH = Record(
    id="T3",
    session="S3",
    started=ENDED,
    ended=ENDED,
    relay="mx.example",
    client=Client(ip="198.51.100.1", port=1, helo="x"),
    mail_from="",
    verdict=Verdict(code=250, reply="2.0.0 ok", phase="eod", by="upstream"),
    findings=(Finding(code="dkim.none", severity="notice", title=""),),
)


def matches(text: str, record: Record = RECORD) -> bool:
    return parse(text).matches(record, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "sender",
        "SENDER.example",
        '"Content (spam)"',
        "192.0.2.",
        "too-soon",
        "b@ours",
        "Ältere",
        "from:bounce",
        "from:*@sender.example",
        "from:b*7@*.example",
        "from=bounce+7@SENDER.example",
        "from:<bounce+7@sender.example>",
        "to:b@ours.example",
        "author:news@",
        'subject:"Ältere nachrichten" or subject:nachrichten',
        "helo:mail.sender.example",
        "name:out.*",
        'reply:"(spam)"',
        "ip:192.0.2.7",
        "ip:192.0.2.0/24",
        "ip:192.0.2.99/25",
        "ip:::ffff:192.0.2.7",
        "id:T1",
        "id:S1",
        "finding:retry",
        "finding:retry.*",
        "finding:retry.too-soon",
        "spf:pass",
        "spf:p*",
        "sev>=warning",
        "sev:warning",
        "sev<error",
        "tls:any",
        "tls:tlsv1.3",
        "tls:AES_256",
        "code:5xx",
        "code:55x",
        "code:554",
        "code>=500",
        "phase:eod",
        "by:upstream",
        "age<2h",
        "age>59m",
        "age<=1h",
        "age>=1h",
        "size>1M",
        "size:1048577",
        "size<=1.5m",
        "spf:pass sev:warning",
        "spf:pass and sev:warning",
        "nothing-of-it or spf:pass",
        "not spf:fail",
        "not (spf:fail or spf:none)",
        "NOT nothing-of-it AND code:5xx",
        "spf:fail spf:pass or code:5xx",
        "not not spf:pass",
        "(((spf:pass)))",
    ],
)
def test_matches(text: str) -> None:
    assert matches(text)


@pytest.mark.parametrize(
    "text",
    [
        "nowhere",
        "ältere",  # only the case of ASCII letters is forgiven
        "subject:äLTERE",
        "from:sender.example*",
        "from=bounce",
        "from:*@sender",
        "from:<>",
        'from:"*@sender.example"',
        "to:c@",
        "ip:192.0.3.0/24",
        "ip:2001:db8::/32",
        "id:T",
        "finding:ret",
        "finding:retry.too",
        "finding=retry",
        "spf:fail",
        "sev:error",
        "sev>warning",
        "sev:none",
        "tls:none",
        "code:4xx",
        "code:55",
        "phase:rcpt",
        "by:mxtap",
        "age<1h",
        "age>1h",
        "age<10m",
        "size<1M",
        "spf:pass nowhere",
        "not spf:pass",
        "not spf:fail nowhere",
    ],
)
def test_does_not_match(text: str) -> None:
    assert not matches(text)


def test_what_is_missing_matches_nothing_and_its_negation_everything() -> None:
    for text in ("from:*", "to:*", "subject:*", "name:*", "helo:*", "tls:any", "size>0", "size<9"):
        assert not matches(text, BARE), text
        assert matches(f"not {text}", BARE), text
    assert matches("tls:none sev:none sev<good", BARE)
    assert matches("ip:2001:db8::/32 phase:connect by:mxtap code:4xx", BARE)


def test_the_null_reverse_path_is_told_from_none() -> None:
    assert matches("from:<>", NULL_PATH)
    assert matches("from:*", NULL_PATH)
    assert not matches("from:<>", BARE)
    assert not matches("from:<>", RECORD)


def test_the_short_form_of_a_result_is_the_finding() -> None:
    assert matches("dkim:none", NULL_PATH)
    assert not matches("spf:none", NULL_PATH)


def test_or_binds_looser_than_and() -> None:
    assert matches("code:5xx or nowhere nowhere")
    assert not matches("(code:5xx or nowhere) nowhere")


def test_keywords_and_terms_in_quotes_are_text() -> None:
    assert not matches('"not"')
    assert not matches('"spf:pass"')
    assert matches(r'"a\"b"', msg_with_subject('x a"b y'))
    assert matches(r'"\\x1b"', msg_with_subject(r"\x1b[31m"))


def msg_with_subject(subject: str) -> Record:
    return Record(
        id="1",
        session="1",
        started=ENDED,
        ended=ENDED,
        relay="",
        client=Client(ip="192.0.2.1", port=1),
        mail_from="a@b",
        message=Message(size=1, subject=subject),
        verdict=RECORD.verdict,
    )
