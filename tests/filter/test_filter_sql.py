"""History and live rows are asked the same question and give the same answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import StaticPool, create_engine, delete, select
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

from monitor.events import SEVERITIES, Finding, Verdict
from monitor.filter import FilterError, parse
from monitor.filter.parser import MAX_TERMS
from monitor.filter.sql import to_sql
from monitor.record import Client, Message, Recipient, Record, Tls
from monitor.store.history import History
from monitor.store.models import LateRow, RecordRow, TransactionRow
from monitor.store.writer import Writer

NOW = datetime(2026, 3, 1, tzinfo=UTC)

WORDS = [
    "a",
    "A",
    "b%",
    "_",
    "é",
    "É",
    "a/b",
    "",
    "*",
    "news",
    "NEWS@x.test",
    "<>",
    "%",
    "\u017f",
    "K",
]
CODES = ["spf.pass", "spf.fail", "spf.fail-hard", "retry.too-soon", "tls.none", "x[1]", "dkim.none"]
ADDRESSES = ["192.0.2.7", "192.0.3.7", "2001:db8::1", "2001:db8:1::1", "::1"]

texts = st.sampled_from(WORDS) | st.lists(st.sampled_from(WORDS), max_size=3).map("".join)
maybe = st.none() | texts
findings = st.builds(
    Finding, code=st.sampled_from(CODES), severity=st.sampled_from(SEVERITIES), title=st.just("")
)
records = st.builds(
    Record,
    id=st.uuids().map(str),
    session=st.sampled_from(["S1", "S2"]),
    started=st.just(NOW),
    ended=st.integers(0, 10_000).map(lambda s: NOW - timedelta(seconds=s, microseconds=s % 7)),
    relay=st.sampled_from(["mx1.x.test", "MX2.x.test", ""]),
    client=st.builds(
        Client,
        ip=st.sampled_from(ADDRESSES),
        port=st.just(1),
        name=maybe,
        helo=maybe,
        tls=st.none() | st.builds(Tls, st.sampled_from(["TLSv1.2", "TLSv1.3"]), texts),
    ),
    mail_from=maybe,
    rcpts=st.lists(st.builds(Recipient, texts, st.just(250), st.just("")), max_size=3).map(tuple),
    message=st.none()
    | st.builds(
        Message,
        size=st.sampled_from([0, 1, 1024, 1 << 20, 1 << 33]),
        from_=texts,
        subject=texts,
        message_id=texts,
    ),
    verdict=st.builds(
        Verdict,
        code=st.sampled_from([0, 250, 421, 451, 550, 554]),
        reply=texts,
        phase=st.sampled_from(["connect", "rcpt", "eod"]),
        by=st.sampled_from(["upstream", "mxtap"]),
    ),
    findings=st.lists(findings, max_size=3).map(tuple),
)

values = texts.filter(lambda t: t and '"' not in t).map(lambda t: f'"{t}"') | st.sampled_from(
    ["a", "*", "a*", "*b", "a*b*", "*a*b", "a*a*a", "*@x.test", "*[*", "%", "_", "<>", "<a>"]
)
terms = st.one_of(
    values,
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["from", "to", "author", "subject", "helo", "name", "reply", "relay"]),
        st.sampled_from(":="),
        values,
    ),
    st.builds("ip:{}/{}".format, st.sampled_from(["192.0.2.1", "::ffff:0:1"]), st.integers(0, 32)),
    st.builds("ip:{}".format, st.sampled_from([*ADDRESSES, "::ffff:192.0.2.7", "2001:db8::/47"])),
    st.sampled_from(["id:S1", "id:s1", "id:none", "tls:none", "tls:any", "tls:1.3", "tls:É"]),
    st.builds(
        "finding:{}".format,
        st.sampled_from(
            [*CODES, "spf", "spf.*", "*fail*", "s*.f*l", "*.*n*", "x[*", "RETRY.*", "*", "nothing"]
        ),
    ),
    st.sampled_from(["spf:fail", "spf:fail*", "dkim:none", "dmarc:pass", "finding=spf"]),
    st.builds(
        "sev{}{}".format,
        st.sampled_from([":", "<", "<=", ">", ">="]),
        st.sampled_from(SEVERITIES),
    ),
    st.sampled_from(["sev:none", "code:5xx", "code:55x", "code:0", "code<300", "phase:rcpt"]),
    st.builds("age{}{}s".format, st.sampled_from(["<", "<=", ">", ">="]), st.integers(0, 10_000)),
    st.builds(
        "size{}{}".format,
        st.sampled_from([":", "<", "<=", ">", ">="]),
        st.sampled_from(["0", "1", "1k", "1M", "8G"]),
    ),
    st.sampled_from(["by:mxtap", "relay:mx2", "relay=mx1.x.test", "relay:*.test", 'relay=""']),
)
filters = st.recursive(
    terms,
    lambda inner: st.one_of(
        st.builds("not ({})".format, inner),
        st.builds("({}) or ({})".format, inner, inner),
        st.builds("({}) ({})".format, inner, inner),
    ),
    max_leaves=5,
)

ENGINE = create_engine("sqlite://", poolclass=StaticPool)
SQLModel.metadata.create_all(ENGINE)


@pytest.fixture(scope="module")
def history() -> Iterator[History]:
    writer = Writer(ENGINE)
    yield History(ENGINE, writer)
    writer.close()


def store(history: History, rows: list[Record]) -> None:
    with ENGINE.begin() as connection:
        for table in (TransactionRow, RecordRow, LateRow):
            connection.execute(delete(table))
    for row in rows:
        history.add(row)
    assert history._writer.flush()


def found(text: str) -> set[str]:
    with ENGINE.connect() as connection:
        clause = to_sql(parse(text), NOW.timestamp())
        return set(connection.execute(select(TransactionRow.id).where(clause)).scalars())


@settings(max_examples=300, deadline=None)
@given(rows=st.lists(records, max_size=6), texts=st.lists(filters, min_size=1, max_size=8))
def test_the_same_answer(history: History, rows: list[Record], texts: list[str]) -> None:
    store(history, rows)
    for text in texts:
        wanted = parse(text)
        expected = {record.id for record in rows if wanted.matches(record, NOW.timestamp())}
        assert found(text) == expected, text


def test_every_filter_that_parses_is_within_the_bounds_of_the_database(history: History) -> None:
    store(history, [])
    widest = " or ".join(["a"] * MAX_TERMS)
    deepest = "not (" * 20 + " ".join(["a"] * 20) + ")" * 20
    for text in (widest, deepest, " ".join(["a"] * MAX_TERMS)):
        assert found(text) == set()
    with pytest.raises(FilterError, match="more than 64 terms"):
        parse(" ".join(["a"] * (MAX_TERMS + 1)))


def test_a_glob_on_many_lines_takes_linear_time(history: History) -> None:
    address = "a" * 1_000 + "bc"
    rcpts = tuple(Recipient(address, 250, "") for _ in range(50))
    record = Record(id="1", session="1", started=NOW, ended=NOW, relay="", mail_from="",
                    client=Client(ip="::1", port=1), rcpts=rcpts,
                    verdict=Verdict(code=250, reply="", phase="eod", by="upstream"))  # fmt: skip
    store(history, [record])
    started = time.process_time()
    assert found("to:a*a*a*a*a*a*a*a*a*b") == set()
    assert time.process_time() - started < 1
    assert found("to:a*a*a*a*a*a*a*a*a*c") == {"1"}


def test_it_is_said_in_postgresql_too() -> None:
    for text, said in (
        ("not from:a", 'lower(transactions.mail_from COLLATE "C") LIKE'),
        ("to:a*b", 'lower(transactions.rcpts COLLATE "C") ~'),
    ):
        query = select(TransactionRow.id).where(to_sql(parse(text), 0.0))
        compiled = query.compile(dialect=postgresql.dialect())
        assert said in str(compiled)
