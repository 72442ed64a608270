"""Hostile text in the running app, and poor terminals."""

from __future__ import annotations

import msgspec
import pytest
from textual.color import Color
from textual.filter import NoColor
from ui_fakes import NOW, STATUS, FakeFeed, record
from ui_screen import SIZES, running

from monitor.config import Settings
from monitor.control.protocol import Link
from monitor.events import Finding, Verdict
from monitor.policy.entry import Entry
from monitor.record import Client, Message, Recipient, Record
from monitor.ui import marks
from monitor.ui.app import MxtapApp
from monitor.ui.start import run

BLACK = Color(0, 0, 0)
NASTY = (
    "[/bold]",
    "[@click=app.exit]x[/]",
    "\x1b]0;owned\x07\x1b[2J",
    "\x9b31m\x00\x7f",
    "\u202eevil\u2066\u200b",
    "ﷺ" * 30 + "漢" * 100,
    "Z" + "\u0301" * 200,
    "\udcff\ud800",
    "$(x)\n\r\tb",
)


def nasty(text: str, number: int) -> Record:
    return record(
        number,
        session=text,
        client=Client(ip=text, port=1, name=text, helo=text),
        mail_from=f"{text}@{text}",
        rcpts=(Recipient(text, 450, text),),
        message=Message(size=1, from_=text, subject=text, message_id=text),
        verdict=Verdict(code=450, reply=text, phase="rcpt", by="upstream"),
        findings=(Finding(code=text, severity="error", title=text, detail=text,
                          evidence={"d": text, text: [text, {text: text}]}),),
    )  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_text_is_shown_harmlessly_everywhere(size: tuple[int, int]) -> None:
    feed = FakeFeed([nasty(text, i) for i, text in enumerate(NASTY)])
    feed.title = "".join(NASTY)
    feed.entries = [
        Entry(id=i, list="ban", kind="helo", value=text, reason=text, by=text, created=NOW)
        for i, text in enumerate(NASTY)
    ]
    async with running(feed, size) as screen:

        def check() -> None:
            assert [line for line in screen.lines if not line.isprintable()] == []
            assert screen.app.return_value is None

        for _ in NASTY:
            for keys in (("enter",), ("v",), ("v",), ("b", "right", "right"), ("escape",) * 2, "k"):
                await screen.press(*keys)
                check()
        for keys in (("M",), ("b",), ("right",) * 3, ("escape",), ("2",), ("M", "a"), ("escape",),
                     ("3",), ("4",), ("e",), ("enter",), ("x",), ("u",), ("1",)):  # fmt: skip
            await screen.press(*keys)
            check()
        for text in NASTY:
            feed.refuses = text
            await screen.push(
                msgspec.structs.replace(STATUS, upstream=text, dns=text, problems=(text,)),
                Link(False, text),
            )
            check()
            await screen.press("b", "enter")
            check()
            await screen.press("escape", "u")
            check()


async def test_a_filter_from_a_hostile_sender_does_not_break_the_screen() -> None:
    feed = FakeFeed([record(4, mail_from='a@x"y\\ or (z')])
    async with running(feed) as screen:
        await screen.press("2", "enter")
        assert "1 of 1" in screen.text


async def test_signs_without_unicode() -> None:
    async with running(FakeFeed([record(3)])) as screen:
        screen.app.look.marks = marks.ASCII
        screen.app.look.edition += 1
        await screen.press("d", "d")
        text = "\n".join(screen.lines[1:4])
        assert text.isascii() or "…" in text
        assert "E dkim.fail" in screen.text
        assert screen.lines[3].startswith("> ")


async def test_no_color_leaves_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = MxtapApp(FakeFeed([record(3)]), Settings(name="x"))
    assert app.theme == "mxtap-plain"
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.tick()
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        no_color = next(f for f in app.get_line_filters() if isinstance(f, NoColor))
        drawn = [s for strip in strips for s in no_color.apply(list(strip), BLACK)]
        colours = {s.style.color for s in drawn if s.style}
        assert all(colour is None or colour.is_default for colour in colours)
        cursor = [s for s in strips if s.text.startswith(app.look.marks.cursor)]
        assert len(cursor) == 1


def test_without_a_terminal_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = run(FakeFeed(), Settings(name="x"))
    assert outcome.code == 1
    assert "needs a terminal" in capsys.readouterr().err
