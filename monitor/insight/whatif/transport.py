"""If TLS were asked for (MTA-STS), or fewer cipher suites were taken."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator

from monitor import events as ev
from monitor.insight.sender import senders
from monitor.insight.whatif.scenario import Case, Effect, Scenario, Spoken, accepted, has
from monitor.record import Record

__all__ = ["Ciphers", "MtaSts", "suites"]

CLIENTS = 5_000  # whose offers are looked up
USUAL = "ECDHE+AESGCM:ECDHE+CHACHA20"  # RFC 9325 4.2, and TLS 1.3


class MtaSts(Scenario):
    """Plaintext is lost where the sender validates policies, and at risk where that is unknown."""

    learns = True
    title = "an enforced MTA-STS policy: who validates it sends over TLS or not at all"
    assumptions = (
        "A sender validates where it said so by a TLS report about a policy (RFC 8460), or you "
        "did; of the others it is not known.",
    )

    def __init__(self, name: str, validating: Iterable[str] = ()) -> None:
        super().__init__(name)
        self._validating = set(validating)

    def learn(self, record: Record, case: Case) -> None:
        """A report about an MTA-STS policy shows that its sender reads them."""
        for found in record.findings:
            if found.code == "report.tls" and found.evidence.get("policy_type") == "sts":
                self._validating.add(senders(record).author.name)

    def judge(self, record: Record, case: Case) -> Iterator[Effect]:
        """See :class:`Scenario`."""
        if has(record, "tls.no-shared-cipher") or has(record, "tls.handshake-failed"):
            self.notes["failed handshakes"] += 1
        if record.client.tls is None and accepted(record):
            if any(found.evidence.get("offered") is False for found in record.findings):
                self.notes["had no offer of STARTTLS, without EHLO or since it is off here"] += 1
            yield Effect(case, "lost" if case.sender in self._validating else "at-risk")


class Ciphers(Scenario):
    """Clients that offer none of the suites fail; some are known to come back in plaintext."""

    learns = True
    assumptions = (
        "What a client offers is taken from one of its sessions.",
        "A sender that fell back to plaintext before would do so again; of the others it is not "
        "known whether they would, or give up.",
    )

    def __init__(self, name: str, taken: frozenset[str]) -> None:
        super().__init__(name)
        self.title = f"of cipher suites only {', '.join(sorted(taken))} are taken"
        self._taken = taken
        self._sessions: dict[str, str] = {}  # session to client address
        self._wanted: dict[str, Spoken] = {}  # by client address
        self._offers: dict[str, tuple[str, ...]] = {}
        self._fallbacks: set[str] = set()

    def learn(self, record: Record, case: Case) -> None:
        """Who falls back, and whose offers decide."""
        if has(record, "tls.plaintext-fallback"):
            self._fallbacks.add(case.sender)
        ip = record.client.ip
        if self._refused(record) and (ip in self._wanted or len(self._wanted) < CLIENTS):
            self._wanted[ip] = Spoken(
                record.session, record.started.timestamp(), record.ended.timestamp()
            )

    def wants(self) -> Iterable[Spoken]:
        """One session a client."""
        self._sessions = {spoken.session: ip for ip, spoken in self._wanted.items()}
        return self._wanted.values()

    def hear(self, session: str, events: Iterable[ev.AnyEvent]) -> None:
        """What the client offered."""
        for event in events:
            if isinstance(event, ev.Secured) and event.side == "client" and event.offered_ciphers:
                self._offers[self._sessions[session]] = event.offered_ciphers

    def judge(self, record: Record, case: Case) -> Iterator[Effect]:
        """See :class:`Scenario`."""
        for found in record.findings:
            if found.code == "tls.no-shared-cipher" and not self._taken.isdisjoint(
                found.evidence.get("offered_ciphers") or ()
            ):
                self.notes["failed handshakes that would succeed"] += 1
        if not self._refused(record):
            return
        offers = self._offers.get(record.client.ip)
        if offers is None:
            self.notes["it is not known what the client offers"] += 1
            yield Effect(case, "at-risk")
        elif self._taken.isdisjoint(offers):
            yield Effect(case, "plaintext" if case.sender in self._fallbacks else "at-risk")

    def _refused(self, record: Record) -> bool:
        """The suite that was agreed on is none of those."""
        tls = record.client.tls
        return accepted(record) and tls is not None and tls.cipher not in self._taken


def suites(text: str) -> frozenset[str]:
    """The suites of an OpenSSL cipher list. Raises ValueError where it names none.

    All of TLS 1.3 are among them, unless it names some of those.
    """
    words = [word for word in text.replace(",", ":").split(":") if word]
    new = frozenset(word for word in words if word.startswith("TLS_"))
    old = [word for word in words if word not in new]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.set_ciphers(":".join(old) or "NULL-MD5:@SECLEVEL=0")
    except ssl.SSLError:
        if old or not new:
            raise ValueError(f"{text!r}: OpenSSL knows none of these ciphers") from None
    found = {str(cipher["name"]) for cipher in context.get_ciphers()}
    older = {name for name in found if not name.startswith("TLS_")}
    if not old:
        return new
    return new | older if new else frozenset(found)
