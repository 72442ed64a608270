"""How senders try again, learned from the retries that they made."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from monitor.events import Finding
from monitor.insight.rules import AGREE
from monitor.record import Record

__all__ = ["ASSUMED", "Habit", "Habits"]

ASSUMED = 900.0  # seconds between attempts of a sender that was never seen to retry
SAMPLES = 32
HOSTS = 16
SENDERS = 50_000


@dataclass(slots=True)
class Habit:
    """One sender's. Times are seconds."""

    intervals: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    hosts: dict[str, None] = field(default_factory=dict)  # that it retries from in turn
    kept: int = 0  # deliveries that came through
    gave_up: int = 0
    alone: int = 0  # of these, after one attempt
    life: float = 0.0  # the longest that it tried before it gave up

    @property
    def interval(self) -> float:
        """Between two attempts."""
        return max(1.0, median(self.intervals)) if self.intervals else ASSUMED

    @property
    def retries(self) -> bool | None:
        """Whether it tries again; None where a few deliveries say that it may not."""
        if self.alone >= AGREE and 2 * self.alone >= self.gave_up + self.kept:
            return False
        return None if self.alone and not self.intervals else True

    @property
    def patience(self) -> float | None:
        """How long it tries; None where it is not known to give up."""
        often = self.gave_up >= AGREE and 2 * self.gave_up >= self.gave_up + self.kept
        return self.life if often else None


class Habits:
    """By sender; what is not known of one is assumed."""

    def __init__(self) -> None:
        self._habits: dict[str, Habit] = {}

    def of(self, sender: str) -> Habit:
        """A sender's habit."""
        return self._habits.get(sender) or Habit()

    def learn(self, record: Record, sender: str) -> None:
        """Take in what a record tells of its delivery."""
        found = [f for f in record.findings if f.code.startswith("retry.")]
        if not found or (sender not in self._habits and len(self._habits) >= SENDERS):
            return
        habit = self._habits.setdefault(sender, Habit())
        interval = 0.0
        for each in found:
            match each.code:
                case "retry.gave-up":
                    habit.gave_up += 1
                    habit.alone += each.evidence.get("count") == 1
                    habit.life = max(habit.life, _number(each.evidence.get("life")))
                case "retry.host-rotation":
                    interval = _last_interval(each)
                    for host in _strings(each.evidence.get("hosts")):
                        if len(habit.hosts) < HOSTS:
                            habit.hosts[host] = None
                case code:
                    habit.kept += code == "retry.disciplined"
                    interval = _last_interval(each)
        if interval > 0:
            habit.intervals.append(interval)


def _last_interval(found: Finding) -> float:
    """Between the last two attempts; 0 where one of them was nobody's retry."""
    attempts = found.evidence.get("attempts")
    last = attempts[-2:] if isinstance(attempts, list) else []
    if len(last) < 2 or not all(isinstance(a, dict) and "not counted" not in a for a in last):
        return 0.0
    return _number(last[1].get("at")) - _number(last[0].get("at"))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _strings(value: Any) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []
