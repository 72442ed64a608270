"""The receiving side's rules: home.example, its mailboxes, and its greylist."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

DOMAIN = "home.example"
HOST = "mx.home.example"
ADDRESS = "127.0.1.25"
REPORTS = "dmarc-reports@home.example"
TLS_REPORTS = "tls-reports@home.example"
INFO = "info@home.example"
ORDERS = "orders@home.example"
FULL = "archive@home.example"

MAILBOXES = frozenset(
    {INFO, ORDERS, FULL, REPORTS, TLS_REPORTS, "members@home.example", "postmaster@home.example"}
)
GREYLISTED = frozenset({ORDERS})
MAX_SIZE = 10 * 1024 * 1024  # octets

RECORDS = f"""\
@               MX   10 mx
@               TXT  "v=spf1 mx -all"
_dmarc          TXT  "v=DMARC1; p=reject; rua=mailto:{REPORTS}"
_smtp._tls      TXT  "v=TLSRPTv1; rua=mailto:{TLS_REPORTS}"
mx              A    {ADDRESS}
branch          A    {ADDRESS}
nomail          MX   0 .
"""


class Peer(NamedTuple):
    """Who is on the other side, as XCLIENT told it."""

    ip: str
    helo: str


class Greylist:
    """Greylisting as postgrey does it: by client address, reverse-path and recipient.

    ``delay`` is seconds. The timer is the single address's own, so a pool that retries from
    its other addresses starts anew each time. Remembers the ``size`` latest triplets.
    """

    def __init__(self, delay: float, size: int = 10_000) -> None:
        self.delay = delay
        self._size = size
        self._first: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def left(self, ip: str, sender: str, recipient: str, now: float) -> float:
        """Seconds that this triplet has still to wait; 0 when it may pass."""
        first = self._first.setdefault((ip, sender, recipient), now)
        if len(self._first) > self._size:
            self._first.popitem(last=False)
        return max(0.0, first + self.delay - now)


class Rules:
    """What the sink answers to RCPT and to the content, as a Postfix with postgrey would."""

    def __init__(self, greylist: Greylist) -> None:
        self._greylist = greylist

    def rcpt(self, peer: Peer, sender: str, recipient: str, now: float) -> str:
        """The reply to one recipient (RFC 5321 4.2, RFC 3463)."""
        mailbox = recipient.lower()
        if mailbox.rpartition("@")[2] != DOMAIN:
            return f"454 4.7.1 <{recipient}>: Relay access denied"
        if mailbox not in MAILBOXES:
            return (
                f"550 5.1.1 <{recipient}>: Recipient address rejected: "
                "User unknown in virtual mailbox table"
            )
        if mailbox in GREYLISTED and (left := self._greylist.left(peer.ip, sender, mailbox, now)):
            return (
                f"450 4.2.0 <{recipient}>: Recipient address rejected: "
                f"Greylisted, try again in {left:.0f} seconds"
            )
        return "250 2.1.5 Ok"

    def content(self, recipients: list[str], queue_id: str) -> str:
        """The reply after the final dot."""
        if FULL in recipients:
            return f"552 5.2.2 <{FULL}>: mailbox is full"
        return f"250 2.0.0 Ok: queued as {queue_id}"
