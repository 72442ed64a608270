"""Saved filters in the place of their names."""

from __future__ import annotations

import pytest

from monitor.filter import FilterError, complete, parse
from monitor.filter.saved import expand, is_name

SAVED = {"bulk": "code:4xx or code:5xx", "mine": "from:example.org", "broken": "sev>=dreadful"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("saved:bulk", "(code:4xx or code:5xx)"),
        ("saved:bulk age<2h", "(code:4xx or code:5xx) age<2h"),
        ("not (saved:mine or saved:bulk)", "not ((from:example.org) or (code:4xx or code:5xx))"),
        ("word", "word"),
        ('"saved:bulk"', '"saved:bulk"'),
        ('subject:"a \\" saved:bulk"', 'subject:"a \\" saved:bulk"'),
    ],
)
def test_a_name_stands_for_its_filter(typed: str, meant: str) -> None:
    assert expand(typed, SAVED) == meant
    parse(meant)


@pytest.mark.parametrize(
    ("typed", "position", "told"),
    [
        ("saved:bulk sev>=dreadful", 16, "sev wants one of"),
        ("saved:nulk", 6, "did you mean bulk?"),
        ("age<2h saved:", 13, "no filter is saved"),
        ("saved:broken", 6, "the filter broken: "),
        ("(saved:bulk", 0, ""),
        ("xsaved:bulk", 0, "xsaved is not a term"),
    ],
)
def test_errors_are_told_where_they_were_typed(typed: str, position: int, told: str) -> None:
    with pytest.raises(FilterError) as error:
        parse(expand(typed, SAVED))
    assert error.value.position == position
    assert told in error.value.message


@pytest.mark.parametrize("name", ["a", "Bulk_2.x-y", "x" * 32])
def test_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", ["", ".a", "a b", "a)", "x" * 33, "ä", "a\n", "[/b]", "\x1b[2J"])
def test_no_names(name: str) -> None:
    assert not is_name(name)


def test_names_are_completed() -> None:
    assert complete("sa", 2, SAVED) == ["saved:"]
    assert complete("age<2h saved:b", 14, SAVED) == ["saved:bulk", "saved:broken"]
    assert complete("sa", 2) == []
