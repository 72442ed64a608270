"""The policies besides the lists: who is asked, and who wants to know what happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, get_args, runtime_checkable

from monitor import events as ev
from monitor.findings.hearing import whose
from monitor.policy.ruling import PASS, Ruling, Stage

Ruler = Callable[[Stage], Ruling]
PHASES: tuple[ev.Phase, ...] = get_args(ev.Phase)


@runtime_checkable
class Hearing(Protocol):
    """A ruler that also wants to know what happens."""

    def hear(self, event: ev.Event) -> None:
        """Take in one event."""
        ...


class Policies:
    """Asks the rulers; ``failed`` is told the name of one that raised, and mail goes on.

    A ruler says in ``phases`` where it may have a say; one that has none is not asked, nor told.
    """

    def __init__(self, rulers: Iterable[Ruler], failed: Callable[[str], None]) -> None:
        self._rulers = [ruler for ruler in rulers if _phases(ruler)]
        self._failed = failed
        has_say = frozenset(phase for ruler in self._rulers for phase in _phases(ruler))
        self.asked = tuple(phase for phase in PHASES if phase in has_say)
        candidates: list[object] = list(self._rulers)
        self.hearing = [each.hear for each in candidates if isinstance(each, Hearing)]

    def __call__(self, stage: Stage) -> Ruling:
        """What the first says that does not let pass."""
        found: tuple[ev.Finding, ...] = ()
        for ruler in self._rulers:
            try:
                told = ruler(stage)
            except Exception:
                self._failed(type(ruler).__name__)
                continue
            found += told.findings
            if told.action != "pass":
                return Ruling(action=told.action, code=told.code, text=told.text, findings=found)
        return Ruling(findings=found) if found else PASS

    def hear(self, events: Sequence[ev.AnyEvent]) -> None:
        """Tell those who want to know."""
        for event in events:
            for hear in self.hearing:
                try:
                    hear(event)
                except Exception:
                    self._failed(whose(hear))


def _phases(ruler: Ruler) -> tuple[ev.Phase, ...]:
    phases: tuple[ev.Phase, ...] = getattr(ruler, "phases", PHASES)
    return phases
