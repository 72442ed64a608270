"""What if: rules held against the past, without touching mail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.timer import Timer
from textual.widget import Widget

from monitor.control.feed import FeedError
from monitor.insight.render.answer import HEADS
from monitor.insight.whatif.answer import Answer
from monitor.insight.whatif.scenario import KINDS
from monitor.ui.cells import safe
from monitor.ui.desk import Desk
from monitor.ui.draw.columns import Column
from monitor.ui.draw.trial import RULES, Rule, draw_told, rule_cells
from monitor.ui.keymap import bindings
from monitor.ui.look import Look
from monitor.ui.screens.base import DeskScreen
from monitor.ui.screens.rule import RuleDialog
from monitor.ui.widgets.lines import Lines
from monitor.ui.widgets.listing import Listing

__all__ = ["TrialScreen"]

PAUSE = 0.3  # seconds without another change before the past is asked
MAX_RULES = 40
_OFFERED = (
    "mta-sts",
    "dmarc=reject",
    "dmarc=quarantine",
    "spf=fail",
    "dkim-bits=2048",
    "greylist=60/pool",
    "greylist=300/pool",
    "greylist=60/address",
    "greylist=300/address",
    "tls",
    "bans",
)


class TrialScreen(DeskScreen):
    """Rules to be turned on and off, and what those that are on would have done."""

    NAME = "trial"
    AUTO_FOCUS = "Listing"
    BINDINGS: ClassVar[list[BindingType]] = bindings("trial")

    def __init__(self, desk: Desk, look: Look) -> None:
        super().__init__(desk, look)
        self._rules = dict.fromkeys(_OFFERED, False)
        self._answer: Answer | None = None
        self._state = ""  # why there is no answer
        self._days = 1  # of the spans
        self._soon: Timer | None = None
        self._drawn: object = None
        self.table: Listing[Rule] = Listing(RULES, lambda rule: rule.word, self._cells, look)

    def body(self) -> Iterable[Widget]:
        """What is asked, the rules, and what is to be said of one."""
        yield Lines(id="summary")
        yield self.table
        yield Lines(id="told")

    def _cells(self, rule: Rule, columns: Sequence[Column]) -> dict[str, tuple[str, Style]]:
        return rule_cells(rule, self.look)

    def on_mount(self) -> None:
        """Show the rules."""
        self.restyle()

    def restyle(self) -> None:
        """Draw all three."""
        told = {one.scenario: one for one in self._answer.scenarios} if self._answer else {}
        rules = [Rule(word, on, told.get(word) if on else None) for word, on in self._rules.items()]
        self.table.set_items(rules)
        self.query_one("#summary", Lines).show(self._head())
        self._drawn = None
        self._explain()

    def _head(self) -> Iterable[Text]:
        palette = self.look.palette
        span = self.desk.span_words(self._days)
        yield Text.assemble(
            (f"What if this had been so in {span}? ", palette.strong),
            ("space tries a rule, e adds one", palette.muted),
        )
        if self._state:
            yield Text(safe(self._state), palette.warning)
        elif self._answer:
            counts = ", ".join(
                f"{self._answer.together[kind]:,} {HEADS[kind]}"
                for kind in KINDS
                if self._answer.together[kind]
            )
            yield Text(
                f"Of {self._answer.messages:,} messages that came in: {counts or 'all come in'}",
                palette.text,
            )
        else:
            yield Text("Mail is not touched by a trial.", palette.muted)

    def _explain(self) -> None:
        if self._drawn is not self.table.item or self._drawn is None:
            self._drawn = self.table.item
            self.query_one("#told", Lines).show(draw_told(self.table.item, self.look))

    def on_line_table_moved(self) -> None:
        """Explain what the cursor is on now."""
        self._explain()

    # -- asking

    def _changed(self) -> None:
        """Ask again, soon."""
        self.workers.cancel_group(self, "study")
        tried = any(self._rules.values())
        self._answer = self._answer if tried else None
        self._state = "Going through history …" if tried else ""
        if self._soon:
            self._soon.stop()
        if tried:
            self._soon = self.set_timer(PAUSE, self._ask)
        self.restyle()

    def _ask(self) -> None:
        self.run_worker(self._fetch(), exclusive=True, group="study")

    async def _fetch(self) -> None:
        tried = [word for word, on in self._rules.items() if on]
        try:
            self._answer = await self.desk.whatif(tried, self._days)
            self._state = ""
        except FeedError as error:
            self._state = str(error)
        self.restyle()

    # -- keys

    def try_out(self, words: Sequence[str]) -> None:
        """Put these on trial instead of what was; from another screen."""
        self._rules = dict.fromkeys(self._rules, False)
        for word in words:
            self._rules.pop(word, None)
        kept = list(self._rules.items())[: MAX_RULES - len(words)]
        self._rules = dict.fromkeys(words, True) | dict(kept)
        self._changed()
        self.table.move(0)

    def action_try(self) -> None:
        """Try the rule under the cursor, or no longer."""
        rule = self.table.item
        if rule is None:
            return
        if rule.word == "bans" and not any(e.list == "ban" for e in self.desk.model.entries):
            self.notify("Nobody is banned at the moment.")
            return
        self._rules[rule.word] = not rule.tried
        self._changed()

    def on_line_table_opened(self) -> None:
        """A double click."""
        self.action_try()

    async def action_rule(self) -> None:
        """Type a rule."""
        await self.app.push_screen(RuleDialog(self.look), self._typed)

    def _typed(self, word: str | None) -> None:
        if word:
            self._rules = {word: True} | self._rules | {word: True}
            self._changed()
            self.table.move(0)

    def action_days(self) -> None:
        """Another span."""
        days = self.desk.next_span(self._days)
        if days == self._days:
            self.notify("A recording is looked at as far as it was played.")
            return
        self._days = days
        self._changed()

    def action_copy(self) -> None:
        """Copy the answer as JSON."""
        if self._answer:
            self.copy_json([self._answer], "the answer")
        else:
            self.notify("There is no answer yet: try a rule.")
