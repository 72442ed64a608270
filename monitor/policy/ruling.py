"""What the relay asks before it goes on, and what it is told: the seam to the hub.

Both are plain messages, so that relay and hub can live in different processes.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Literal, Protocol

import msgspec

from monitor.events import AnyEvent, Finding, Phase


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """The identities that a message proved (not those that it only claims)."""

    spf: str = ""  # domain with SPF pass, "" for none
    dkim: tuple[str, ...] = ()  # d= of every valid signature
    dmarc: str = ""  # author domain with DMARC pass, "" for none
    author: str = ""  # author domain, proved or not


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Where a session stands when the relay asks. Later phases know more."""

    session: str
    at: float
    phase: Phase
    ip: str
    helo: str | None = None
    name: str | None = None
    early: bool = False  # the client spoke before it was greeted
    mail_from: str | None = None
    rcpt: str | None = None
    transaction: str = ""
    verified: Verified | None = None


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """What to do. ``pass`` goes on; the others answer ``code`` and ``text`` to the client."""

    action: Literal["pass", "reject", "defer", "drop", "tarpit"] = "pass"
    code: int = 0
    text: str = ""  # with the enhanced status code in front (RFC 3463), without the code
    findings: tuple[Finding, ...] = ()


PASS = Ruling()


class Hub(Protocol):
    """What a relay needs of the hub. Neither call may raise or block the mail."""

    def emit(self, event: AnyEvent) -> None:
        """Take one event; order within a session is kept."""
        ...

    def asks(self, phase: Phase) -> bool:
        """False where nobody has a say at ``phase``: there is no ruling to wait for."""
        ...

    def rule(self, stage: Stage) -> Ruling | Awaitable[Ruling]:
        """Tell what is to be done at ``stage``; awaited where the hub is another process."""
        ...
