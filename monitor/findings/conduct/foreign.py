"""Clients that speak another protocol: web browsers, proxies, TLS from the first byte."""

from __future__ import annotations

import re
from collections.abc import Iterable

from monitor import events as ev
from monitor.findings.catalogue import finding
from monitor.findings.conduct.dialogue import Dialogue, Judge, shown

# Over escaped text, as events hold it: the byte 0x16 reads \x16.
_PROTOCOLS = (
    ("TLS", r"\\x16\\x03|\\x80.\\x01\\x03"),
    ("HTTP", r"[A-Z]{3,10} \S+ HTTP/\d|(?i:host|user-agent|content-type): |PRI \* HTTP/2"),
    ("SIP or RTSP", r"[A-Z]{3,10} \S+ (?:SIP|RTSP)/\d"),
    ("SSH", r"SSH-\d"),
    ("PROXY", r"PROXY (?:TCP[46]|UNKNOWN)\b|\\x0d\\x0a\\x0d\\x0a\\x00\\x0d\\x0aQUIT"),
    ("SOCKS", r"\\x04[\\]x0[12]|\\x05\\x0[1-9]"),
    ("RDP", r"\\x03\\x00\\x00"),
    ("SMB", r"\\x00\\x00.*SMB"),
    ("JSON", r'\{"'),
    ("Redis", r"\*\d+$"),
)
_ANY = re.compile("|".join(f"({pattern})" for _, pattern in _PROTOCOLS))  # a group for each


def protocol_of(text: str) -> str:
    """The protocol that a client's first line (escaped) belongs to; "" where it may be SMTP."""
    match = _ANY.match(text)
    return _PROTOCOLS[match.lastindex - 1][0] if match and match.lastindex else ""


class NotSmtp(Judge):
    """Another protocol, in place of EHLO or HELO."""

    hears = (ev.Command,)
    routine = (ev.Command,)

    def __init__(self) -> None:
        self._told = False

    def __call__(self, talk: Dialogue, event: ev.Event) -> Iterable[ev.Finding]:
        if self._told or talk.greeted or not isinstance(event, ev.Command):
            return ()
        protocol = protocol_of(event.text)
        if not protocol:
            return ()
        self._told = True
        return [
            finding(
                "conduct.not-smtp",
                f"the client speaks {protocol}",
                protocol=protocol,
                command=shown(event),
            )
        ]
