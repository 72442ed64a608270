"""What the command palette offers: every action of a screen by name, saved filters, themes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from textual.app import App, SystemCommand
from textual.dom import DOMNode
from textual.screen import Screen

from monitor.ui.cells import safe
from monitor.ui.keymap import on_screen
from monitor.ui.screens.base import DeskScreen
from monitor.ui.widgets.table import LineTable

__all__ = ["system_commands"]


def system_commands(app: App[Any], screen: Screen[object]) -> Iterable[SystemCommand]:
    """The commands for ``screen``; moving about is left to keys and mouse."""
    name, replay = "live", False
    if isinstance(screen, DeskScreen):
        name, replay = screen.NAME, screen.desk.replay is not None
    for key in on_screen(name, replay=replay):
        if "lines" not in key.where:
            run: Callable[[], object] = partial(_run, app, screen, key.action)
            yield SystemCommand(key.label, key.help, run)
    if isinstance(screen, DeskScreen):
        for title, text in screen.desk.filters.saved.items():
            show = partial(app.run_action, f"show_only({text!r})")
            yield SystemCommand(f"Filter {title}", safe(text), show)
    for theme in sorted(app.available_themes):
        use = partial(setattr, app, "theme", theme)
        yield SystemCommand(f"Theme {theme}", "use these colours", use)


async def _run(app: App[Any], screen: Screen[object], action: str) -> None:
    owners: Iterable[DOMNode] = (screen, *screen.query(LineTable))
    has = f"action_{action.partition('(')[0]}"
    owner = next((owner for owner in owners if hasattr(owner, has)), app)
    await app.run_action(action, owner)
