"""The event contract: one record a transaction, as told to the world outside.

``mxtap events``, ``mxtap replay --headless``, the control socket, the history table and
the UI all speak in these. Keys may be added; none is renamed.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from monitor.events import SEVERITIES, Finding, Severity, Verdict

__all__ = ["Client", "Late", "Message", "Recipient", "Record", "Tls", "moment", "worst"]


class Tls(msgspec.Struct, frozen=True, gc=False):
    """The client's TLS, as agreed."""

    protocol: str
    cipher: str


class Client(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who sent it. ``name`` is the PTR name, forward-confirmed or not; None without."""

    ip: str
    port: int
    name: str | None = None
    helo: str | None = None
    tls: Tls | None = None


class Recipient(msgspec.Struct, frozen=True, gc=False):
    """A recipient and the answer that the client heard for it."""

    address: str
    code: int
    reply: str


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The message, where DATA was reached. ``size`` is bytes."""

    size: int
    from_: str = msgspec.field(default="", name="from")
    subject: str = ""
    message_id: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One ended transaction, or a session that ended without one (``mail_from`` None)."""

    v: int = 1
    id: str
    session: str
    started: datetime
    ended: datetime
    relay: str
    client: Client
    mail_from: str | None
    rcpts: tuple[Recipient, ...] = ()
    message: Message | None = None
    verdict: Verdict
    state: str = "none"
    findings: tuple[Finding, ...] = ()


class Late(msgspec.Struct, frozen=True, kw_only=True):
    """Findings that became known after their transaction was told."""

    v: int = 1
    id: str
    about: str
    findings: tuple[Finding, ...]


def moment(at: float) -> datetime:
    """An event's time as an aware datetime, UTC."""
    return datetime.fromtimestamp(at, UTC)


def worst(findings: tuple[Finding, ...]) -> Severity | None:
    """The gravest severity among ``findings``; None when there are none."""
    return max((f.severity for f in findings), key=SEVERITIES.index, default=None)
