"""The rows of the live table."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from ui_fakes import NOW, record

from monitor.filter import parse
from monitor.findings.catalogue import finding
from monitor.record import Late
from monitor.ui.state.window import Window

AT = NOW.timestamp()


def shown(window: Window) -> list[str]:
    return [row.record.id for row in window.shown]


def filled(count: int, limit: int = 100) -> Window:
    window = Window(limit)
    for i in range(count):
        window.add(record(i), AT)
    return window


def test_memory_is_bounded_and_the_newest_stay() -> None:
    window = filled(1_000)
    assert 100 <= len(window) <= 106
    assert shown(window)[-1] == "t999"
    assert len(window.shown) == len(window)
    assert "t0" not in window


def test_a_record_is_taken_once() -> None:
    window = filled(3)
    window.add(record(1), AT)
    assert shown(window) == ["t0", "t1", "t2"]


def test_only_what_passes_the_filter_is_shown() -> None:
    window = filled(16)
    window.refilter(parse("code:550"), AT)
    window.add(record(22), AT)
    window.add(record(23), AT)
    assert shown(window) == ["t6", "t14", "t22"]
    window.refilter(None, AT)
    assert len(window.shown) == 18


def test_late_findings_are_added_and_may_bring_a_row_in() -> None:
    window = filled(16)
    window.refilter(parse("finding:retry.gave-up"), AT)
    assert shown(window) == []
    late = Late(id="l", about="t4", findings=(finding("retry.gave-up"),))
    window.late(late, AT)
    assert shown(window) == ["t4"]
    assert window.shown[0].record.findings[-1].code == "retry.gave-up"
    window.late(Late(id="l", about="unknown", findings=()), AT)


def test_older_rows_go_in_front_and_places_hold() -> None:
    window = filled(0)
    for i in range(50, 60):
        window.add(record(i), AT)
    number = window.shown[3].number
    assert window.prepend([record(i) for i in range(50, 39, -1)]) == 10
    assert shown(window) == [f"t{i}" for i in range(40, 60)]
    assert window.shown[window.place(number)].record.id == "t53"


def test_too_many_older_rows_tear_the_window_until_it_is_rejoined() -> None:
    window = Window(limit=20)
    for i in range(100, 110):
        window.add(record(i), AT)
    window.prepend([record(i) for i in range(99, 69, -1)])
    assert window.torn
    assert shown(window) == [f"t{i}" for i in range(70, 90)]
    window.add(record(110), AT)
    assert window.unseen == 1
    assert shown(window)[-1] == "t89"
    window.rejoin(AT)
    assert shown(window) == [f"t{i}" for i in range(100, 111)]


def test_missed_records_are_put_in_their_places() -> None:
    window = filled(5)
    window.add(record(9), AT)
    window.merge([record(i) for i in range(7, 2, -1)], AT)
    assert shown(window) == [f"t{i}" for i in (*range(8), 9)]


@given(st.lists(st.integers(0, 300), max_size=200), st.booleans())
def test_rows_stand_in_order_and_are_found(numbers: list[int], filtered: bool) -> None:
    window = Window(limit=50)
    window.refilter(parse("code:2xx") if filtered else None, AT)
    for number in sorted(numbers):
        window.add(record(number), AT)
    window.prepend([record(-i) for i in range(1, 20)])
    assert [window.place(row.number) for row in window.shown] == list(range(len(window.shown)))
    ended = [row.record.ended for row in window.shown]
    assert ended == sorted(ended)
