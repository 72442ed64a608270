"""The dialog that bans or allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from monitor.control.feed import FeedError
from monitor.policy.entry import ACTIONS, KINDS, Draft, Entry, Kind, ListName
from monitor.ui.cells import safe
from monitor.ui.desk import Desk
from monitor.ui.durations import parse_lifetime
from monitor.ui.look import Look
from monitor.ui.state.suggest import KIND_LABELS, draft_of
from monitor.ui.widgets.choice import Choice

__all__ = ["EntryDialog"]

_HINTS: dict[Kind, str] = {
    "ip": "One address.",
    "net": "A network, such as 192.0.2.0/24.",
    "helo": "The name that the client gives in EHLO or HELO.",
    "sender": "The whole reverse-path; <> is the null one.",
    "domain": "The domain of the sender. An allowance holds for mail that proves it (DMARC).",
    "dkim": "The domain of a valid DKIM signature.",
}


class EntryDialog(ModalScreen[Sequence[Entry] | None]):
    """Closes with the entries once the relay has them, durably; until then it stays open.

    With ``entry`` it changes how long that one lasts, its answer and its reason.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "confirm", "Confirm"),
        Binding("escape", "cancel", "Cancel", priority=True),
        Binding("tab,down", "app.focus_next", "Next", show=False, priority=True),
        Binding("shift+tab,up", "app.focus_previous", "Before", show=False, priority=True),
    ]

    def __init__(
        self,
        desk: Desk,
        look: Look,
        list_: ListName,
        abouts: Sequence[Mapping[Kind, str]],
        kind: Kind,
        entry: Entry | None = None,
    ) -> None:
        super().__init__()
        self._desk = desk
        self._look = look
        self._list = list_
        self._about: dict[Kind, str] = dict(abouts[0]) if len(abouts) == 1 else {}
        self._many = abouts if len(abouts) > 1 else ()
        self._kind = kind
        self._entry = entry
        self._busy = False

    def compose(self) -> ComposeResult:
        """A field a line."""
        ban = self._list == "ban"
        entry = self._entry
        with Vertical(id="dialog", classes="ban" if ban else "allow") as dialog:
            dialog.border_title = "Extend" if entry else "Ban" if ban else "Allow"
            with Grid():
                if entry is None:
                    yield Label("What")
                    words = [KIND_LABELS[kind] for kind in KINDS]
                    yield Choice(words, self._look, chosen=KINDS.index(self._kind), id="kind")
                yield Label("Value")
                value = Input(self._value(), id="value", compact=True)
                value.disabled = entry is not None or bool(self._many)
                yield value
                if ban:
                    yield Label("Answer")
                    chosen = ACTIONS.index(entry.action) if entry else 0
                    yield Choice(ACTIONS, self._look, chosen=chosen, id="action")
                yield Label("How long")
                yield Input(placeholder="for good (or 30m, 2h, 7d)", id="lifetime", compact=True)
                yield Label("Why")
                reason = safe(entry.reason) if entry else ""
                yield Input(reason, placeholder="for those who read it", id="reason", compact=True)
            yield Static(id="hint", markup=False)
            yield Static("enter confirms   tab next field   esc cancels", id="keys", markup=False)

    def on_mount(self) -> None:
        """Start at the first field."""
        self.query_one("#lifetime" if self._entry else "#kind").focus()
        self.restyle()

    def restyle(self) -> None:
        """Draw the hint in the colours of the theme."""
        self._hint()

    def on_choice_changed(self, event: Choice.Changed) -> None:
        """Another kind of entry has another value."""
        if event.choice.id == "kind":
            value = self.query_one("#value", Input)
            if value.value.strip():
                self._about[self._kind] = value.value
            self._kind = KINDS[event.choice.chosen]
            value.value = self._value()
            self._hint()

    def _values(self) -> list[str]:
        """The values of those that were marked, each once."""
        return list(dict.fromkeys(a[self._kind] for a in self._many if self._kind in a))

    def _value(self) -> str:
        if not self._many:
            return safe(self._about.get(self._kind, ""))
        values = self._values()
        return f"{len(values)}: " + safe(", ".join(values)) if values else ""

    def _hint(self) -> None:
        hint = _HINTS[self._kind]
        if lacking := sum(self._kind not in about for about in self._many):
            hint += f" {lacking} of the {len(self._many)} marked have none and are left out."
        self._say(hint)

    def _say(self, text: str, *, wrong: bool = False) -> None:
        style = self._look.palette.error if wrong else self._look.palette.muted
        self.query_one("#hint", Static).update(Text(safe(text), style))

    def on_input_submitted(self) -> None:
        """Enter confirms in every field."""
        self.action_confirm()

    def action_cancel(self) -> None:
        """Close without an entry, unless the relay is being asked already."""
        if not self._busy:
            self._busy = True
            self.dismiss(None)

    def action_confirm(self) -> None:
        """Hand the entry to the relay."""
        if self._busy:
            return
        try:
            drafts = self._drafts()
        except ValueError as error:
            self._say(str(error), wrong=True)
            return
        self._busy = True
        self._say("asking the relay …")
        self.run_worker(self._confirm(drafts))

    def _drafts(self) -> list[Draft]:
        lifetime = parse_lifetime(self.query_one("#lifetime", Input).value)
        reason = self.query_one("#reason", Input).value.strip()
        action = ACTIONS[self.query_one("#action", Choice).chosen] if self._list == "ban" else None
        if self._entry:
            drafts = [draft_of(self._entry, self._desk.clock())]
        else:
            typed = self.query_one("#value", Input).value.strip()
            values = self._values() if self._many else [typed] if typed else []
            if not values:
                raise ValueError(f"value: there is no {KIND_LABELS[self._kind]} yet; type one")
            drafts = [Draft(list=self._list, kind=self._kind, value=value) for value in values]
        changes = {"lifetime": lifetime, "reason": reason} | ({"action": action} if action else {})
        return [msgspec.structs.replace(draft, **changes) for draft in drafts]

    async def _confirm(self, drafts: list[Draft]) -> None:
        try:
            if self._entry:
                entries = [await self._desk.changes.extend(self._entry, drafts[0])]
            else:
                entries = await self._desk.changes.add(drafts)
        except FeedError as error:
            self._busy = False
            self._say(str(error), wrong=True)
        else:
            self.dismiss(entries)
