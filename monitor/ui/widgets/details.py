"""What is to be said of one transaction: findings, and the transcript where there is room."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.timer import Timer

from monitor.control.feed import FeedError
from monitor.record import Record
from monitor.ui.cells import safe
from monitor.ui.desk import Desk
from monitor.ui.draw.findings import draw_findings
from monitor.ui.draw.summary import draw_brief
from monitor.ui.draw.transcript import draw_transcript
from monitor.ui.look import Look
from monitor.ui.widgets.lines import Lines

__all__ = ["Details"]

_REST = 0.25  # seconds between two records, while they run by


class Details(Horizontal):
    """The pane below the live table."""

    def __init__(self, desk: Desk, look: Look) -> None:
        super().__init__(id="details")
        self._desk = desk
        self._look = look
        self._record: Record | None = None
        self._drawn: object = None
        self._rest: Timer | None = None
        self._session = ""
        self._fetching = False

    def compose(self) -> ComposeResult:
        """Two panes; CSS hides the second where the screen is narrow."""
        yield Lines(id="findings")
        yield Lines(id="transcript")

    def explain(self, record: Record | None, *, at_once: bool) -> None:
        """Show ``record``; unless ``at_once``, not more than a few records a second."""
        self._record = record
        if self._state() != self._drawn and (at_once or not self._rest or not self._drawn):
            self.draw_again()

    def draw_again(self) -> None:
        """Draw what is shown anew: the theme or the room for it changed."""
        self._drawn = self._state()
        record = self._record
        lines: list[Text] = []
        if record is not None:
            found = draw_findings(record.findings, self._look)
            lines = [*draw_brief(record, self._look), Text(""), *found]
        self.query_one("#findings", Lines).show(lines)
        if record is not None and self.query_one("#transcript").display:
            self._session = record.session
            if not self._fetching:
                self.run_worker(self._fetch())
        if self._rest is None:
            self._rest = self.set_timer(_REST, self._rested)

    def _state(self) -> object:
        record = self._record
        return (record.id, len(record.findings)) if record else None

    def _rested(self) -> None:
        self._rest = None
        if self._state() != self._drawn:
            self.draw_again()

    async def _fetch(self) -> None:
        """Fetch one transcript at a time, and again when another is wanted by then."""
        self._fetching = True
        session = ""
        while session != self._session:
            session = self._session
            try:
                lines = draw_transcript(await self._desk.transcript(session), self._look)
            except FeedError as error:
                lines = [Text(safe(str(error)), self._look.palette.muted)]
            self.query_one("#transcript", Lines).show(lines)
        self._fetching = False
