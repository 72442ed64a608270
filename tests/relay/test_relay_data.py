"""The content of DATA: found, unstuffed and stuffed again, whatever the chunks."""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.relay.data import DataParser, outgoing, stuffed
from monitor.relay.delivery import _mended
from monitor.relay.upstream import Upstream, UpstreamError

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


class Wire(asyncio.Transport):
    """The upstream's end of a connection: keeps what is written, answers the dot."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.writes = 0
        self.upstream = Upstream()
        self.upstream.connection_made(self)

    def write(self, data: Any) -> None:
        self.sent += data
        self.writes += 1
        if (b"\r\n" + self.sent).endswith(b"\r\n.\r\n"):
            self.upstream.data_received(b"250 ok\r\n")

    def is_closing(self) -> bool:
        return True

    def abort(self) -> None: ...


async def passed_on(*pieces: bytes, bare: bool = False) -> bytes:
    wire = Wire()
    assert (await wire.upstream.content(outgoing(pieces, bare), 5, 5)).code == 250
    return wire.sent


@pytest.mark.parametrize("body", [*BODIES, b"a\r\n\0.\r\nb\r\n"])
async def test_the_upstream_hears_the_same_at_every_split(body: bytes) -> None:
    for first in range(len(body) + 1):
        for second in range(first, len(body) + 1):
            sent = await passed_on(body[:first], body[first:second], body[second:])
            assert parse(sent, [])[:2] == (body, b"")


@pytest.mark.parametrize("body", [b"x", b"x\r", b"x\n", b"a\rb\r\n", b"a\nb\r\n", b"\n.\r\n"])
async def test_no_bare_line_end_goes_up(body: bytes) -> None:
    for cut in range(len(body) + 1):
        with pytest.raises(ValueError, match="message"):
            await passed_on(body[:cut], body[cut:])


async def test_a_short_message_and_its_dot_are_one_write() -> None:
    wire = Wire()
    await wire.upstream.content(iter([b"a\r\n"]), 5, 5)
    assert (wire.sent, wire.writes) == (b"a\r\n.\r\n", 1)


async def test_a_message_without_a_last_line_end_gets_no_dot() -> None:
    for pieces in ([b"a"], [b"a\r"], [b"a\r\n", b"b"], [b"a\r", b"b\n"]):
        wire = Wire()
        with pytest.raises(ValueError, match="CRLF"):
            await wire.upstream.content(pieces, 5, 5)
        assert b"." not in wire.sent
    for pieces in ([b"a\r\n"], [b"a\r", b"\n"], [b"a", b"\r", b"\n"], []):
        wire = Wire()
        await wire.upstream.content(pieces, 5, 5)
        assert wire.sent == b"".join(pieces) + b".\r\n"


async def test_nothing_of_a_short_message_goes_up_behind_a_reply_that_nobody_asked_for() -> None:
    wire = Wire()
    wire.upstream.data_received(b"250 queued\r\n")
    with pytest.raises(UpstreamError, match="while the message was sent"):
        await wire.upstream.content(iter([b"a\r\n"]), 5, 5)
    assert wire.sent == b""


@given(st.text("\r\n.x", max_size=30), st.integers(0, 30))
def test_what_is_mended_has_no_bare_line_end_and_no_end_within(text: str, cut: int) -> None:
    body = text.encode() + b"\r\n"
    mended = b"".join(_mended(iter((body[:cut], body[cut:]))))
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", mended)
    assert re.split(rb"\r\n", mended) == re.split(rb"\r\n|\r|\n", body)
    assert parse(stuffed(mended, True) + b".\r\nQUIT\r\n", [])[:2] == (mended, b"QUIT\r\n")


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


@given(st.text("\r\n.x", max_size=40), st.lists(st.integers(0, 60)))
def test_what_is_plain_goes_up_as_it_came(text: str, cuts: list[int]) -> None:
    body = text.encode() + b"\r\n"
    wire = stuffed(body, True) + b".\r\n"
    content, _, parser = parse(wire, [c for c in cuts if c <= len(wire)])
    lines = content.split(b"\r\n")
    bare = any(b"\r" in line or b"\n" in line for line in lines)
    assert parser.facts.plain is not (bare or any(line.startswith(b".") for line in lines))
    if parser.facts.plain:
        assert b"".join(outgoing([content])) == content == wire[:-3]


def test_the_lookalike_is_kept_with_what_follows() -> None:
    parser = DataParser()
    parser.feed(b"a\n.\nMAIL FROM:<x>\r\n.\r\n")
    assert parser.facts.lookalike == b"\n.\nMAIL FROM:<x>\r\n"


# Every pair of what may stand on either side of a dot.
EDGES = [b"".join(pair) for pair in itertools.product((b"", b"\r", b"\n", b"\0", b"."), repeat=2)]


@pytest.mark.parametrize("before", EDGES)
def test_every_lookalike_is_seen_at_every_split(before: bytes) -> None:
    for behind in EDGES:
        wire = b"a" + before + b"." + behind + b"MAIL FROM:<x>\r\n.\r\n"
        if b"\r\n.\r\n" in wire[:-5]:
            continue  # no look-alike, but the end
        plain = wire[:-3].replace(b"\0", b"")
        expected = re.search(rb"(?:\r\n|\r|\n)\.(?:\r\n|\r|\n)", plain)
        for cut in range(len(wire) + 1):
            _, rest, parser = parse(wire, [cut, min(cut + 1, len(wire))])
            assert rest == b""
            facts = parser.facts
            assert facts.disguised is (b"\r\n.\r\n" in plain), (before, behind, cut)
            assert facts.lookalike == (plain[expected.start() :] if expected else b"")
            assert facts.has_null is (b"\0" in wire)


def test_nulls_however_many_disguise_nothing() -> None:
    wire = b"a\r" + b"\0" * 70_000 + b"\n." + b"\0" * 70_000 + b"\r\nMAIL FROM:<x>\r\n.\r\n"
    for step in (65_536, 70_001, len(wire)):
        _, _, parser = parse(wire, list(range(step, len(wire), step)))
        assert parser.facts.disguised
        assert parser.facts.lookalike == b"\r\n.\r\nMAIL FROM:<x>\r\n"


def test_a_null_elsewhere_is_no_disguise() -> None:
    _, _, parser = parse(b"a\0b\r\n\0.c\r\n..\0\r\n.\r\n", [])
    assert (parser.facts.has_null, parser.facts.disguised) == (True, False)


@pytest.mark.parametrize("size", [998, 999, 5_000, 200_000])
def test_long_lines_are_measured_across_chunks(size: int) -> None:
    wire = b"a\r\n" + b"x" * size + b"\r\nb\r\n.\r\n"
    for step in (7, 1000, 65_536):
        _, _, parser = parse(wire, list(range(step, len(wire), step)))
        longest = parser.facts.longest_line
        assert (longest == size) if size > 998 else longest <= 998
