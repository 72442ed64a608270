"""Is a message a report? Aggregate DMARC, TLS-RPT, or an abuse or failure report (ARF)."""

from __future__ import annotations

import re
from typing import Any

from monitor.events import Finding
from monitor.findings.catalogue import finding
from monitor.findings.message import Header, scan
from monitor.findings.mime import Part, media_type, parts
from monitor.findings.reports import aggregate, tlsrpt
from monitor.findings.reports.payload import unpack
from monitor.text import printable

__all__ = ["MAX_MESSAGE", "automatic", "may_be_report", "recognise"]

MAX_MESSAGE = 1024 * 1024  # bytes of a message that are looked at
MAX_SHOWN = 200
MAX_UNPACKINGS = 2  # attachments that are unpacked

_MULTIPARTS = ("multipart/report", "multipart/mixed")
_PACKED = (
    "application/gzip",
    "application/x-gzip",
    "application/zip",
    "application/x-zip",
    "application/x-zip-compressed",
    "application/octet-stream",
    "application/xml",
    "text/xml",
    "application/tlsrpt+gzip",
    "application/tlsrpt+json",
    "application/json",
)
_NAME = re.compile(r"\.(?:xml|json)(?:\.gz)?$|\.zip$|\.gz$", re.IGNORECASE)
_ARF_FACTS = {
    b"feedback-type": "type",
    b"source-ip": "source_ip",
    b"reported-domain": "domain",
    b"auth-failure": "auth_failure",
    b"user-agent": "user_agent",
    b"incidents": "incidents",
}


def may_be_report(header: Header) -> bool:
    """Whether it is worth reading the body: most mail is told apart by its header alone."""
    kind = media_type(header)
    return kind in _MULTIPARTS or kind in _PACKED


def recognise(message: bytes) -> Finding | None:
    """The finding about a report; None for other mail.

    ``message`` is as much of it as is at hand, of which ``MAX_MESSAGE`` bytes are read.
    """
    unpacked = 0
    for part in parts(message[:MAX_MESSAGE]):
        if part.type.type == "message/feedback-report":
            return _arf(part)
        if part.type.type in _PACKED or _NAME.search(part.filename):
            if unpacked == MAX_UNPACKINGS:
                break
            unpacked += 1
            found = _attached(part)
            if found:
                return found
    return None


def automatic(header: Header, mail_from: str) -> bool:
    """Whether no person wrote it (RFC 3834 5): an answer to it would be answered in turn."""
    word = header.value(b"auto-submitted").lower().partition(b";")[0].strip()
    if word:
        return word != b"no"
    return not mail_from and media_type(header) == "multipart/report"


def _attached(part: Part) -> Finding | None:
    data = unpack(part.content())
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"<":
        facts, code = aggregate.read(data), "report.dmarc"
    elif start == b"{":
        facts, code = tlsrpt.read(data), "report.tls"
    else:
        return None
    if facts is None:
        return None
    shown: dict[str, Any] = {
        k: printable(v, MAX_SHOWN) if isinstance(v, str) else v for k, v in facts.items()
    }
    name = printable(part.filename, MAX_SHOWN)
    detail = f"{shown.get('organization') or 'somebody'} about {shown['domain']}"
    return finding(code, detail, file=name, **shown)


def _arf(part: Part) -> Finding:
    fields = scan(part.content().lstrip() + b"\r\n\r\n")
    facts: dict[str, Any] = {
        key: printable(fields.value(name), MAX_SHOWN)
        for name, key in _ARF_FACTS.items()
        if fields.value(name)
    }
    return finding("report.arf", facts.get("type", ""), **facts)
