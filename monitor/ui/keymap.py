"""Every key in one place; :mod:`monitor.ui.keys_file` rebinds them."""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding, BindingType

__all__ = ["KEYS", "SCREENS", "Key", "bindings", "of", "on_screen"]


class Key(NamedTuple):
    """One action: its name in the key file, its keys, and where it holds."""

    name: str
    keys: str
    action: str
    label: str  # for the footer
    help: str
    where: tuple[str, ...]
    show: bool = True


_LISTS = ("live", "senders", "waiting", "lists")
_RECORDS = ("live", "waiting", "session")
_MEANT = ("live", "senders", "session")
_PUSHED = ("session", "report", "letter")
_APP = ("app",)
_MOVE = ("table", "lines")
_REPLAY = ("replay",)

KEYS = (
    Key("open", "enter", "open", "Open", "open what the cursor is on", (*_LISTS, "report"), False),
    Key("back", "escape", "back", "Back", "back to where it was opened", _PUSHED),
    Key(
        "before",
        "left_square_bracket",
        "attempt(-1)",
        "Attempt before",
        "the attempt before",
        ("session",),
        False,
    ),
    Key(
        "after",
        "right_square_bracket",
        "attempt(1)",
        "Attempt after",
        "the attempt after",
        ("session",),
        False,
    ),
    Key("view", "v", "view", "View", "transcript, header or octets", ("session",)),
    Key("clear", "escape", "clear", "Clear", "clear the filter", ("live",), False),
    Key("ban", "b", "ban", "Ban", "refuse mail like this", (*_LISTS, "session")),
    Key("allow", "a", "allow", "Allow", "let mail like this pass", (*_LISTS, "session")),
    Key("ban-pool", "P", "ban_pool", "Ban pool", "ban all of its pool", ("live", "session"), False),
    Key(
        "report",
        "r",
        "report",
        "Report",
        "its report card; two that are marked, side by side",
        _MEANT,
    ),
    Key(
        "letter", "l", "letter", "Letter", "a letter to its postmaster", (*_MEANT, "report"), False
    ),
    Key(
        "what-if",
        "w",
        "what_if",
        "What if",
        "what a ban of it would have done",
        (*_MEANT, "report"),
        False,
    ),
    Key("dns", "d", "dns", "DNS", "the DNS answers, or the transcript again", ("session",)),
    Key("try", "space,enter", "try", "Try", "try this rule, or no longer", ("trial",)),
    Key("rule", "e", "rule", "Rule", "type another rule to try", ("trial",)),
    Key("days", "s", "days", "Days", "the last day, week or month", ("trial", "report")),
    Key("save-letter", "s", "save", "Save", "save the letter to a new file", ("letter",)),
    Key("full", "f", "full", "In full", "with your users' addresses, or without", ("letter",)),
    Key("end", "x,delete", "end", "End", "end this entry", ("lists",)),
    Key("extend", "e", "extend", "Extend", "let this entry last longer", ("lists",)),
    Key("undo", "u", "undo", "Undo", "take back the last change of the lists", _APP),
    Key("filter", "slash", "filter", "Filter", "show only what matches", ("live",)),
    Key(
        "filters", "F", "filters", "Filters", "filters of before, and saved:NAME", ("live",), False
    ),
    Key("follow", "space,f", "follow", "Follow", "follow the newest, or hold still", ("live",)),
    Key("order", "o", "order", "Order", "by time, finding, reply or client", ("live",), False),
    Key("reverse", "O", "reverse", "Reverse", "that order from its other end", ("live",), False),
    Key("details", "d", "details", "Details", "show or hide the details", ("live",), False),
    Key("span", "s", "span", "Span", "the last minute, ten minutes or hour", ("rates",)),
    Key(
        "copy",
        "y",
        "copy",
        "Copy",
        "copy as JSON, a letter as text",
        (*_RECORDS, "trial", *_PUSHED[1:]),
        False,
    ),
    Key("save", "s", "save", "Save", "save sessions, or a message", ("live", "session"), False),
    Key(
        "transcript",
        "Y",
        "transcribe",
        "Transcript",
        "copy the transcript",
        ("live", "session"),
        False,
    ),
    Key("up", "k,up", "cursor_up", "Up", "a line up", _MOVE, False),
    Key("down", "j,down", "cursor_down", "Down", "a line down", _MOVE, False),
    Key("page-up", "pageup,ctrl+b", "page_up", "Page up", "a page up", _MOVE, False),
    Key("page-down", "pagedown,ctrl+f", "page_down", "Page down", "a page down", _MOVE, False),
    Key("top", "g,home", "top", "Top", "to the first line", _MOVE, False),
    Key("bottom", "G,end", "bottom", "Bottom", "to the last line", _MOVE, False),
    Key("mark", "m", "mark", "Mark", "mark this line, and on to the next", ("table",), False),
    Key("mark-all", "M", "mark_all", "Mark all", "mark all, or none", ("table",), False),
    Key("play", "p", "replay('play')", "Play", "play or pause", _REPLAY),
    Key("step", ".", "replay('step')", "Step", "to the next transaction", _REPLAY, False),
    Key("slower", "<", "replay('slower')", "Slower", "slower, down to 0.25x", _REPLAY, False),
    Key("faster", ">", "replay('faster')", "Faster", "faster, up to 1000x", _REPLAY, False),
    Key("fastest", "*", "replay('fastest')", "Fastest", "as fast as possible", _REPLAY, False),
    Key("seek", ":", "replay('seek')", "Go to", "go to a time or a percentage", _REPLAY, False),
    Key("back-10", "left", "replay('back')", "10 s back", "10 seconds back", _REPLAY, False),
    Key("forward-10", "right", "replay('forward')", "10 s on", "10 seconds on", _REPLAY, False),
    Key("far-back", "shift+left", "replay('far-back')", "Far back", "5% back", _REPLAY, False),
    Key("far-on", "shift+right", "replay('far-forward')", "Far on", "5% on", _REPLAY, False),
    Key("error", "n", "replay('error')", "Next error", "to the next error", _REPLAY, False),
    Key("loop", "L", "replay('loop')", "Loop", "begin again at the end, or not", _REPLAY, False),
    Key("live", "1", "screen('live')", "Live", "transactions as they end", _APP, False),
    Key("senders", "2", "screen('senders')", "Senders", "a line a sending domain", _APP, False),
    Key("waiting", "3", "screen('waiting')", "Waiting", "deferred mail", _APP, False),
    Key("lists", "4", "screen('lists')", "Lists", "bans and allowances", _APP, False),
    Key("rates", "5", "screen('rates')", "Rates", "how much, how well", _APP, False),
    Key("trial", "6", "screen('trial')", "Trial", "rules, held against the past", _APP, False),
    Key("theme", "t", "next_theme", "Theme", "the next theme", _APP, False),
    Key("help", "question_mark", "help", "Help", "the keys of this screen", _APP),
    Key("quit", "q", "leave", "Quit", "leave", _APP),
)

