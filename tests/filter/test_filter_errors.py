"""Errors say what is wrong and where; no text can hang or crash the parser."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.filter import MAX_DEPTH, MAX_LENGTH, FilterError, parse
from monitor.filter.pattern import Pattern


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("form:x", 0, "did you mean from?"),
        ("a zzzzz:1", 2, "in quotes"),
        ("from:", 5, "needs a value"),
        ("from: x", 5, "needs a value"),
        ("spf:fail and", 12, "missing at the end"),
        ("not", 3, "missing at the end"),
        ("or x", 0, "missing before or"),
        ("x or or y", 5, "missing before or"),
        ("x and and y", 6, "missing before and"),
        ("(a b", 0, "not closed"),
        ("a b)", 3, "closes nothing"),
        ("()", 1, "missing before )"),
        ('a "b', 2, "quote is not closed"),
        ("ip:300.1.1.1", 3, "an address or network"),
        ("ip:192.0.2.0/33", 3, "an address or network"),
        ("sev>=bad", 5, "one of good"),
        ("sev>none", 4, "one of good"),
        ("code:5x0", 5, "reply code"),
        ("code>5xx", 5, "reply code"),
        ("age:2h", 4, "a time behind"),
        ("age<2", 4, "a time behind"),
        ("age<²h", 4, "a time behind"),
        ("size>1Q", 5, "a size"),
        ("from>x", 0, "takes a colon"),
        ("phase:never", 6, "one of connect"),
        ("a\x1bb \x1b", 1, "cannot be shown"),
        ("\x07", 0, "cannot be shown"),
    ],
)
def test_the_error_names_its_place(text: str, position: int, says: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert (caught.value.position, says in caught.value.message) == (position, True), caught.value


def test_length_and_depth_are_bounded() -> None:
    with pytest.raises(FilterError, match="longer than"):
        parse("a" * (MAX_LENGTH + 1))
    for deep in ("(" * MAX_LENGTH, "not " * (MAX_LENGTH // 4), "not (" * (MAX_LENGTH // 5)):
        with pytest.raises(FilterError, match="deeper than"):
            parse(deep)
    parse("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH)


@given(st.text(max_size=200) | st.text(alphabet='ab:"\\()<>=*. \tnotrd', max_size=200))
def test_any_text_parses_or_is_told_its_fault(text: str) -> None:
    position = 0
    try:
        parse(text)
    except FilterError as error:
        position = error.position
    assert 0 <= position <= len(text)


def test_time_is_linear() -> None:
    wanted = Pattern.glob("*a*a*a*a*a*a*a*a*b")
    started = time.process_time()
    assert not wanted.matches("a" * 100_000)
    with pytest.raises(FilterError):
        parse('"' + "\\a" * 900)
    assert time.process_time() - started < 0.5
