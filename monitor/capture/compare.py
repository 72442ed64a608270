"""Findings of then against findings of now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from monitor.events import Found

_Key = tuple[str, str, str]  # what it is about, code, severity


class Difference(NamedTuple):
    """What differs about one transaction or session: codes with their severity."""

    about: str
    gone: tuple[str, ...]
    new: tuple[str, ...]

    def __str__(self) -> str:
        parts = [f"no longer {', '.join(self.gone)}"] if self.gone else []
        parts += [f"now {', '.join(self.new)}"] if self.new else []
        return f"{self.about}: {'; '.join(parts)}"


class Comparison:
    """Hears of every finding of then and of now. What agrees is forgotten at once."""

    def __init__(self) -> None:
        self.agreed = 0
        self._open: dict[_Key, int] = {}  # +1 told then, -1 told now

    def then(self, found: Found) -> None:
        """Findings that were recorded."""
        self._count(found, 1)

    def now(self, found: Found) -> None:
        """Findings that were made anew."""
        self._count(found, -1)

    def differences(self) -> Iterator[Difference]:
        """What differs, by transaction or session, in the order in which it was told."""
        by_about: dict[str, tuple[list[str], list[str]]] = {}
        for (about, code, severity), balance in self._open.items():
            gone, new = by_about.setdefault(about, ([], []))
            (gone if balance > 0 else new).append(f"{code} ({severity})")
        for about, (gone, new) in by_about.items():
            yield Difference(about, tuple(gone), tuple(new))

    def _count(self, found: Found, step: int) -> None:
        for finding in found.findings:
            key = (found.about, finding.code, finding.severity)
            balance = self._open.get(key, 0) + step
            if balance:
                self._open[key] = balance
            else:
                del self._open[key]
                self.agreed += 1
