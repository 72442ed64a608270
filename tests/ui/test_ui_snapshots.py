"""Every screen as it looked when somebody looked at it, at two sizes and in two themes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec
import pytest
from test_ui_replay import errors, replaying
from textual.widgets import Input
from ui_fakes import CAST, NOW, STATUS, FakeFeed, record
from ui_screen import SIZES, Screen, running
from ui_snapshot import FOLDER, RENEW, compare

from monitor.control.protocol import Link
from monitor.policy.entry import Entry
from monitor.ui.keymap import SCREENS
from monitor.ui.screens import history, trial
from monitor.ui.screens.base import DeskScreen
from monitor.ui.widgets import details
from monitor.ui.widgets.filter_bar import FilterBar
from monitor.ui.widgets.records import RecordTable

THEMES = ("mxtap-night", "mxtap-plain")

# What is pressed to get there, by the name of the snapshot.
WALKS: dict[str, tuple[str, ...]] = {
    "live": ("k", "k", "m", "k"),
    "live-filter": ("slash", *"sev>=dreadful"),
    "live-order": ("o",),
    "senders": ("2", "j"),
    "waiting": ("3",),
    "lists": ("4", "j"),
    "rates": ("5",),
    "trial": ("6", "g", "j", "space"),
    "session": ("g", "j", "j", "enter"),
    "session-header": ("g", "enter", "v"),
    "session-octets": ("g", "enter", "v", "v"),
    "session-dns": ("g", "enter", "d"),
    "report": ("2", "g", "r", "j"),
    "letter": ("2", "g", "l"),
    "help": ("question_mark",),
    "ban": ("M", "b", "tab"),
    "extend": ("4", "e"),
    "filters": ("F",),
    "leave": ("q",),
}
OTHERS = ("live-empty", "live-gone", "replay")


@pytest.fixture(autouse=True)
def _fixed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for module, name in ((trial, "PAUSE"), (history, "PAUSE"), (details, "_REST")):
        monkeypatch.setattr(module, name, 0.001)
    monkeypatch.setattr(Input, "cursor_blink", False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def feed() -> FakeFeed:
    """Some mail of everybody, two entries, a filter of before."""
    made = FakeFeed([record(i) for i in range(5 * len(CAST))], msgspec.structs.replace(
        STATUS, dns_up=True, problems=("the disk is nearly full",)
    ))  # fmt: skip
    made.entries = [
        Entry(id=1, list="ban", kind="net", value="203.0.113.0/24", action="tarpit", hits=1_204,
              reason="rapid fire", by="root", created=NOW, expires=NOW + timedelta(hours=7)),
        Entry(id=2, list="allow", kind="domain", value="good.example", reason="partner",
              by="ops", created=NOW - timedelta(hours=1)),
    ]  # fmt: skip
    return made


@asynccontextmanager
async def shown(made: FakeFeed, size: tuple[int, int]) -> AsyncIterator[Screen]:
    async with running(made, size, owns_relay=True, clock=lambda: NOW.timestamp() + 60) as screen:
        yield screen


async def home(screen: Screen) -> None:
    """Back to the live screen, as it was at the start."""
    while not isinstance(screen.app.screen, DeskScreen):
        await screen.press("escape")
    await screen.app.action_show_only("")
    screen.app.screen.query_one(FilterBar).close()
    table = screen.app.screen.query_one(RecordTable)
    table.unmark()
    table.follow = True
    screen.app.screen.set_focus(table)
    screen.app.desk.rejoin()
    table.sync()
    await screen.settle()


@pytest.mark.parametrize("size", SIZES, ids="{0[0]}x{0[1]}".format)
async def test_every_screen_looks_as_it_did(size: tuple[int, int]) -> None:
    told = ""
    async with shown(feed(), size) as screen:
        screen.app.desk.filters.save("deferred", "code:4xx")
        screen.app.desk.filters.remember("from:rapid age<2h")
        for name, walk in WALKS.items():
            await screen.press(*walk)
            told += await compare(screen, name, THEMES)
            await home(screen)
    async with shown(FakeFeed(), size) as screen:
        told += await compare(screen, "live-empty", THEMES)
        await screen.push(Link(False, "connection refused"))
        told += await compare(screen, "live-gone", THEMES)
    async with replaying(errors(), size) as replay:
        await replay.seek(12)
        while not replay.rows():  # they are read in a thread
            await replay.screen.settle()
        told += await compare(replay.screen, "replay", THEMES)
    assert not told, f"{told}\n{RENEW}"


def test_there_is_a_snapshot_of_every_screen_and_none_of_another() -> None:
    assert set(SCREENS) <= set(WALKS)
    names = {f"{name}-{w}x{h}" for name in {*WALKS, *OTHERS} for w, h in SIZES}
    assert {path.stem for path in FOLDER.iterdir()} == names
