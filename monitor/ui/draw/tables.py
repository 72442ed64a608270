"""List entries, senders and waits on a line each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style

from monitor.findings.retry.waiting import Wait
from monitor.insight.rules import Grade
from monitor.policy.entry import Entry
from monitor.ui.draw.card import grade_style
from monitor.ui.draw.columns import Column, Spec
from monitor.ui.draw.line import Line
from monitor.ui.draw.plot import sparkline
from monitor.ui.draw.timeline import timeline
from monitor.ui.durations import ago
from monitor.ui.look import Look
from monitor.ui.state.senders import Sender
from monitor.ui.state.suggest import KIND_LABELS

__all__ = ["ENTRIES", "SENDERS", "WAITS", "draw_cells", "entry_cells", "sender_cells", "wait_cells"]

ENTRIES = (
    Spec("list", "List", 7, 7),
    Spec("kind", "What", 7, 7),
    Spec("value", "Value", 16, 44, 5, keep="middle"),
    Spec("action", "Answer", 7, 8),
    Spec("hits", "Hits", 6, 8),
    Spec("expires", "Expires", 9, 12),
    Spec("by", "Who", 8, 20, 2),
    Spec("age", "Age", 5, 5, wide=100),
    Spec("reason", "Why", 9, 80, 4),
)
SENDERS = (
    Spec("grade", "G", 1, 1),
    Spec("name", "Sender", 20, 44, 5, keep="end"),
    Spec("volume", "Mail", 6, 8),
    Spec("trend", "By minute", 10, 30, 3),
    Spec("accepted", "2xx", 5, 8),
    Spec("deferred", "4xx", 5, 8),
    Spec("refused", "5xx", 5, 8),
    Spec("error", "Err", 4, 6),
    Spec("warning", "Warn", 4, 6),
    Spec("fault", "Most often", 11, 40, 4),
    Spec("seen", "Last", 5, 5, wide=100),
)
WAITS = (
    Spec("from", "From", 17, 40, 4, keep="middle"),
    Spec("to", "To", 13, 36, 3, keep="middle"),
    Spec("network", "Network", 14, 22, 1, wide=100),
    Spec("since", "Waits", 5, 6),
    Spec("count", "Tries", 5, 5),
    Spec("tries", "When", 12, 40, 3),
    Spec("next", "Next", 7, 7),
    Spec("code", "", 3, 3),
)

Cells = dict[str, tuple[str, Style]]


def draw_cells(cells: Cells, columns: Sequence[Column]) -> Line:
    """A row of named cells."""
    line = Line()
    for index, column in enumerate(columns):
        if index:
            line.gap()
        text, style = cells[column.name]
        line.put(text, style, column.width, column.keep)
    return line


def entry_cells(entry: Entry, now: float, look: Look) -> Cells:
    """A ban or an allowance."""
    palette = look.palette
    ban = entry.list == "ban"
    mark = look.marks.severity["error" if ban else "good"]
    left = f"in {ago(entry.expires.timestamp() - now)}" if entry.expires else "never"
    return {
        "list": (f"{mark} {entry.list}", palette.error if ban else palette.good),
        "kind": (KIND_LABELS[entry.kind], palette.muted),
        "value": (entry.value, palette.strong),
        "action": (entry.action if ban else "pass", palette.text),
        "hits": (f"{entry.hits:,}", palette.text if entry.hits else palette.muted),
        "expires": (left, palette.text if entry.expires else palette.muted),
        "by": (entry.by, palette.muted),
        "age": (ago(now - entry.created.timestamp()), palette.muted),
        "reason": (entry.reason, palette.text),
    }


def sender_cells(sender: Sender, grade: Grade | None, now: float, trend: int, look: Look) -> Cells:
    """A sending organisation; ``trend`` is the width of its sparkline."""
    palette = look.palette

    def count(number: int, style: Style) -> tuple[str, Style]:
        return (f"{number:,}", style) if number else (look.marks.dot, palette.muted)

    fault, _ = sender.codes.most_common(1)[0] if sender.codes else ("", 0)
    return {
        "name": (sender.name, palette.strong),
        "grade": (grade or look.marks.dot, grade_style(grade, palette)),
        "volume": (f"{sender.volume:,}", palette.text),
        "trend": (sparkline(sender.trend(now, trend), look.marks.blocks), palette.accent),
        "accepted": count(sender.outcomes["accepted"], palette.good),
        "deferred": count(sender.outcomes["deferred"], palette.warning),
        "refused": count(sender.outcomes["refused"], palette.error),
        "error": count(sender.worst["error"], palette.error),
        "warning": count(sender.worst["warning"], palette.warning),
        "fault": (fault, palette.text),
        "seen": (ago(now - sender.seen.timestamp()), palette.muted),
    }


def wait_cells(wait: Wait, now: float, look: Look, width: int) -> Cells:
    """Mail that waits; ``width`` is that of the timeline."""
    palette = look.palette
    left = wait.expected - now
    silent = ("silent", palette.error)
    late = ("late " if left < 0 else "in ") + ago(abs(left))
    return {
        "from": (wait.sender or "<>", palette.strong),
        "to": (wait.recipient, palette.text),
        "network": (wait.network, palette.muted),
        "since": (ago(now - wait.since), palette.warning),
        "count": (str(wait.count), palette.text),
        "tries": (timeline(wait, now, width, look.marks), palette.muted),
        "next": silent if wait.gave_up else (late, palette.text if left > 0 else palette.warning),
        "code": (str(wait.code), palette.code(wait.code)),
    }
