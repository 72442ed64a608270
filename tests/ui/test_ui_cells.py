"""Text at the edge of the screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.ui.cells import clip, fit, safe, width

hostile = st.text(
    st.characters()
    | st.sampled_from("\x1b\x07\x9b\u202e\u200b\u200d\u0301\ufe0f漢ﷺ[]/@=\ud800\udc80"),
)


@given(hostile)
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    shown = safe(text)
    assert shown.isprintable()
    assert safe(shown) == shown


@given(hostile, st.integers(0, 40), st.sampled_from(["start", "end", "middle"]))
def test_a_cell_is_as_wide_as_it_is_to_be(text: str, cells: int, keep: str) -> None:
    assert width(fit(text, cells, keep)) == cells  # type: ignore[arg-type]
    assert width(clip(text, cells, keep)) <= cells  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\x1b]0;x\x07", "a\\x1b]0;x\\x07"),
        ("a\u202eb", "a\\u202eb"),
        ("漢字", "漢字"),
        ("e\u0301", "e\u0301"),
        ("e" + "\u0301" * 4, "e\u0301\u0301\\u0301\\u0301"),
        ("\u0301e", "\\u0301e"),
        ("x\ufe0f", "x\\ufe0f"),
        (b"\xff\x00".decode("utf-8", "surrogateescape"), "\\xff\\x00"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert safe(text) == shown


@pytest.mark.parametrize(
    ("keep", "shown"), [("start", "abcde…"), ("end", "…ghijk"), ("middle", "ab…ijk")]
)
def test_a_cut_is_marked_where_it_is(keep: str, shown: str) -> None:
    assert clip("abcdefghijk", 6, keep) == shown  # type: ignore[arg-type]


def test_a_wide_character_is_not_cut_in_two() -> None:
    assert clip("漢字漢字", 4) == "漢…"
    assert fit("漢字漢字", 4) == "漢… "
    assert fit("漢字漢字", 4, "end") == "…字 "
