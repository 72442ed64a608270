"""DNS: where answers come from. Live, from a zone file, or from a capture: one interface."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from monitor.findings.answers import Answer, Question


class Resolver(Protocol):
    """One question, one answer, within the resolver's own deadline."""

    def known(self, name: str, rdtype: str) -> Answer | None:
        """The answer, where it is at hand without waiting; else None.

        ``name`` is in canonical form already: this is asked most often of all.
        """
        ...

    def left(self, questions: Iterable[Question]) -> float:
        """Seconds for which all of these answers stay at hand as they are; 0 where one is not.

        Names are in canonical form already.
        """
        ...

    async def answer(self, name: str, rdtype: str) -> Answer:
        """Answer ``name`` and ``rdtype``. Never raises for DNS trouble: see ``Answer.status``."""
        ...
