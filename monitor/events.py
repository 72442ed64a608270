"""The vocabulary: what happened, in order, with times.

One stream of these events is all that the store, a capture, the control socket and the UI
ever see. Text in them went through :mod:`monitor.text` already: fields marked *escaped*
are reversible, the rest is printable. Times are seconds since the epoch, UTC.

The wire form is JSON, tagged with ``event``; a reader ignores fields that it does not
know, so that fields may be added. ``VERSION`` changes when one changes its meaning.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

VERSION = 1

Severity = Literal["good", "info", "notice", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("good", "info", "notice", "warning", "error")

Phase = Literal["connect", "ehlo", "mail", "rcpt", "data", "eod"]
Speaker = Literal["upstream", "mxtap"]


class Finding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing noticed. ``code`` is stable and listed in ``findings/catalogue.py``."""

    code: str
    severity: Severity
    title: str
    detail: str = ""
    evidence: dict[str, Any] = {}


class Verdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What became of a transaction: the reply that decided it, and who gave it."""

    code: int
    reply: str
    phase: Phase
    by: Speaker


class Event(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="event", omit_defaults=True
):
    """What every event has: the session that it belongs to, and when it happened."""

    session: str
    at: float


class Opened(Event, frozen=True, kw_only=True, tag="opened"):
    """A client connected. ``ip`` is canonical: never an IPv4-mapped IPv6 address."""

    relay: str
    ip: str
    port: int
    local_ip: str
    local_port: int
    proxied: bool = False  # the address came by a trusted PROXY header


class Named(Event, frozen=True, kw_only=True, tag="named"):
    """The client's PTR name. ``name`` is None where there is none."""

    name: str | None
    confirmed: bool = False  # the name resolves back to the address (RFC 8601 2.7.3)
    temporary: bool = False  # the lookup failed for now


class Identified(Event, frozen=True, kw_only=True, tag="identified"):
    """How the client's identity went upstream."""

    method: Literal["xclient", "proxy", "none"]
    upstream: str


class Command(Event, frozen=True, kw_only=True, tag="command"):
    """A line from the client. ``text`` is escaped, without its line end, and clipped."""

    text: str
    pipelined: bool = False  # its bytes had arrived before our last reply was written
    bare_newline: bool = False
    size: int = 0  # octets of the whole line, without its line end


class Reply(Event, frozen=True, kw_only=True, tag="reply"):
    """A reply to the client, one element a line, without the code and its separator."""

    code: int
    lines: tuple[str, ...]
    by: Speaker
    phase: Phase
    took: float = 0.0  # seconds that the upstream let the relay wait for it


class Secured(Event, frozen=True, kw_only=True, tag="secured"):
    """A TLS handshake that succeeded, with the client or with the upstream."""

    side: Literal["client", "upstream"]
    protocol: str
    cipher: str
    bits: int = 0
    offered_ciphers: tuple[str, ...] | None = None  # by the client; None where not known


class TlsFailed(Event, frozen=True, kw_only=True, tag="tls-failed"):
    """A TLS handshake that failed. The offers are None where they could not be read."""

    side: Literal["client", "upstream"]
    reason: str
    alert: str = ""
    offered_protocols: tuple[str, ...] | None = None
    offered_ciphers: tuple[str, ...] | None = None
    accepted_protocols: tuple[str, ...] = ()
    accepted_ciphers: tuple[str, ...] = ()


class Mail(Event, frozen=True, kw_only=True, tag="mail"):
    """MAIL was accepted or refused. ``address`` is "" for the null reverse-path."""

    transaction: str
    address: str
    code: int
    reply: str
    by: Speaker
    params: tuple[str, ...] = ()


class Rcpt(Event, frozen=True, kw_only=True, tag="rcpt"):
    """One RCPT and its answer. ``params`` are the ESMTP parameters (NOTIFY, ORCPT)."""

    transaction: str
    address: str
    code: int
    reply: str
    by: Speaker
    params: tuple[str, ...] = ()


class Content(Event, frozen=True, kw_only=True, tag="content"):
    """A message was received in full. Sizes are bytes, the dot stuffing undone."""

    transaction: str
    size: int
    sha256: str
    header: str = ""  # escaped, clipped to 64 KiB
    from_: str = msgspec.field(default="", name="from")
    subject: str = ""
    message_id: str = ""
    longest_line: int = 0
    has_8bit: bool = False
    has_null: bool = False
    bare_newlines: int = 0
    lookalike: str = ""  # escaped: an end-of-data look-alike, and up to 200 octets behind it
    pipelined: bool = False  # its first bytes had arrived before our 354 was written


class Body(Event, frozen=True, kw_only=True, tag="body"):
    """A piece of a message, only where the operator captures whole messages."""

    transaction: str
    offset: int
    data: bytes


class Asked(Event, frozen=True, kw_only=True, tag="dns"):
    """A DNS answer that a check used (law 4). ``transaction`` is "" for the session's."""

    name: str
    type: str
    status: Literal["ok", "nodata", "nxdomain", "servfail", "timeout"]
    records: tuple[str, ...] = ()
    canonical: str = ""
    secure: bool | None = None
    ttl: int = 0
    transaction: str = ""


class Found(Event, frozen=True, kw_only=True, tag="found"):
    """Findings about a transaction, or about the session when ``about`` is its id."""

    about: str
    findings: tuple[Finding, ...]


class Ended(Event, frozen=True, kw_only=True, tag="ended"):
    """A transaction is over. ``state`` tells what is known of the message."""

    transaction: str
    verdict: Verdict
    state: Literal["none", "accepted", "refused", "unknown", "accepted-unacknowledged"] = "none"


class Closed(Event, frozen=True, kw_only=True, tag="closed"):
    """The session is over."""

    how: Literal["quit", "client", "upstream", "refused", "timeout", "tls", "shutdown", "fault"]


AnyEvent = (
    Opened
    | Named
    | Identified
    | Command
    | Reply
    | Secured
    | TlsFailed
    | Mail
    | Rcpt
    | Content
    | Body
    | Asked
    | Found
    | Ended
    | Closed
)

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(AnyEvent).decode
