"""What a check is told, and what it tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from monitor.events import Finding
from monitor.findings.answers import Answer
from monitor.findings.spf import Spf
from monitor.policy.ruling import Verified


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What SMTP said of a message. ``mail_from`` is "" for the null reverse-path."""

    ip: str
    helo: str
    mail_from: str
    rcpts: tuple[str, ...] = ()
    name: str | None = None  # the client's PTR name, forward-confirmed, else None


class Source(Protocol):
    """A received message: CRLF lines, the dot stuffing undone."""

    size: int

    def pieces(self) -> Iterator[bytes]:
        """The message from its start, in pieces of some 64 KiB; may be called again."""
        ...


class ClientReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a client by its address alone."""

    name: str | None = None
    confirmed: bool = False
    temporary: bool = False
    findings: tuple[Finding, ...] = ()
    answers: tuple[Answer, ...] = ()


class SenderReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the envelope alone tells, before there is a message."""

    spf: Spf = Spf()
    findings: tuple[Finding, ...] = ()
    answers: tuple[Answer, ...] = ()

    @property
    def verified(self) -> Verified:
        """The domain that SPF proved."""
        return Verified(spf=self.spf.domain if self.spf.result == "pass" else "")


class RecipientsReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the domains of the recipients tell, whether they were accepted or refused."""

    findings: tuple[Finding, ...] = ()
    answers: tuple[Answer, ...] = ()


class MessageReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a message. ``results`` is the whole Authentication-Results field.

    It is there where the settings ask for stamping, and else "".
    """

    findings: tuple[Finding, ...] = ()
    answers: tuple[Answer, ...] = ()
    verified: Verified = Verified()
    results: str = ""


class Checks(Protocol):
    """What the relay needs of this room. No call raises; each keeps the deadline."""

    async def client(self, ip: str) -> ClientReport:
        """Check a client that has just connected (rdns)."""
        ...

    async def sender(self, envelope: Envelope) -> SenderReport:
        """Check an envelope at MAIL: SPF, HELO name and return path (no recipients needed)."""
        ...

    async def recipients(self, addresses: Sequence[str]) -> RecipientsReport:
        """Check where mail for ``addresses`` belongs; no message is needed."""
        ...

    async def message(
        self, envelope: Envelope, source: Source, sender: SenderReport | None = None
    ) -> MessageReport:
        """Check a message that was received in full.

        With the ``sender`` report of the same envelope, what that told is not told again.
        """
        ...
