"""History page by page: in every order and direction, filtered, each record once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import StaticPool, create_engine
from sqlmodel import SQLModel

from monitor.events import Verdict
from monitor.filter import parse
from monitor.filter.order import ORDERS, Order, Place, place, up_to
from monitor.findings.catalogue import finding
from monitor.hub import search
from monitor.record import Client, Late, Record, moment
from monitor.store.history import History
from monitor.store.writer import Writer

CODES = ("spf.pass", "tls.none", "retry.gave-up")
START = moment(1_700_000_000.25)


def record(number: int, second: int, code: int, ip: str, found: tuple[str, ...]) -> Record:
    return Record(
        id=f"t{number}",
        session=f"s{number}",
        started=START,
        ended=START + timedelta(seconds=second, microseconds=number),
        relay="mx",
        client=Client(ip=ip, port=1),
        mail_from=None,
        verdict=Verdict(code=code, reply="", phase="eod", by="upstream"),
        findings=tuple(finding(code) for code in found),
    )


days = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from([0, 250, 451, 550]),
        st.sampled_from(["192.0.2.7", "192.0.2.8", "2001:db8::1"]),
        st.lists(st.sampled_from(CODES), unique=True, max_size=2).map(tuple),
    ),
    max_size=12,
).map(lambda rows: [record(i, *row) for i, row in enumerate(rows)])


@pytest.fixture(scope="module")
def history() -> Iterator[History]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    SQLModel.metadata.create_all(engine)
    writer = Writer(engine)
    yield History(engine, writer)
    writer.close()


def keep(history: History, rows: list[Record]) -> None:
    while history.prune(2e9):
        pass
    for row in rows:
        history.add(row)
    assert history._writer.flush()


def pages(history: History, order: Order, backward: bool, **wanted: object) -> Iterator[list[str]]:
    past: Place | None = None
    while True:
        page = search.page(history, order=order, backward=backward, past=past, **wanted)  # type: ignore[arg-type]
        yield [record.id for record in page.records]
        past = page.reached
        if past is None:
            return


@pytest.mark.parametrize("patience", [0.0, 60.0])
@settings(max_examples=60, deadline=None)
@given(
    rows=days,
    order=st.sampled_from(ORDERS),
    backward=st.booleans(),
    query=st.sampled_from(["", "code:5xx", "spf:pass", "sev:none", "ip:192.0.2.0/24", "nothing"]),
    limit=st.integers(1, 5),
    size=st.integers(1, 5),
)
def test_pages_make_up_the_whole_in_its_order(
    history: History,
    rows: list[Record],
    order: Order,
    backward: bool,
    query: str,
    limit: int,
    size: int,
    patience: float,
) -> None:
    keep(history, rows)
    search.SLICE = size
    try:
        told = list(pages(history, order, backward, query=query, limit=limit, patience=patience))
    finally:
        search.SLICE = 20_000
    wanted = parse(query)
    expected = sorted(
        (row for row in rows if wanted.matches(row, 0)),
        key=lambda row: (place(row, order).value, row.ended),
        reverse=backward,
    )
    assert [id_ for page in told for id_ in page] == [r.id for r in expected]
    assert all(len(page) <= limit for page in told)


def test_a_page_goes_on_where_a_record_stands(history: History) -> None:
    rows = [record(i, i, 250 + i % 2, "192.0.2.7", ()) for i in range(6)]
    keep(history, rows)
    past = up_to(rows[2], "code", backward=False)
    page = search.page(history, order="code", backward=False, past=past, limit=9)
    assert [r.id for r in page.records] == ["t2", "t4", "t1", "t3", "t5"]
    past = up_to(rows[2], "ended", backward=True)
    page = search.page(history, past=past, limit=2)
    assert [r.id for r in page.records] == ["t2", "t1"]


def test_impatience_gives_a_short_page_that_goes_on(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(history, [record(i, i, 250, "192.0.2.7", ()) for i in range(10)])
    monkeypatch.setattr(search, "SLICE", 4)
    page = search.page(history, query="code:550", limit=5, patience=0)
    assert page.records == []
    assert page.reached is not None
    at = place(record(6, 6, 250, "192.0.2.7", ()), "ended")
    assert (page.reached.value, page.reached.ended) == (at.value, at.ended)


def test_a_late_finding_is_found_and_raises_the_severity(history: History) -> None:
    keep(history, [record(0, 0, 250, "192.0.2.7", ("spf.pass",))])
    for number in (1, 2):
        history.add_late(Late(id="l", about=f"t{number}", findings=(finding("tls.none"),)))
        history.add(record(number, number, 250, "192.0.2.7", ("spf.pass",)))
    gave_up = finding("retry.gave-up", severity="error")
    history.add_late(Late(id="l", about="t0", findings=(gave_up,)))
    assert history._writer.flush()
    for query, ids in (
        ("finding:retry", ["t0"]),
        ("sev:error", ["t0"]),
        ("spf:pass finding:tls.none", ["t2", "t1"]),
    ):
        page = search.page(history, query=query, limit=9)
        assert [r.id for r in page.records] == ids
    [first] = search.page(history, query="sev:error", limit=9).records
    assert [f.code for f in first.findings] == ["spf.pass", "retry.gave-up"]


def test_a_place_goes_over_the_wire() -> None:
    at = place(record(0, 0, 250, "192.0.2.7", ()), "ip")
    assert msgspec.json.decode(msgspec.json.encode(at), type=Place) == at


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("backward", [True, False])
def test_every_order_is_an_index(history: History, order: Order, backward: bool) -> None:
    """No page of an order is made by sorting the whole history."""
    told: list[str] = []
    with history.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.set_trace_callback(told.append)
        past = place(record(0, 0, 250, "192.0.2.7", ()), order)
        history.slice(order, backward, past, 5)
        raw.set_trace_callback(None)
        for statement in [s for s in told if s.startswith("SELECT")]:
            plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all())
            assert "TEMP B-TREE" not in plan.replace("LAST TERM", ""), statement
            assert "SEARCH transactions USING" in plan or "late_findings" in plan, plan
