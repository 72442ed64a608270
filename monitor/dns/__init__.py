"""DNS: where answers come from. Live, from a zone file, or from a capture: one interface."""

from __future__ import annotations

from typing import Protocol

from monitor.findings.answers import Answer


class Resolver(Protocol):
    """One question, one answer, within the resolver's own deadline."""

    def known(self, name: str, rdtype: str) -> Answer | None:
        """The answer, where it is at hand without waiting; else None.

        ``name`` is in canonical form already: this is asked most often of all.
        """
        ...

    def left(self, name: str, rdtype: str) -> float:
        """Seconds for which that answer stays at hand as it is; 0 where there is none."""
        ...

    async def answer(self, name: str, rdtype: str) -> Answer:
        """Answer ``name`` and ``rdtype``. Never raises for DNS trouble: see ``Answer.status``."""
        ...