# Where a key may be pressed on each screen; a key does one thing in all of them.
SCREENS = {
    "live": ("live", "table", "lines", "replay", "app"),
    "senders": ("senders", "table", "replay", "app"),
    "waiting": ("waiting", "table", "replay", "app"),
    "lists": ("lists", "table", "replay", "app"),
    "rates": ("rates", "replay", "app"),
    "trial": ("trial", "table", "lines", "replay", "app"),
    "session": ("session", "lines", "replay", "app"),
    "report": ("report", "table", "lines", "replay", "app"),
    "letter": ("letter", "lines", "replay", "app"),
}


def of(where: str) -> tuple[Key, ...]:
    """The keys that hold in one place."""
    return tuple(key for key in KEYS if where in key.where)


def on_screen(name: str, *, replay: bool) -> tuple[Key, ...]:
    """The keys of a screen; those of the transport in a replay only."""
    places = set(SCREENS[name]) - (set() if replay else {"replay"})
    return tuple(key for key in KEYS if places & set(key.where))


def bindings(where: str) -> list[BindingType]:
    """Those keys as Textual's bindings.

    They have priority: such a key is done with before the next one is looked at. Without it,
    keys that come in one go (a slow line, a paste) would overtake each other, and the Enter
    behind a ``b`` and an Escape would ban somebody. Who has them answers ``check_action``,
    so that letters still reach a field that is typed in.
    """
    return [
        Binding(k.keys, k.action, k.label, show=k.show, id=k.name, tooltip=k.help, priority=True)
        for k in of(where)
    ]
