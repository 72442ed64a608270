"""Every key of every screen, from the table of keys itself: each does what it is there for.

A key that is new needs a line in ``DOES``, or the test of its screens fails.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

import pytest
from test_ui_replay import replaying
from textual.keys import format_key
from textual.widgets import Input
from ui_fakes import NOW, FakeFeed, record
from ui_screen import Screen, running

from monitor.findings.catalogue import finding
from monitor.policy.entry import Entry
from monitor.ui.keymap import SCREENS, Key, of, on_screen
from monitor.ui.screens.base import DeskScreen
from monitor.ui.screens.trial import TrialScreen
from monitor.ui.widgets.lines import Lines
from monitor.ui.widgets.listing import Listing
from monitor.ui.widgets.table import LineTable

ROWS = 50
MIDDLE = 25


class Seen(NamedTuple):
    """What an operator sees, and where the relay stands."""

    screen: str
    text: str
    cursor: int | None
    scroll: float
    marked: int
    theme: str
    clipboard: str
    entries: int
    ending: str | None
    typing: bool


def look(screen: Screen) -> Seen:
    shown = screen.app.screen
    table = next(iter(shown.query(LineTable)), None)
    lines = next(iter(shown.query("#transcript, #letter").results(Lines)), None)
    name = shown.NAME if isinstance(shown, DeskScreen) else type(shown).__name__
    return Seen(
        name, screen.text, table.cursor if table else None, lines.scroll_y if lines else 0,
        len(table.marked) if table else 0, screen.app.theme, screen.app.clipboard,
        len(screen.feed.entries), screen.app.return_value, isinstance(screen.app.focused, Input),
    )  # fmt: skip


Check = Callable[[Seen, Seen], bool]


class Does(NamedTuple):
    """What is to be seen after a key; ``first`` are keys before it."""

    check: Check
    first: tuple[str, ...] = ()


def shows(text: str, *first: str) -> Does:
    return Does(lambda before, after: text in after.text and text not in before.text, first)


def opens(name: str, *first: str) -> Does:
    return Does(lambda before, after: after.screen == name != before.screen, first)


def moves(way: int) -> Does:
    """By a line for 1, by a page for 2, to the end for 3; in the middle of the rows."""

    def check(before: Seen, after: Seen) -> bool:
        if after.cursor is None:  # a text that is a little longer than its pane
            return (after.scroll > before.scroll) == (way > 0) and after.scroll != before.scroll
        gone = (after.cursor - (before.cursor or 0)) * (1 if way > 0 else -1)
        least, most = {1: (1, 1), 2: (5, MIDDLE - 1), 3: (MIDDLE - 1, MIDDLE)}[abs(way)]
        return least <= gone <= most

    return Does(check)


DOES: dict[str, Does | dict[str, Does]] = {
    "open": {
        "live": opens("session"),
        "waiting": opens("session"),
        "senders": opens("live"),
        "lists": opens("EntryDialog"),
        "report": opens("session"),
    },
    "back": Does(lambda before, after: after.screen == "live"),
    "before": shows("Attempt 1 of 3"),
    "after": shows("Attempt 3 of 3"),
    "view": shows("From: m25@d25.example"),
    "clear": Does(lambda before, after: "filter" not in after.text, ("slash", *"d2", "enter")),
    "ban-pool": opens("EntryDialog"),
    "report": opens("report"),
    "letter": opens("letter"),
    "what-if": opens("trial"),
    "dns": shows("DNS answers"),
    "try": shows("[x] dkim-bits=1025"),
    "rule": opens("RuleDialog"),
    "days": {"trial": shows("the last month"), "report": shows("2026-02-12")},
    "save-letter": opens("SaveLetterDialog"),
    "full": shows("leaves them out"),
    "ban": opens("EntryDialog"),
    "allow": opens("EntryDialog"),
    "end": Does(lambda before, after: after.entries == before.entries - 1),
    "extend": opens("EntryDialog"),
    "undo": Does(lambda before, after: after.entries == before.entries - 1, ("1", "b", "enter")),
    "filter": Does(lambda before, after: after.typing),
    "filters": opens("FiltersDialog"),
    "follow": shows("following"),
    "order": shows("by finding"),
    "reverse": shows("Time↓"),
    "details": Does(lambda before, after: "PTR" in before.text and "PTR" not in after.text),
    "span": shows("-10 min"),
    "copy": {
        "trial": shows("There is no answer yet"),
        **dict.fromkeys(
            ("live", "waiting", "session"),
            Does(lambda before, after: "d25.example" in after.clipboard),
        ),
        **dict.fromkeys(
            ("report", "letter"), Does(lambda before, after: "rapid.example" in after.clipboard)
        ),
    },
    "save": opens("SaveDialog"),
    "transcript": Does(lambda before, after: "MAIL FROM:<m25@d25.example>" in after.clipboard),
    "up": moves(-1),
    "down": moves(1),
    "page-up": moves(-2),
    "page-down": moves(2),
    "top": moves(-3),
    "bottom": moves(3),
    "mark": Does(lambda before, after: after.marked == 1),
    "mark-all": Does(lambda before, after: after.marked == ROWS),
    "live": Does(lambda before, after: after.screen == "live"),
    "senders": Does(lambda before, after: after.screen == "senders"),
    "waiting": Does(lambda before, after: after.screen == "waiting"),
    "lists": Does(lambda before, after: after.screen == "lists"),
    "rates": Does(lambda before, after: after.screen == "rates"),
    "trial": Does(lambda before, after: after.screen == "trial"),
    "theme": Does(lambda before, after: after.theme != before.theme),
    "help": opens("HelpScreen"),
    "quit": opens("LeaveDialog"),
}


def does(key: Key, name: str) -> Does:
    """What ``key`` is there for on the screen called ``name``."""
    found = DOES[key.name]
    return found[name] if isinstance(found, dict) else found


def feed() -> FakeFeed:
    """As many senders, waits and entries as transactions; the middle one was tried thrice."""
    tried = tuple({"session": f"s{4 + 8 * i}"} for i in (MIDDLE - 1, MIDDLE, MIDDLE + 1))
    retried = {"findings": (finding("retry.too-soon", attempts=list(tried)),)}
    made = FakeFeed([
        record(4 + 8 * i, mail_from=f"m{i:02}@d{i:02}.example", **(retried if i == MIDDLE else {}))
        for i in range(ROWS)
    ])  # fmt: skip
    made.entries = [
        Entry(id=i + 1, list="ban", kind="domain", value=f"d{i:02}.example",
              created=NOW - timedelta(seconds=i))
        for i in range(ROWS)
    ]  # fmt: skip
    return made


async def arrange(screen: Screen, name: str) -> None:
    """The screen called ``name`` as at the start, its cursor in the middle."""
    while not isinstance(screen.app.screen, DeskScreen):
        await screen.press("escape")
    screen.feed.entries = feed().entries
    screen.app.desk.model.entries = tuple(screen.feed.entries)
    screen.app.copy_to_clipboard("")
    screen.app.clear_notifications()
    if screen.app.desk.model.window.filter:
        await screen.app.action_show_only("")
    screen.app.desk.rejoin()
    shown = screen.app.screen
    if name in ("report", "letter"):
        await go(screen, "live")
        await screen.press("r" if name == "report" else "l")
    elif name != "session":
        await go(screen, name)
    elif (
        shown.NAME != "session"
        or "<m25@d25.example>" not in screen.text
        or "Transcript" not in screen.text
    ):
        await go(screen, "live")
        await screen.press("enter")
    if name == "report":
        await many_points(screen)
    for lines in screen.app.screen.query("#transcript, #letter").results(Lines):
        lines.scroll_to(y=3, animate=False, force=True)
    await screen.settle()


async def many_points(screen: Screen) -> None:
    """As many faults on a report card as transactions."""
    table = screen.app.screen.query_one(Listing)
    fault = next(row for _, row in map(table.items.item, range(len(table.items))) if row.code)
    table.set_items(fault._replace(code=f"x{i}") for i in range(ROWS))
    table.move(0)
    table.move(MIDDLE)
    await screen.settle()


async def go(screen: Screen, name: str) -> None:
    """To one of the tables, in the middle of it."""
    await screen.app.action_screen(name)
    await screen.pilot.pause()
    if isinstance(shown := screen.app.screen, TrialScreen):
        shown._rules = {f"dkim-bits={1_000 + i}": False for i in range(ROWS)}
        shown._days = 1
        shown.restyle()
    screen.app.screen.remove_class("-plain")
    for table in screen.app.screen.query(LineTable):
        table.follow = False
        table.unmark()
        table.move(0)
        table.move(MIDDLE)
        screen.app.screen.set_focus(table)
    await screen.settle()


EVERYWHERE = {key.name for key in of("app") if key.name != "help"}  # the same on all screens
TEXTS = ("session",)  # where the keys of tables move a text


def presses(key: Key, name: str) -> list[str]:
    """All its keys on the first screen that has it; one of them where it does something else."""
    first = next(there for there in SCREENS if key in on_screen(there, replay=False))
    keys = key.keys.split(",")
    if name == first:
        return keys
    same = key.name in EVERYWHERE or ("table" in key.where and name not in TEXTS)
    return [] if same else keys[:1]


@pytest.mark.parametrize("name", SCREENS)
async def test_every_key_does_what_it_is_for(name: str) -> None:
    wrong = []
    async with running(feed(), owns_relay=True, clock=lambda: NOW.timestamp() + 900) as screen:
        for key in on_screen(name, replay=False):
            for pressed in presses(key, name):
                await arrange(screen, name)
                wanted = does(key, name)
                await screen.press(*wanted.first)
                before = look(screen)
                await screen.press(pressed)
                if not wanted.check(before, look(screen)):
                    wrong.append(f"{pressed} ({key.name})\n{screen.text}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("key", of("replay"), ids=lambda key: key.name)
async def test_every_key_of_a_replay_changes_it(key: Key) -> None:
    async with replaying() as replay:
        await replay.seek(8)
        for pressed in key.keys.split(","):
            before = replay.bar, replay.screen.app.screen
            await replay.press(pressed)
            assert (replay.bar, replay.screen.app.screen) != before


async def test_no_key_of_a_screen_holds_while_something_is_typed() -> None:
    async with running(feed()) as screen:
        await screen.press("slash")
        keys = [k for key in on_screen("live", replay=False) for k in key.keys.split(",")]
        typed = [key for key in keys if len(key) == 1]
        await screen.press(*typed)
        assert screen.app.focused.value == "".join(typed)
        assert look(screen).entries == ROWS


@pytest.mark.parametrize("name", SCREENS)
def test_the_footer_of_every_screen_fits_into_80_columns(name: str) -> None:
    shown = [key for key in on_screen(name, replay=False) if key.show]
    texts = [f"{format_key(key.keys.split(',')[0])} {key.label}" for key in shown]
    assert {"Help", "Quit"} <= {key.label for key in shown}
    assert len(" ".join(texts)) <= 80 - len("| ^p palette "), texts


@pytest.mark.parametrize("name", SCREENS)
def test_every_command_of_a_screen_has_a_name_of_its_own(name: str) -> None:
    labels = [key.label for key in on_screen(name, replay=True) if "lines" not in key.where]
    assert len(labels) == len(set(labels)), sorted(labels)
