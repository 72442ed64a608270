"""The rows of the live table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ui_fakes import NOW, record

from monitor.filter import parse
from monitor.filter.order import Page, Place, up_to
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


def older(*numbers: int, reached: Place | None = None) -> Page:
    return Page([record(i) for i in numbers], reached)


def test_older_rows_go_in_front_and_places_hold() -> None:
    window = filled(0)
    for i in range(50, 60):
        window.add(record(i), AT)
    number = window.shown[3].number
    assert window.beyond(top=True) == (up_to(record(50), "ended", True), True)
    place = Place(1.0, 1.0)
    assert window.extend(older(*range(50, 39, -1), reached=place), top=True) == 10
    assert shown(window) == [f"t{i}" for i in range(40, 60)]
    assert window.shown[window.place(number)].record.id == "t53"
    assert window.beyond(top=True) == (place, True)
    assert window.extend(older(), top=True) == 0
    assert window.beyond(top=True) is None


def test_who_follows_forgets_the_oldest_and_who_reads_lets_go_of_the_newest() -> None:
    for held in (False, True):
        window = Window(limit=20)
        for i in range(100, 110):
            window.add(record(i), AT)
        window.held = held
        window.extend(older(*range(99, 69, -1)), top=True)
        assert window.away is held
        if held:
            assert shown(window) == [f"t{i}" for i in range(70, 90)]
            window.add(record(110), AT)
            assert window.unseen == 1
            assert window.beyond(top=False) == (up_to(record(89), "ended", False), False)
            window.rejoin(AT)
            assert shown(window) == [f"t{i}" for i in range(100, 111)]
        else:
            assert shown(window) == [f"t{i}" for i in range(80, 110)]
            assert window.beyond(top=True) == (up_to(record(80), "ended", True), True)


def test_what_falls_out_of_memory_while_one_reads_stays() -> None:
    window = filled(100)
    window.held = True
    for i in range(100, 110):
        window.add(record(i), AT)
    assert shown(window)[0] == "t0"
    window.held = False
    window.rejoin(AT)
    assert shown(window)[0] == "t6"


@pytest.mark.parametrize("top", [True, False])
@pytest.mark.parametrize("descending", [True, False])
def test_away_rows_come_at_both_ends_within_bounds(top: bool, descending: bool) -> None:
    rows = [record(i) for i in range(100)]
    window = Window(limit=25)
    window.depart(Page([], None), "code", descending=descending, top=top)
    window.add(record(1_000), AT)
    assert (window.unseen, shown(window)) == (1, [])
    standing = sorted(
        rows, key=lambda r: (r.verdict.code, r.ended), reverse=descending
    )  # as they stand from the top down
    window.depart(
        Page(standing[:10] if top else standing[:-11:-1], Place(0, 0)), "code",
        descending=descending, top=top,
    )  # fmt: skip
    assert window.beyond(top=top) is None
    for _ in range(20):
        found = window.beyond(top=not top)
        if found is None:
            break
        at = window.shown[-1 if top else 0].record
        near = standing.index(at)
        more = standing[near + 1 : near + 8] if top else standing[max(0, near - 7) : near][::-1]
        window.extend(Page(more, Place(0, 0) if more else None), top=not top)
        assert len(window.shown) <= 25
        ids = [r.id for r in standing]
        start = ids.index(shown(window)[0])
        assert shown(window) == ids[start : start + len(window.shown)]
        assert [window.place(r.number) for r in window.shown] == list(range(len(window.shown)))
    assert window.beyond(top=not top) is None
    assert window.beyond(top=top) is not None  # rows were let go there


def test_a_short_history_is_known_to_be_whole() -> None:
    window = filled(10)
    window.complete = True
    window.refilter(parse("code:550"), AT)
    assert window.beyond(top=True) is None
    for i in range(10, 120):
        window.add(record(i), AT)
    assert window.beyond(top=True) is not None


def test_missed_records_are_put_in_their_places() -> None:
    window = filled(5)
    window.add(record(9), AT)
    window.merge([record(i) for i in range(7, 2, -1)], AT)
    assert shown(window) == [f"t{i}" for i in (*range(8), 9)]


@given(st.lists(st.integers(0, 300), max_size=200), st.booleans(), st.booleans())
def test_rows_stand_in_order_and_are_found(numbers: list[int], filtered: bool, held: bool) -> None:
    window = Window(limit=50)
    window.held = held
    window.refilter(parse("code:2xx") if filtered else None, AT)
    for number in sorted(numbers):
        window.add(record(number), AT)
    window.extend(older(*range(-1, -20, -1)), top=True)
    assert [window.place(row.number) for row in window.shown] == list(range(len(window.shown)))
    ended = [row.record.ended for row in window.shown]
    assert ended == sorted(ended)
