"""History in PostgreSQL gives the same answer to every filter as live rows do."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from harness_postgres import Postgres
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, select
from test_filter_sql import NOW, filters, records

from monitor.filter import parse
from monitor.filter.parser import MAX_TERMS
from monitor.filter.sql import to_sql
from monitor.record import Record
from monitor.store.history import COLUMNS, transaction_row
from monitor.store.models import TransactionRow
from monitor.store.shared.connection import connect, put_rows
from monitor.store.shared.schema import prepare
from monitor.store.shared.sending import ADD_TRANSACTION

Found = Callable[[str], set[str]]


@pytest.fixture(scope="module")
def engine(postgres: Postgres) -> Engine:
    url = postgres.url(postgres.make())
    with connect(url) as connection:
        prepare(connection, "here")
    return create_engine("postgresql+psycopg://", creator=lambda: connect(url))


def store(engine: Engine, rows: list[Record]) -> None:
    raw = engine.raw_connection()
    connection = raw.driver_connection
    assert isinstance(connection, psycopg.Connection)
    connection.execute("TRUNCATE transactions, records")
    names = (*COLUMNS, "record")
    given_rows = [dict(zip(names, (*transaction_row(row), b"{}"), strict=True)) for row in rows]
    assert put_rows(connection, ADD_TRANSACTION, given_rows) == 0
    connection.commit()
    raw.close()


def found(engine: Engine, text: str) -> set[str]:
    with engine.connect() as connection:
        clause = to_sql(parse(text), NOW.timestamp())
        return set(connection.execute(select(TransactionRow.id).where(clause)).scalars())


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(records, max_size=6), texts=st.lists(filters, min_size=1, max_size=8))
def test_the_same_answer(engine: Engine, rows: list[Record], texts: list[str]) -> None:
    store(engine, rows)
    for text in texts:
        wanted = parse(text)
        expected = {record.id for record in rows if wanted.matches(record, NOW.timestamp())}
        assert found(engine, text) == expected, text


def test_every_filter_that_parses_is_within_the_bounds_of_the_database(engine: Engine) -> None:
    store(engine, [])
    for text in (" or ".join(["a"] * MAX_TERMS), "not (" * 20 + " ".join(["a"] * 20) + ")" * 20):
        assert found(engine, text) == set()
