"""The message on the session's screen: its header and its octets."""

from __future__ import annotations

import pytest
from ui_fakes import FakeFeed, record
from ui_screen import SIZES, running

from monitor import events as ev
from monitor.capture.export import Message
from monitor.ui.draw.message import draw_header, draw_octets
from monitor.ui.look import Look
from monitor.ui.palette import Palette

sizes = pytest.mark.parametrize("size", SIZES)
LOOK = Look(Palette.of({"accent": "#112233", "foreground": "#ffffff"}))


@sizes
async def test_v_shows_the_header_then_the_octets_then_the_transcript(
    size: tuple[int, int],
) -> None:
    async with running(FakeFeed([record(3)]), size) as screen:
        await screen.press("enter", "v")
        assert "Header" in screen.text
        assert "From: shop@broken.example" in screen.text
        assert " in two lines" in screen.text
        assert "\x1b" not in screen.text
        assert "\\x1b[2J\\u202e" in screen.text
        await screen.press("v")
        assert "The header; its body is not kept." in screen.text
        assert "000000  46 72 6f 6d 3a 20 73 68 6f 70 40 62 72 6f 6b 65  From: shop@broke" in (
            screen.text
        )
        await screen.press("v")
        assert "EHLO broken.example" in screen.text


async def test_the_body_is_there_where_it_was_captured() -> None:
    class Captured(FakeFeed):
        async def transcript(self, session: str) -> list[ev.AnyEvent]:
            said = await super().transcript(session)
            body = ev.Body(session=session, at=said[-1].at, transaction="t3", offset=0,
                           data=(b"Subject: s\r\n\r\n" + b"\0\xff" * 1_166)[:2_345])  # fmt: skip
            return [*said, body]

    async with running(Captured([record(3)])) as screen:
        await screen.press("enter", "v", "v")
        assert "not kept" not in screen.text
        assert "000000  53 75 62 6a 65 63 74" in screen.text
        assert "00 ff 00" in screen.text


async def test_a_transaction_without_a_message_says_so() -> None:
    async with running(FakeFeed([record(3)])) as screen:
        screen.feed.kept.clear()
        await screen.press("enter", "v")
        assert "There is no message" in screen.text
        await screen.press("v")
        assert "There is no message" in screen.text


def test_the_header_ends_at_the_blank_line_and_fields_are_told_apart() -> None:
    lines = draw_header(Message(b"A: 1\r\n 2\r\nno field\r\n\r\nB: body\r\n", True), LOOK)
    assert [line.plain for line in lines] == ["A: 1", " 2", "no field"]
    assert [len(line.spans) for line in lines] == [2, 0, 0]


def test_much_is_cut_and_told() -> None:
    lines = draw_octets(Message(b"x" * 32_800, True), LOOK)
    assert lines[-1].plain == "… and 32 octets more"
    assert len(lines) == 2_049
    assert len(draw_header(Message(b"A: 1\r\n" * 9_999, True), LOOK)) == 2_000
