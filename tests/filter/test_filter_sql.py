"""History and live rows are asked the same question and give the same answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import StaticPool, create_engine, delete, insert, select
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

from monitor.events import SEVERITIES, Finding, Verdict
from monitor.filter import FilterError, ip_key, parse
from monitor.filter.parser import MAX_TERMS
from monitor.filter.sql import FREQUENT, known_codes, to_sql
from monitor.record import Client, Message, Recipient, Record, Tls, worst
from monitor.store.models import FindingRow, RecipientRow, TransactionRow

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
    relay=st.just("mx"),
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
    ["a", "*", "a*", "*b", "a*b*", "*@x.test", "%", "_", "<>", "<a>"]
)
terms = st.one_of(
    values,
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["from", "to", "author", "subject", "helo", "name", "reply"]),
        st.sampled_from(":="),
        values,
    ),
    st.builds("ip:{}/{}".format, st.sampled_from(["192.0.2.1", "::ffff:0:1"]), st.integers(0, 32)),
    st.builds("ip:{}".format, st.sampled_from([*ADDRESSES, "::ffff:192.0.2.7", "2001:db8::/47"])),
    st.sampled_from(["id:S1", "id:s1", "id:none", "tls:none", "tls:any", "tls:1.3", "tls:É"]),
    st.builds(
        "finding:{}".format,
        st.sampled_from([*CODES, "spf", "spf.*", "*fail*", "x[*", "RETRY.*", "*", "nothing"]),
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
    st.just("by:mxtap"),
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


def store(rows: list[Record]) -> None:
    with ENGINE.begin() as connection:
        for table in (TransactionRow, RecipientRow, FindingRow):
            connection.execute(delete(table))
        for r in rows:
            m, tls, severity = r.message, r.client.tls, worst(r.findings)
            connection.execute(
                insert(TransactionRow).values(
                    id=r.id,
                    session=r.session,
                    started=r.started.timestamp(),
                    ended=r.ended.timestamp(),
                    client_ip=r.client.ip,
                    ip_key=ip_key(r.client.ip),
                    helo=r.client.helo,
                    name=r.client.name,
                    mail_from=r.mail_from,
                    author=m.from_ if m else None,
                    subject=m.subject if m else None,
                    message_id=m.message_id if m else None,
                    size=m.size if m else None,
                    code=r.verdict.code,
                    reply=r.verdict.reply,
                    phase=r.verdict.phase,
                    by=r.verdict.by,
                    tls_protocol=tls.protocol if tls else None,
                    tls_cipher=tls.cipher if tls else None,
                    worst=SEVERITIES.index(severity) if severity else -1,
                    record=b"",
                )
            )
            for rcpt in r.rcpts:
                row = insert(RecipientRow).values(transaction_id=r.id, address=rcpt.address)
                connection.execute(row)
            for f in r.findings:
                row = insert(FindingRow).values(
                    transaction_id=r.id, code=f.code, severity=SEVERITIES.index(f.severity)
                )
                connection.execute(row)


def found(text: str) -> set[str]:
    with ENGINE.connect() as connection:
        clause = to_sql(parse(text), NOW.timestamp(), known_codes(connection))
        return set(connection.execute(select(TransactionRow.id).where(clause)).scalars())


@settings(max_examples=300, deadline=None)
@given(st.lists(records, max_size=6), st.lists(filters, min_size=1, max_size=8))
def test_the_same_answer(rows: list[Record], texts: list[str]) -> None:
    store(rows)
    for text in texts:
        wanted = parse(text)
        expected = {record.id for record in rows if wanted.matches(record, NOW.timestamp())}
        assert found(text) == expected, text


def test_every_filter_that_parses_is_within_the_bounds_of_the_database() -> None:
    store([])
    widest = " or ".join(["a"] * MAX_TERMS)
    deepest = "not (" * 20 + " ".join(["a"] * 20) + ")" * 20
    for text in (widest, deepest, " ".join(["a"] * MAX_TERMS)):
        assert found(text) == set()
    with pytest.raises(FilterError, match="more than 64 terms"):
        parse(" ".join(["a"] * (MAX_TERMS + 1)))


def plan(text: str, codes: dict[str, float]) -> str:
    query = select(TransactionRow.id).where(to_sql(parse(text), 0.0, codes))
    with ENGINE.connect() as connection:
        compiled = query.compile(ENGINE, compile_kwargs={"literal_binds": True})
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all()
    return "\n".join(row[-1] for row in rows)


def test_rare_findings_are_looked_up_and_frequent_ones_tested() -> None:
    codes = {"retry.too-soon": FREQUENT / 2, "spf.pass": 0.2}
    assert "findings USING INDEX ix_findings_code (code=?)" in plan("finding:retry", codes)
    assert "SCAN transactions" not in plan("finding:retry", codes)
    assert "ix_findings_transaction_id (transaction_id=?)" in plan("spf:pass", codes)
    assert "findings" not in plan("finding:unheard-of", codes)


def test_it_is_said_in_postgresql_too() -> None:
    query = select(TransactionRow.id).where(to_sql(parse("not from:a"), 0.0, {}))
    text = str(query.compile(dialect=postgresql.dialect()))
    assert 'lower(transactions.mail_from COLLATE "C") LIKE' in text


def test_known_codes_come_with_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.filter.sql.SAMPLE", 4)
    with ENGINE.begin() as connection:
        connection.execute(delete(FindingRow))
        assert known_codes(connection) == {}
        for code in ("old.one", "spf.pass", "spf.pass", "spf.pass", "tls.none"):
            row = insert(FindingRow).values(transaction_id="T", code=code, severity=0)
            connection.execute(row)
        assert known_codes(connection) == {"old.one": 0.0, "spf.pass": 0.75, "tls.none": 0.25}
