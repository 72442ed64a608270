"""The tables of the settings: what can be set, with its unit and its safe default."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)


def split_address(value: str) -> tuple[str, int]:
    """``HOST:PORT`` or ``[IPv6]:PORT`` in parts. Raises ValueError that tells the form."""
    host, sep, port = value.rpartition(":")
    host = host.strip("[]")
    if not sep or not port.isdigit() or not 0 <= int(port) <= 65535 or not host:
        raise ValueError(f"{value!r} is not HOST:PORT (or [IPv6]:PORT)")
    return host, int(port)


def _address(value: str) -> str:
    split_address(value)
    return value


def _network(value: str) -> str:
    ipaddress.ip_network(value, strict=False)
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is no regular expression: {error}") from None
    return value


def _text_line(value: int) -> int:
    if value and value < 998:
        raise ValueError("0 for no limit, or 998 at least: RFC 5322 2.1.1 allows as much")
    return value


TextLine = Annotated[int, AfterValidator(_text_line)]
Address = Annotated[str, AfterValidator(_address)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Network = Annotated[str, AfterValidator(_network)]
Seconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Act = Literal["note", "refuse", "drop"]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tls(Table):
    """STARTTLS, offered to clients and used towards the upstream."""

    enabled: bool = True
    certificate: Path | None = None  # PEM; self-signed, made at first start, when none is given
    key: Path | None = None
    minimum: Literal["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] = "TLSv1.2"
    ciphers: str = ""  # an OpenSSL cipher list; "" for OpenSSL's own default
    handshake_timeout: Seconds = 30
    upstream: Literal["off", "opportunistic", "require"] = "off"


class Dns(Table):
    """Where answers come from."""

    server: Address | None = None  # None: the machine's own resolver
    zone: Path | None = None  # answer from this file only
    timeout: Seconds = 4
    cache: Count = 50_000  # answers
    dnssec: Literal["resolver", "local"] = "resolver"  # who validates
    trust_ad: bool | None = None  # believe the AD bit; None: only of a loopback resolver
    anchors: Path | None = None  # a file of DS records to trust; None: the root's own keys


class Checking(Table):
    """Bounds of the checks of one message."""

    deadline: Seconds = 5
    signatures: Count = 10
    questions: Count = 100
    stamp: bool = False  # add an Authentication-Results field
    authserv_id: str = ""  # "" for the relay's name
    threads: Count = 1  # for DKIM over large bodies


class Greylist(Table):
    """Greylisting: ours where it is enforced, what it would have done where it is observed."""

    mode: Literal["off", "observe", "enforce"] = "observe"
    delay: Seconds = 60
    retry_window: Seconds = 2 * 86400
    remember: Seconds = 35 * 86400
    auto_allow: int = Field(default=5, ge=0)  # passes of a pool; 0 never
    patterns: tuple[Pattern, ...] = ()  # more reply patterns (regular expressions) of upstreams
    whitelist: tuple[Path, ...] = ()  # postgrey's files of clients that are not greylisted
    whitelist_recipients: tuple[Path, ...] = ()  # and of recipients


class Retry(Table):
    """How retries are judged. Seconds; the bands go from info to error."""

    soon: tuple[Seconds, Seconds, Seconds, Seconds] = (1_800, 300, 60, 10)
    immediate: Seconds = 5
    rapid_window: Seconds = 60
    fallback_window: Seconds = 60  # another listener within this is MX fallback, no retry
    permanent_memory: Seconds = 5 * 86_400
    silence: Seconds = 6 * 3_600  # a sender that retried is given up on after this
    no_retry: Seconds = 86_400  # and one that never did, after this
    gave_up: tuple[Seconds, Seconds, Seconds] = (96 * 3_600, 20 * 3_600, 4 * 3_600)
    remembered: Count = 1_000_000  # senders and recipients that are kept in mind


class Limits(Table):
    """What a client may use up. Times are seconds, sizes bytes."""

    sessions: Count = 2_000
    sessions_per_ip: Count = 50
    sessions_per_network: Count = 200
    command_line: Count = 4_096
    commands: Count = 10_000
    errors: Count = 20
    recipients: Count = 1_000
    messages: Count = 1_000
    message_size: Count = 50 * 1024 * 1024
    text_line: TextLine = 0  # of a message, without CRLF; 0 for as long as the message may be
    spool_memory: Count = 1024 * 1024  # a message larger than this goes to a file
    spool_total: Count = 2 * 1024 * 1024 * 1024
    command_timeout: Seconds = 300
    data_timeout: Seconds = 180  # between two pieces of a message
    data_total: Seconds = 3_600
    session_timeout: Seconds = 14_400
    upstream_connect: Seconds = 15
    upstream_reply: Seconds = 300
    upstream_dot: Seconds = 600  # RFC 5321 4.5.3.2.6
    drain: Seconds = 10


class Conduct(Table):
    """What is done about protocol faults, besides saying so.

    ``refuse`` answers 5xx from the command that shows the fault to the end of the session;
    ``drop`` answers 421 and closes.
    """

    greet_delay: Seconds = 0  # wait for early talkers this long
    early_talker: Act = "note"
    unannounced_pipelining: Act = "note"
    helo: Act = "note"  # its form, and our own name; where it leads is never held against it
    not_smtp: Act = "note"
    ignored_rejection: Act = "note"
    data_after_no_recipients: Act = "note"
    unannounced_8bit: Act = "note"
    smuggling: Act = "note"  # where bare_newline lets look-alikes pass
    bare_newline: Literal["refuse", "fix", "pass"] = "refuse"


class Capture(Table):
    """What is written to session files, in the folder ``captures`` of the state folder."""

    mode: Literal["off", "envelope", "headers", "full"] = "headers"
    rotate_size: Count = 256 * 1024 * 1024  # bytes, compressed
    rotate_age: Seconds = 86_400
    keep_days: float = Field(default=14, ge=0)  # 0 keeps for ever
    disk_floor: int = Field(default=1024 * 1024 * 1024, ge=0)  # bytes left free at least


class History(Table):
    """What is remembered of ended transactions."""

    days: float = Field(default=30, ge=0)  # 0 keeps everything


class Log(Table):
    """What is told on standard error."""

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Metrics(Table):
    """Prometheus metrics, off unless an address is given."""

    exposed: bool = False  # an address beyond this machine is meant
    listen: str = ""  # ADDR:PORT, or the path of a Unix socket

    @field_validator("listen")
    @classmethod
    def _listen(cls, value: str, info: ValidationInfo) -> str:
        if not value or value.startswith("/"):
            return value
        host, _ = split_address(value)
        if not info.data.get("exposed") and not _is_loopback(host):
            raise ValueError(
                "metrics are for this machine only; use 127.0.0.1, [::1] or the path of a Unix "
                "socket, or set metrics.exposed = true"
            )
        return value


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
