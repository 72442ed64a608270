"""The way in: the UI on a feed, from the terminal to an exit code."""

from __future__ import annotations

import gc
import os
import select
import sys
import threading
from typing import NamedTuple

from monitor.config import Settings
from monitor.control.feed import Feed
from monitor.ui.app import MxtapApp

__all__ = ["Outcome", "run"]


class Outcome(NamedTuple):
    """How the UI ended: an exit code, and whether the relay is to stop too."""

    code: int
    stop_relay: bool


def run(feed: Feed, settings: Settings, *, owns_relay: bool = False) -> Outcome:
    """Run the UI until the operator leaves; it closes ``feed``.

    With ``owns_relay`` the operator is asked whether the relay goes on. Trouble is told on
    stderr, with code 1: a feed that cannot be opened, a terminal that is none.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):  # Textual draws on stderr
        print("mxtap: the screen needs a terminal for input and for stderr", file=sys.stderr)
        return Outcome(1, False)
    threading.Thread(target=_end_with_terminal, daemon=True).start()
    app = MxtapApp(feed, settings, owns_relay=owns_relay)
    gc.freeze()  # what was imported stays: to go through it again and again takes 50 ms a time
    ending = app.run()
    if app.trouble:
        print(f"mxtap: {app.trouble}", file=sys.stderr)
    return Outcome(app.return_code or 0, ending == "stop")


def _end_with_terminal() -> None:
    """End this process when its terminal is gone and no SIGHUP told it so (nohup, setsid).

    Textual would read the end of its input again and again. There is nothing to draw on any
    more, and nothing that is not saved.
    """
    terminal = select.poll()
    terminal.register(sys.stdin.fileno(), 0)  # that it hung up is always told
    terminal.poll()
    os._exit(129)  # as the shell names an end by SIGHUP
