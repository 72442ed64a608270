"""The header of every screen."""

from __future__ import annotations

from textual import events
from textual.strip import Strip
from textual.widget import Widget

from monitor.ui.cells import clip
from monitor.ui.desk import Desk
from monitor.ui.draw.line import Line
from monitor.ui.draw.replay import draw_rehearsal
from monitor.ui.draw.state import draw_state
from monitor.ui.draw.top import draw_tabs, tab_at
from monitor.ui.look import Look

__all__ = ["TopBar"]

_TREND = 60  # seconds


class TopBar(Widget):
    """Two lines, and one more while something needs mending."""

    def __init__(self, desk: Desk, active: str, look: Look) -> None:
        super().__init__()
        self._desk = desk
        self._active = active
        self._look = look

    def sync(self) -> None:
        """Show the present state."""
        status = self._desk.model.status
        self.set_class(bool(status and status.problems), "-problems")
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width = self.size.width
        model = self._desk.model
        feed, replay = self._desk.feed, self._desk.replay
        if y == 0:
            trend = model.rates.series("all", self._desk.clock() - 1, _TREND)
            line = draw_tabs(self._active, model.status, trend, width, self._look)
        elif y == 1:
            replayed = draw_rehearsal(replay.rehearsal) if replay else ""
            line = draw_state(feed.title, replayed, model.status, model.link, width, self._look)
        else:
            problems = model.status.problems if model.status else ()
            text = f" {self._look.marks.severity['warning']} " + "  ".join(problems)
            line = Line().put(clip(text, width), self._look.palette.warning)
        return line.strip(width, self.rich_style)

    def on_click(self, event: events.Click) -> None:
        """A click on a tab opens its screen."""
        name = tab_at(event.x) if event.y == 0 else None
        if name:
            self.app.call_later(self.app.run_action, f"screen('{name}')")
