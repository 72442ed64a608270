"""What rules would have done, a line each, and what is to be said of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rich.style import Style
from rich.text import Text

from monitor.insight.render.answer import becomes, more, wait
from monitor.insight.whatif.answer import Told
from monitor.insight.whatif.scenario import Kind
from monitor.ui.cells import fit, safe
from monitor.ui.draw.columns import Spec
from monitor.ui.look import Look

__all__ = ["RULES", "SHOWN", "Rule", "draw_told", "rule_cells"]

SHOWN = 30  # senders that are named
NAME = 32  # cells
_KINDS: dict[str, Kind] = {
    "lost": "lost",
    "risk": "at-risk",
    "aside": "quarantined",
    "plain": "plaintext",
    "late": "delayed",
}
RULES = (
    Spec("on", "Try", 3, 3),
    Spec("rule", "Rule", 16, 40, 5),
    Spec("lost", "Lost", 6, 9),
    Spec("risk", "Risk", 6, 9),
    Spec("aside", "Aside", 6, 9),
    Spec("plain", "Plain", 6, 9, wide=90),
    Spec("late", "Late", 6, 9),
    Spec("wanted", "Wanted", 6, 9),
    Spec("senders", "Senders", 7, 9),
)


class Rule(NamedTuple):
    """A rule, whether it is tried, and what it would have done as far as that is known."""

    word: str
    tried: bool
    told: Told | None = None


def rule_cells(rule: Rule, look: Look) -> dict[str, tuple[str, Style]]:
    """The cells of a rule; dots while there is no answer."""
    palette = look.palette
    style = palette.strong if rule.tried else palette.muted
    cells = {
        "on": ("[x]" if rule.tried else "[ ]", palette.accent if rule.tried else palette.muted),
        "rule": (rule.word, style),
    }
    counts: dict[str, tuple[int, Style]] = dict.fromkeys(
        (*_KINDS, "wanted", "senders"), (0, palette.muted)
    )
    if rule.told:
        styles = (palette.error, palette.warning, palette.warning, palette.notice, palette.notice)
        for (name, kind), meant in zip(_KINDS.items(), styles, strict=True):
            counts[name] = (rule.told.outcomes[kind].messages, meant)
        wanted = sum(outcome.wanted for outcome in rule.told.outcomes.values())
        counts["wanted"] = (wanted, palette.error)
        counts["senders"] = (rule.told.affected, palette.text)
    for name, (count, meant) in counts.items():
        nothing = "0" if rule.told else look.marks.dot
        cells[name] = (f"{count:,}", meant) if count else (nothing, palette.muted)
    return cells


def draw_told(rule: Rule | None, look: Look) -> Iterator[Text]:
    """One rule in words: whom it would have met, and what is taken for granted."""
    if rule is None or rule.told is None:
        return
    palette, told = look.palette, rule.told
    title = safe(told.title)
    yield Text(f"{title[:1].upper()}{title[1:]}", palette.strong)
    if not told.affected:
        yield Text("Nothing would be lost or held up.", palette.good)
    if told.delay:
        yield Text(wait(told.delay).capitalize(), palette.text)
    for sender in told.senders[:SHOWN]:
        style = palette.error if sender.wanted else palette.text
        yield Text.assemble(
            (fit(sender.sender, NAME, "end"), style), (f" {becomes(sender)}", style)
        )
    if told.affected > SHOWN:
        yield Text(f"and {more(told.affected - SHOWN)}", palette.muted)
    for words, count in told.notes.items():
        yield Text(f"{count:,} {safe(words)}", palette.text)
    for sentence in told.assumptions:
        yield Text(safe(sentence), palette.muted)
