"""The content of DATA: found, unstuffed and stuffed again, whatever the chunks."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.relay.data import DataParser, stuffed

BODIES = [
    b"",
    b".\r\n",
    b"..\r\n",
    b"...x\r\n",
    b"a\r\n.\r\n.b\r\n",
    b"\r\n",
    b"x\r\n\r\n.\r\ny\r\n",
]


def parse(wire: bytes, cuts: list[int]) -> tuple[bytes, bytes | None, DataParser]:
    parser, content, rest = DataParser(), b"", None
    edges = [0, *sorted(cuts), len(wire)]
    for start, end in itertools.pairwise(edges):
        if rest is not None:
            rest += wire[start:end]
            continue
        piece, rest = parser.feed(wire[start:end])
        content += piece
    return content, rest, parser


@pytest.mark.parametrize("body", BODIES)
def test_bodies_round_trip_at_every_split(body: bytes) -> None:
    wire = stuffed(body, True) + b".\r\nQUIT\r\n"
    for first in range(len(wire) + 1):
        for second in range(first, len(wire) + 1):
            content, rest, _ = parse(wire, [first, second])
            assert (content, rest) == (body, b"QUIT\r\n")


@given(st.lists(st.binary(max_size=30)), st.lists(st.integers(0, 400)))
def test_any_lines_round_trip(lines: list[bytes], cuts: list[int]) -> None:
    body = b"".join(x.replace(b"\r", b"").replace(b"\n", b"") + b"\r\n" for x in lines)
    wire = stuffed(body, True) + b".\r\n"
    content, rest, parser = parse(wire, [c for c in cuts if c <= len(wire)])
    assert (content, rest) == (body, b"")
    assert parser.facts.bare_newlines == 0
    assert parser.facts.size == len(body)


@given(st.text("\r\n.x\0", max_size=40), st.lists(st.integers(0, 45)))
def test_bare_newlines_are_seen_at_every_split(text: str, cuts: list[int]) -> None:
    body = text.encode()
    if b"\r\n.\r\n" in b"\r\n" + body + b"\r\n.\r\n":
        body = body.replace(b".", b"x")
    wire = body + b"\r\n.\r\n"
    content, _, parser = parse(wire, [c for c in cuts if c <= len(wire)])
    bare = content.replace(b"\r\n", b"")
    assert parser.facts.bare_newlines == bare.count(b"\r") + bare.count(b"\n")


def test_the_lookalike_is_kept_with_what_follows() -> None:
    parser = DataParser()
    parser.feed(b"a\n.\nMAIL FROM:<x>\r\n.\r\n")
    assert parser.facts.lookalike == b"\n.\nMAIL FROM:<x>\r\n"


@pytest.mark.parametrize("size", [998, 999, 5_000, 200_000])
def test_long_lines_are_measured_across_chunks(size: int) -> None:
    wire = b"a\r\n" + b"x" * size + b"\r\nb\r\n.\r\n"
    for step in (7, 1000, 65_536):
        _, _, parser = parse(wire, list(range(step, len(wire), step)))
        longest = parser.facts.longest_line
        assert (longest == size) if size > 998 else longest <= 998
