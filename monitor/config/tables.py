"""The tables of what the relay uses, and how much of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from monitor.config.values import Address, Count, Seconds, Table, is_loopback, split_address


def _text_line(value: int) -> int:
    if value and value < 998:
        raise ValueError("0 for no limit, or 998 at least: RFC 5322 2.1.1 allows as much")
    return value


class Tls(Table):
    """STARTTLS, offered to clients and used towards the upstream."""

    enabled: bool = True
    """Offer STARTTLS to clients."""
    certificate: Path | None = None
    """The chain, PEM. A self-signed one is made at first start where none is given."""
    key: Path | None = None
    """The certificate's key, PEM."""
    minimum: Literal["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] = "TLSv1.2"
    """The oldest version that clients may use."""
    ciphers: str = ""
    """An OpenSSL cipher list for TLS 1.2 and older; empty for OpenSSL's own default."""
    handshake_timeout: Seconds = 30
    """Seconds for a handshake."""
    upstream: Literal["off", "opportunistic", "require"] = "off"
    """TLS towards the upstream."""


class Dns(Table):
    """Where answers come from."""

    server: Address | None = None
    """The resolver to ask; without it, the machine's own."""
    zone: Path | None = None
    """Answer from this master file only; what is not in it does not exist."""
    timeout: Seconds = 4
    """Seconds for an answer."""
    cache: Count = 50_000
    """Answers that are kept."""
    dnssec: Literal["resolver", "local"] = "resolver"
    """Who validates: the resolver, or mxtap itself."""
    trust_ad: bool | None = None
    """Believe the resolver's AD bit; without it, only that of a resolver on this machine."""
    anchors: Path | None = None
    """A file of DS records to trust in local validation; without it, the root's own keys."""


class Checking(Table):
    """Bounds of the checks of one message."""

    deadline: Seconds = 5
    """Seconds for all checks of a message; it goes on without what is not done by then."""
    signatures: Count = 10
    """DKIM signatures that are looked at."""
    questions: Count = 100
    """DNS questions that a message may cause."""
    stamp: bool = False
    """Add an Authentication-Results field at the top, and remove forged ones."""
    authserv_id: str = ""
    """The authserv-id of that field; empty for the relay's name."""


class Limits(Table):
    """What a client may use up."""

    sessions: Count = 2_000
    """Sessions at once, in total."""
    sessions_per_ip: Count = 50
    """Sessions at once of an address."""
    sessions_per_network: Count = 200
    """Sessions at once of a /24 (IPv6: of a /64)."""
    command_line: Count = 4_096
    """Bytes of a command."""
    commands: Count = 10_000
    """Commands of a session."""
    errors: Count = 20
    """Replies 5xx of a session, after which it is closed."""
    recipients: Count = 1_000
    """Recipients of a message."""
    messages: Count = 1_000
    """Messages of a session."""
    message_size: Count = 50 * 1024 * 1024
    """Bytes of a message; the upstream's own SIZE holds where it is smaller."""
    text_line: Annotated[int, AfterValidator(_text_line)] = 0
    """Bytes of a line of a message, without CRLF; 0 for as long as the message may be."""
    spool_memory: Count = 1024 * 1024
    """Bytes of a message that are held in memory; a larger one goes to a file."""
    spool_total: Count = 2 * 1024 * 1024 * 1024
    """Bytes of all messages that are on their way; more is answered 452."""
    command_timeout: Seconds = 300
    """Seconds to wait for the next command."""
    data_timeout: Seconds = 180
    """Seconds between two pieces of a message."""
    data_total: Seconds = 3_600
    """Seconds for a whole message."""
    session_timeout: Seconds = 14_400
    """Seconds of a session."""
    upstream_connect: Seconds = 15
    """Seconds for the upstream to answer a connection."""
    upstream_reply: Seconds = 300
    """Seconds for the upstream to answer a command."""
    upstream_dot: Seconds = 600
    """Seconds for the upstream to answer the final dot (RFC 5321 4.5.3.2.6)."""
    upstream_keep: float = Field(default=2, ge=0)
    """Seconds that an upstream session is kept for a next client, told by XCLIENT; 0 for not."""
    drain: Seconds = 10
    """Seconds that open sessions are given when mxtap ends."""


class Capture(Table):
    """What is written to session files, in the folder `captures` of the state folder."""

    mode: Literal["off", "envelope", "headers", "full"] = "headers"
    """How much; sessions with an error are kept in full where it is `headers`."""
    rotate_size: Count = 256 * 1024 * 1024
    """Bytes, compressed, after which a new file is begun."""
    rotate_age: Seconds = 86_400
    """Seconds after which a new file is begun."""
    keep_days: float = Field(default=14, ge=0)
    """Days after which a file is deleted; 0 for never."""
    disk_floor: int = Field(default=1024 * 1024 * 1024, ge=0)
    """Bytes that are left free: with less, capturing stops and the mail goes on."""


class History(Table):
    """What is remembered of ended transactions."""

    days: float = Field(default=30, ge=0)
    """Days after which they are forgotten; 0 for never."""


class Log(Table):
    """What is told on standard error."""

    format: Literal["text", "json"] = "text"
    """A line a record for people, or a JSON object a line."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is told."""


class Metrics(Table):
    """Prometheus metrics, off unless an address is given."""

    exposed: bool = False
    """Permit an address beyond this machine."""
    listen: str = ""
    """`ADDR:PORT`, or the path of a Unix socket."""

    @field_validator("listen")
    @classmethod
    def _listen(cls, value: str, info: ValidationInfo) -> str:
        if not value or value.startswith("/"):
            return value
        host, _ = split_address(value)
        if not info.data.get("exposed") and not is_loopback(host):
            raise ValueError(
                "metrics are for this machine only; use 127.0.0.1, [::1] or the path of a Unix "
                "socket, or set metrics.exposed = true"
            )
        return value
