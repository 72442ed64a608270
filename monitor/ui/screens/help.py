"""The keys of a screen, and what the signs mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from monitor.events import SEVERITIES
from monitor.filter import __doc__ as FILTER_HELP
from monitor.ui.keymap import Key
from monitor.ui.look import Look
from monitor.ui.widgets.lines import Lines

__all__ = ["HelpScreen"]

_WORDS = {
    "good": "as it should be",
    "info": "worth knowing",
    "notice": "could be better",
    "warning": "should be mended",
    "error": "wrong; mail is or will be lost",
}


class HelpScreen(ModalScreen[None]):
    """Help for the screen called ``name``, with the keys as they are bound now."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "Close", priority=True),
    ]

    def __init__(
        self, name: str, keys: Sequence[Key], bound: Mapping[str, str], look: Look
    ) -> None:
        super().__init__()
        self._about = name
        self._keys = keys
        self._bound = bound
        self._look = look

    def compose(self) -> ComposeResult:
        """One scrollable text."""
        with Vertical(id="help") as box:
            box.border_title = f"Help: {self._about.capitalize()}"
            box.border_subtitle = "esc closes"
            yield Lines(self._text())

    def restyle(self) -> None:
        """Draw it anew: the theme changed."""
        self.query_one(Lines).show(self._text(), top=False)

    def _text(self) -> Iterator[Text]:
        palette = self._look.palette
        yield Text("Keys", palette.heading)
        for key in self._keys:
            shown = self._bound.get(key.name, key.keys).replace(",", "  ")
            for long, short in (("slash", "/"), ("question_mark", "?")):
                shown = shown.replace(long, short)
            yield Text.assemble((f"  {shown:<20}", palette.accent), (f"{key.help}", palette.text))
        yield Text.assemble(
            ("  ctrl+p              ", palette.accent),
            ("every command by name, themes included", palette.text),
        )
        yield Text("")
        yield Text("Signs", palette.heading)
        for severity in reversed(SEVERITIES):
            yield Text.assemble(
                (f"  {self._look.marks.severity[severity]} ", palette.severity(severity)),
                (f"{severity:<18}", palette.severity(severity)),
                (_WORDS[severity], palette.text),
            )
        if self._about == "live":
            yield Text("")
            yield Text("Filter", palette.heading)
            for line in (FILTER_HELP or "").splitlines()[2:]:
                if "====" not in line:
                    yield Text("  " + line.replace("``", ""), palette.text)
