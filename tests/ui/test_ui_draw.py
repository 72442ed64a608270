"""Lines: columns that fit, bars, and hostile text in everything that is drawn."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style
from ui_fakes import NOW, record, wait

from monitor import events as ev
from monitor.events import Finding, Verdict
from monitor.policy.entry import Entry
from monitor.record import Client, Message, Recipient, Record, Tls
from monitor.ui.draw.columns import lay_out
from monitor.ui.draw.findings import draw_findings
from monitor.ui.draw.plot import amount, nice_top, sparkline
from monitor.ui.draw.row import COLUMNS, draw_record
from monitor.ui.draw.summary import draw_brief, draw_summary
from monitor.ui.draw.tables import (
    ENTRIES,
    SENDERS,
    WAITS,
    draw_cells,
    entry_cells,
    sender_cells,
    wait_cells,
)
from monitor.ui.draw.transcript import draw_transcript, in_cause_order
from monitor.ui.look import Look
from monitor.ui.marks import ASCII, UNICODE, choose
from monitor.ui.state.senders import Senders

LOOK = Look()
hostile = st.text(
    st.characters() | st.sampled_from("\x1b\x07\x9b\u202e\u0301漢ﷺ[]/@=\udc80\n\t"), max_size=40
) | st.sampled_from(["[/bold]", "[@click=app.exit]x", "\x1b]0;owned\x07", "\x1b[2J", "ﷺ" * 50])
now = NOW.timestamp()


@pytest.mark.parametrize("specs", [COLUMNS, ENTRIES, SENDERS, WAITS])
@pytest.mark.parametrize("width", [50, 58, 77, 80, 101, 117, 158, 300])
def test_columns_fill_the_width(specs: tuple, width: int) -> None:
    columns = lay_out(specs, width)
    assert sum(c.width for c in columns) + len(columns) - 1 == width
    assert all(c.width > 0 for c in columns)


def test_sparklines() -> None:
    assert sparkline([0, 1, 2, 4], UNICODE.blocks) == " ▂▄█"
    assert sparkline([0, 0.01, 100], UNICODE.blocks) == " ▁█"
    assert sparkline([], UNICODE.blocks) == ""


@pytest.mark.parametrize(
    ("value", "top", "told"),
    [(0, 1, "0"), (0.3, 0.4, "0.3"), (1, 1, "1"), (11, 20, "11"), (41, 60, "41"),
     (61.5, 80, "62"), (99, 100, "99"), (1_234, 2_000, "1.23k"), (5_000_000, 6_000_000, "5M")],
)  # fmt: skip
def test_scales(value: float, top: float, told: str) -> None:
    assert nice_top(value) == pytest.approx(top)
    assert amount(value) == told


def test_signs_suit_the_terminal() -> None:
    assert choose({"TERM": "xterm-256color"}, "UTF-8") is UNICODE
    assert choose({"TERM": "linux"}, "UTF-8") is ASCII
    assert choose({"TERM": "dumb"}, "UTF-8") is ASCII
    assert choose({"TERM": "xterm"}, "ISO-8859-1") is ASCII
    for marks in (ASCII, UNICODE):
        assert len(set(marks.severity.values())) == len(marks.severity)
        assert len(set(marks.shades)) == 3


@st.composite
def records(draw: st.DrawFn) -> Record:
    text = lambda: draw(hostile)  # noqa: E731
    return record(
        0,
        client=Client(ip=text(), port=1, name=text(), helo=text(), tls=Tls(text(), text())),
        mail_from=draw(st.none() | hostile),
        rcpts=tuple(Recipient(text(), draw(st.sampled_from([250, 450, 550])), text())
                    for _ in range(draw(st.integers(0, 3)))),
        message=Message(size=1, from_=text(), subject=text(), message_id=text()),
        verdict=Verdict(code=draw(st.sampled_from([0, 250, 451, 550, 999])), reply=text(),
                        phase="rcpt", by="upstream"),
        findings=(Finding(code=text(), severity=draw(st.sampled_from(ev.SEVERITIES)),
                          title=text(), detail=text(), evidence={text(): text(), "x": [text()]}),),
    )  # fmt: skip


def harmless(text: str) -> bool:
    return text.isprintable()


@given(records(), st.integers(60, 200))
def test_a_hostile_record_is_one_harmless_line(made: Record, width: int) -> None:
    columns = lay_out(COLUMNS, width)
    strip = draw_record(made, columns, LOOK).strip(width, Style.null())
    assert strip.cell_length == width
    assert sum(segment.cell_length for segment in strip) == width
    assert harmless(strip.text)


@given(records())
def test_hostile_details_are_harmless(made: Record) -> None:
    lines = [
        *draw_summary(made, LOOK),
        *draw_brief(made, LOOK),
        *draw_findings(made.findings, LOOK),
    ]
    assert all(harmless(line.plain) for line in lines)


@given(hostile, st.sampled_from([60, 120]))
def test_hostile_entries_senders_and_waits_are_harmless(text: str, width: int) -> None:
    entry = Entry(id=1, list="ban", kind="helo", value=text, reason=text, by=text, created=NOW,
                  expires=NOW + timedelta(hours=1))  # fmt: skip
    senders = Senders()
    made = record(4, mail_from=f"{text}@{text}", rcpts=(Recipient(text, 450, text),))
    senders.add(made)
    [sender] = senders.busiest()
    waiting = wait(made)
    for specs, cells in (
        (ENTRIES, entry_cells(entry, now, LOOK)),
        (SENDERS, sender_cells(sender, "B", now, 10, LOOK)),
        (WAITS, wait_cells(waiting, now, LOOK, 12)),
    ):
        line = draw_cells(cells, lay_out(specs, width))
        assert line.width == width
        assert harmless(line.strip(width, Style.null()).text)


@given(hostile)
def test_a_hostile_transcript_is_harmless(text: str) -> None:
    said = [
        ev.Opened(session="s", at=1, relay=text, ip=text, port=1, local_ip="", local_port=1),
        ev.Named(session="s", at=1, name=text),
        ev.Identified(session="s", at=1, method="xclient", upstream=text),
        ev.Command(session="s", at=1, text=text, pipelined=True, bare_newline=True),
        ev.Reply(session="s", at=1, code=250, lines=(text, text), by="mxtap", phase="ehlo"),
        ev.Secured(session="s", at=1, side="client", protocol=text, cipher=text),
        ev.TlsFailed(session="s", at=1, side="client", reason=text, alert=text,
                     offered_ciphers=(text,)),
        ev.Content(session="s", at=1, transaction="t", size=1, sha256="", subject=text),
        ev.Asked(session="s", at=1, name=text, type=text, status="ok", records=(text,)),
        ev.Found(session="s", at=1, about="t",
                 findings=(Finding(code=text, severity="error", title=text),)),
        ev.Closed(session="s", at=2, how="quit"),
    ]  # fmt: skip
    assert all(harmless(line.plain) for line in draw_transcript(said, LOOK))


def test_findings_stand_behind_their_cause() -> None:
    at = 5.0
    found = ev.Found(session="s", at=at, about="t", findings=())
    later = ev.Found(session="s", at=4.5, about="t", findings=())
    command = ev.Command(session="s", at=at, text="DATA")
    reply = ev.Reply(session="s", at=6, code=354, lines=(), by="upstream", phase="data")
    assert list(in_cause_order([later, found, command, reply])) == [later, command, found, reply]
    assert list(in_cause_order([command, found])) == [command, found]
