"""Mail that was deferred and has not been accepted since."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address, ip_network

from monitor.record import Record

__all__ = ["LIMIT", "Wait", "Waiting"]

LIMIT = 10_000
_ATTEMPTS = 50  # that one wait remembers
Key = tuple[str, str, str]


@dataclass(slots=True)
class Wait:
    """One sender and recipient that wait: when it was tried, and the last answer."""

    mail_from: str
    rcpt: str
    network: str
    reply: str
    code: int
    record: Record
    attempts: list[datetime] = field(default_factory=list)
    count: int = 0

    @property
    def since(self) -> datetime:
        """The first attempt that is remembered."""
        return self.attempts[0]

    @property
    def last(self) -> datetime:
        """The last attempt."""
        return self.attempts[-1]


class Waiting:
    """Waits by reverse-path, recipient and network; the oldest are forgotten first."""

    def __init__(self) -> None:
        self._waits: dict[Key, Wait] = {}

    def __len__(self) -> int:
        return len(self._waits)

    def add(self, record: Record) -> None:
        """Take an ended transaction: it begins waits, and ends them."""
        if record.mail_from is None:
            return
        network = _network(record.client.ip)
        for rcpt in record.rcpts:
            code, reply = rcpt.code, rcpt.reply
            if 200 <= code < 300:  # what was said of the message decides
                if record.verdict.phase not in ("data", "eod"):
                    continue
                code, reply = record.verdict.code, record.verdict.reply
            key = (record.mail_from.lower(), rcpt.address.lower(), network)
            if 400 <= code < 500:
                self._defer(key, record, rcpt.address, code, reply)
            elif 200 <= code < 300 or code >= 500:
                self._waits.pop(key, None)

    def longest(self) -> list[Wait]:
        """The waits, the longest first."""
        return sorted(self._waits.values(), key=lambda w: w.since)

    def _defer(self, key: Key, record: Record, rcpt: str, code: int, reply: str) -> None:
        wait = self._waits.get(key)
        if wait is None:
            if len(self._waits) >= LIMIT:
                del self._waits[next(iter(self._waits))]
            wait = Wait(record.mail_from or "", rcpt, key[2], reply, code, record)
            self._waits[key] = wait
        wait.code, wait.reply, wait.record = code, reply, record
        wait.count += 1
        wait.attempts.append(record.ended)
        if len(wait.attempts) > _ATTEMPTS:
            del wait.attempts[1]  # the first one tells since when


def _network(ip: str) -> str:
    try:
        address = ip_address(ip)
    except ValueError:
        return ip
    return str(ip_network(f"{ip}/{24 if address.version == 4 else 64}", strict=False))
