"""One transaction and its session in full."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget

from monitor.capture.export import message
from monitor.events import AnyEvent
from monitor.policy.entry import ListName
from monitor.record import Record
from monitor.ui.desk import Desk
from monitor.ui.draw.answers import draw_answers
from monitor.ui.draw.findings import draw_findings
from monitor.ui.draw.message import draw_header, draw_octets
from monitor.ui.draw.summary import draw_summary
from monitor.ui.draw.transcript import draw_transcript
from monitor.ui.keymap import bindings
from monitor.ui.look import Look
from monitor.ui.screens.meant import RecordsScreen
from monitor.ui.state.attempts import attempts_of
from monitor.ui.state.suggest import suggest
from monitor.ui.widgets.lines import Lines

__all__ = ["SessionScreen"]

_VIEWS = ("Transcript", "Header", "Octets")
_DNS = len(_VIEWS)  # the view of its own key


class SessionScreen(RecordsScreen):
    """Summary on top, then findings and the transcript, side by side where there is room."""

    NAME = "session"
    AUTO_FOCUS = "#transcript"
    BINDINGS: ClassVar[list[BindingType]] = bindings("session")

    def __init__(
        self, desk: Desk, look: Look, record: Record, attempts: Sequence[str] = ()
    ) -> None:
        """``attempts`` are the ids of transactions or sessions that tried the same message."""
        super().__init__(desk, look)
        self.record = record
        self._view = 0
        self._attempts = list(attempts) or attempts_of(record)

    def body(self) -> Iterable[Widget]:
        """The three parts."""
        yield Lines(id="summary")
        findings, transcript = Lines(id="findings"), Lines(id="transcript")
        findings.border_title = "Findings"
        transcript.border_title = _VIEWS[0]
        yield Container(findings, transcript, id="panes")

    def on_mount(self) -> None:
        """Fetch what was said."""
        self.restyle()

    def restyle(self) -> None:
        """Draw all three."""
        self.query_one("#summary", Lines).show(draw_summary(self.record, self.look))
        found = draw_findings(self.record.findings, self.look)
        self.query_one("#findings", Lines).show(found)
        self.call(self._fetch())

    async def _fetch(self) -> None:
        fetch = self.desk.feed.evidence if self._view else self.desk.transcript
        events = await fetch(self.record.session)
        pane = self.query_one("#transcript", Lines)
        pane.border_title = (*_VIEWS, "DNS answers")[self._view]
        pane.show(self._draw(events))

    def _draw(self, events: list[AnyEvent]) -> list[Text]:
        if not self._view:
            return draw_transcript(events, self.look)
        if self._view == _DNS:
            return draw_answers(events, self.look)
        found = message(events, self.record.id)
        return (draw_header if self._view == 1 else draw_octets)(found, self.look)

    def action_view(self) -> None:
        """The header in place of the transcript, then the octets, then the transcript again."""
        self._view = (self._view + 1) % _DNS if self._view < _DNS else 0
        self.call(self._fetch())

    def action_dns(self) -> None:
        """The DNS answers in place of the transcript, or the transcript again."""
        self._view = 0 if self._view == _DNS else _DNS
        self.call(self._fetch())

    def action_attempt(self, step: int) -> None:
        """The session of the attempt before or after this one."""
        if self._attempts:
            self.call(self._go(step))
        else:
            self.notify("This message was tried once, as far as is known.")

    async def _go(self, step: int) -> None:
        here = (self.record.id, self.record.session)
        at = next((i for i, tried in enumerate(self._attempts) if tried in here), None)
        to = len(self._attempts) - 1 if at is None else at + step
        if not 0 <= to < len(self._attempts):
            self.notify("There is no attempt before it." if step < 0 else "This is the last one.")
            return
        record = await self.desk.record(self._attempts[to])
        if record is None:
            self.notify("History does not have this attempt any more.", severity="warning")
            return
        self.record = record
        self.restyle()
        self.notify(f"Attempt {to + 1} of {len(self._attempts)}", timeout=2)

    def action_back(self) -> None:
        """Back to the table."""
        self.dismiss()

    def meant_records(self) -> Sequence[Record]:
        """The one that is shown."""
        return [self.record]

    async def action_ban(self) -> None:
        """Ban this sender."""
        await self._ask("ban")

    async def action_allow(self) -> None:
        """Allow this sender."""
        await self._ask("allow")

    async def _ask(self, list_: ListName) -> None:
        await self.ask_for_entry(list_, [suggest(self.record)], "ip")

    async def action_save(self) -> None:
        """Save this session or its message."""
        await self.ask_to_save([self.record])

    def action_transcribe(self) -> None:
        """Copy what was said."""
        self.call(self.copy_transcript(self.record))

    def action_copy(self) -> None:
        """Copy the record as JSON, through the terminal (OSC 52)."""
        self.copy_json([self.record], "the transaction")
