"""Whatever octets come, in whatever pieces: a parser gives a value, its own error, or waits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.relay import paths, proxy
from monitor.relay.identity import offer
from monitor.relay.replies import MAX_LINE, MAX_LINES, ReplyError, ReplyParser
from monitor.relay.upstream import Upstream

TOKENS = (
    b"MAIL FROM:", b"RCPT TO:", b"<", b">", b'"', b"\\", b"@", b"a", b"x.test", b":", b",", b" ",
    b"\t", b"SIZE=1", b"[127.0.0.1]", b"=?utf-8?q?=0d=0a?=", b"\r", b"\n", b"\0", b"\xff", b"+20",
)  # fmt: skip
SMTP = st.lists(st.sampled_from(TOKENS), max_size=12).map(b"".join)
REPLIES = st.lists(
    st.sampled_from(
        [b"250", b"354", b"-", b" ", b"ok", b"\r\n", b"\n", b"\r", b"\0", b"\xff", b"9"]
    ),
    max_size=30,
).map(b"".join)


@given(SMTP | st.binary(max_size=60))
@example(b"RCPT TO:<@r.test:a@[TO:<@.0.1]>")
@example(b"RCPT TO:<a@[x>y]>")
def test_an_address_has_no_control_and_stands_in_the_line(line: bytes) -> None:
    verb, argument = paths.command(line)
    if verb not in (b"MAIL", b"RCPT"):
        return
    try:
        path = paths.path(verb, argument)
    except paths.PathError:
        return
    assert path.address.isprintable()
    assert "<" not in path.address.partition('"')[0]
    if path.address.isascii() and "\\" not in path.address:
        assert path.address.encode() in line
    assert all(param.isprintable() and " " not in param for param in path.params)


@given(REPLIES | st.binary(max_size=60), st.integers(0, 60))
def test_a_reply_is_the_same_at_every_split(octets: bytes, cut: int) -> None:
    assert _replies(octets[:cut], octets[cut:]) == _replies(octets)


def _replies(*pieces: bytes) -> list[object]:
    parser, buffer, found = ReplyParser(), bytearray(), list[object]()
    try:
        for piece in pieces:
            buffer += piece
            while (answer := parser.feed(buffer)) is not None:
                assert 200 <= answer.code < 600
                wire = answer.wire()
                assert wire.count(b"\n") == wire.count(b"\r\n") == len(answer.lines)
                assert b"\r" not in wire.replace(b"\r\n", b"")
                assert b"\0" not in wire
                offer(answer, "SIZE")
                found.append(answer)
    except ReplyError as error:
        found.append(str(error))
    return found


@pytest.mark.parametrize("piece", [b"250-x\r\n", b"x", b"250 " + b"x" * 100])
def test_no_reply_grows_for_ever(piece: bytes) -> None:
    parser, buffer = ReplyParser(), bytearray()

    def endless() -> None:
        for _ in range(2 * MAX_LINES * MAX_LINE // len(piece)):
            buffer.extend(piece)
            parser.feed(buffer)

    with pytest.raises(ReplyError):
        endless()


@given(
    st.binary(max_size=40)
    | st.binary(max_size=40).map(proxy.SIGNATURE.__add__)
    | st.binary(max_size=120).map(b"PROXY ".__add__)
    | st.text("0123456789.:abfTCP46 \r\n", max_size=60).map(
        lambda text: b"PROXY TCP4 " + text.encode()
    )
)
def test_a_proxy_header_is_an_address_or_an_error(octets: bytes) -> None:
    buffer = bytearray(octets)
    try:
        told = proxy.parse(buffer)
    except proxy.ProxyError:
        return
    assert octets.endswith(buffer)
    if told is None:
        assert bytes(buffer) == octets
        assert len(octets) < 16 + proxy.MAX_HEADER
    else:
        assert 0 <= told[1] <= 65_535


class _Nowhere(asyncio.Transport):
    """A connection that nothing may be written to."""

    def write(self, data: Any) -> None:
        raise AssertionError(data)


@pytest.mark.parametrize("line", [b"NOOP\r\nDATA", b"NOOP\n", b"NOOP\r", b"NO\0OP"])
async def test_no_command_holds_a_line_end(line: bytes) -> None:
    """The last line of defence: whoever asks for it."""
    upstream = Upstream()
    upstream.connection_made(_Nowhere())
    with pytest.raises(ValueError, match="line end"):
        await asyncio.wait_for(upstream.ask(line, 1), 1)
