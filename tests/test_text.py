"""What comes from the network is harmless as text, and not lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.text import escape, printable, unescape


@given(st.binary())
def test_escape_is_reversible_and_printable(raw: bytes) -> None:
    assert unescape(escape(raw)) == raw
    assert escape(raw).isprintable()


@given(st.text())
def test_printable_is_printable(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    shown.encode("utf-8")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x1b[31m", "\\x1b[31m"),
        (b"\x9b", "\\x9b"),
        ("\u202eevil".encode(), "\\u202eevil"),
        ("a\u200bb".encode(), "a\\u200bb"),
        (b"a\r\nb", "a\\x0d\\x0ab"),
        ("größe 😀".encode(), "größe 😀"),
    ],
)
def test_hostile_characters_become_visible(raw: bytes, shown: str) -> None:
    assert printable(raw) == shown


def test_a_limit_marks_its_cut() -> None:
    assert printable("abcdef", 4) == "abc…"
