"""A search by C's own library is the one that Python would make."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.search import holds


@given(
    st.lists(st.sampled_from([b" ", b"\r", b"\n", b".", b"x", b"\0", b"\xff"]), max_size=60),
    st.sampled_from([b"  ", b" \r\n", b"\r\n.", b"\r\n.\r\n"]),
)
def test_the_answer_is_pythons_own(pieces: list[bytes], needle: bytes) -> None:
    octets = b"".join(pieces)
    assert holds(octets, needle) is (needle in octets)


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 4_095, 4_096, 70_000])
@pytest.mark.parametrize("nul", [b"", b"\0"])
def test_wherever_the_needle_stands(size: int, nul: bytes) -> None:
    for behind in (0, 1, 64):
        octets = nul + b"\r\n" * (size // 2) + b"x" + b"\r\n.\r\n" + b"\r\n" * behind
        assert holds(octets, b"\r\n.\r\n")
        assert not holds(octets[:-3].replace(b".", b","), b"\r\n.\r\n")
