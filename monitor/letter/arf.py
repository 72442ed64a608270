"""A feedback report (RFC 5965) on the gravest example, where one fits.

It fits a message that failed authentication (RFC 6591), or that was made to smuggle another
one; not what a client does badly otherwise, nor what only its DNS records show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from email.utils import format_datetime
from typing import NamedTuple

from monitor import __version__
from monitor import events as ev
from monitor.events import Finding
from monitor.findings.message import scan
from monitor.letter.case import Case, Example
from monitor.letter.redact import GONE, Redactor
from monitor.text import printable, unescape

__all__ = ["Report", "report_on"]

MAX_FIELD = 900  # characters of a header field; a line may have 998 octets

_FAILURES = {
    "dkim.fail-body": "bodyhash",
    "dkim.key-revoked": "revoked",
    "dkim.fail-signature": "signature",
    "spf.fail": "spf",
    "dmarc.fail": "dmarc",
}
# What identifies a message, and what was signed; all else in a header may be about our users.
_KEPT = (
    b"from",
    b"sender",
    b"date",
    b"message-id",
    b"return-path",
    b"received",
    b"dkim-signature",
    b"list-id",
    b"feedback-id",
    b"user-agent",
    b"x-mailer",
    b"mime-version",
)


class Report(NamedTuple):
    """The fields of the report, and the header of the message that it is on. All ASCII."""

    fields: tuple[tuple[str, str], ...]
    header: tuple[str, ...]


def report_on(
    case: Case,
    transcripts: Mapping[str, Sequence[ev.AnyEvent]],
    redactor: Redactor,
    host: str,
) -> Report | None:
    """A report on the first example that it fits and whose header is kept; else None."""
    for example in case.examples:
        kind = _kind(example)
        header = _header(transcripts.get(example.record.session, ()), example.record.id)
        if kind and header:
            fields = (*_fields(case, example, redactor), *_failure(kind, example, host))
            lines = tuple(_ascii(line) for line in _redacted(header, redactor))
            return Report(tuple((name, _ascii(value)) for name, value in fields), lines)
    return None


def _kind(example: Example) -> str:
    """A word of RFC 6591 for a failure, ``abuse`` for smuggling, else ""."""
    codes = {found.code for found in example.record.findings}
    if "conduct.smuggling" in codes:
        return "abuse"
    return next((word for code, word in _FAILURES.items() if code in codes), "")


def _header(events: Sequence[ev.AnyEvent], transaction: str) -> bytes:
    for event in events:
        if isinstance(event, ev.Content) and event.transaction == transaction:
            return unescape(event.header)
    return b""


def _fields(case: Case, example: Example, redactor: Redactor) -> Iterator[tuple[str, str]]:
    record = example.record
    yield "Version", "1"
    yield "User-Agent", f"mxtap/{__version__}"
    yield "Source-IP", record.client.ip
    yield "Arrival-Date", format_datetime(record.started)
    if not case.who.network:
        yield "Reported-Domain", case.who.name
    if record.mail_from is not None:
        yield "Original-Mail-From", redactor.text(f"<{record.mail_from}>")
    for rcpt in record.rcpts[:1]:
        yield "Original-Rcpt-To", redactor.text(f"<{rcpt.address}>")


def _failure(kind: str, example: Example, host: str) -> Iterator[tuple[str, str]]:
    if kind == "abuse":
        yield "Feedback-Type", "abuse"
        return
    found = {f.code: f for f in example.record.findings}
    yield "Feedback-Type", "auth-failure"
    yield "Auth-Failure", kind
    match kind:
        case "spf":
            domain, record = _of(found["spf.fail"], "domain"), _of(found["spf.fail"], "record")
            yield "Authentication-Results", f"{host}; spf=fail smtp.mailfrom={domain}"
            if '"' not in record and "\\" not in record:
                yield "SPF-DNS", f'txt : {domain} : "{record}"'
        case "dmarc":
            author = _of(found["dmarc.fail"], "author")
            yield "Authentication-Results", f"{host}; dmarc=fail header.from={author}"
            yield "Identity-Alignment", "none"
        case _:
            code = next(code for code, word in _FAILURES.items() if word == kind)
            signer = _of(found[code], "d")
            yield "Authentication-Results", f"{host}; dkim=fail header.d={signer}"
            yield "DKIM-Domain", signer
            yield "DKIM-Selector", _of(found[code], "s")


def _of(found: Finding, key: str) -> str:
    value = found.evidence.get(key)
    return value if isinstance(value, str) else ""


def _redacted(header: bytes, redactor: Redactor) -> Iterator[str]:
    for field in scan(header).fields:
        name = printable(field.raw[: len(field.name)])
        value = printable(field.value, MAX_FIELD)
        if not redactor.enabled:
            yield f"{name}: {value}"
        elif field.name in _KEPT:
            yield f"{name}: {redactor.text(_without_copies(field.name, value))}"
        else:
            yield f"{name}: {GONE}"


def _without_copies(name: bytes, value: str) -> str:
    """A DKIM signature without z=, which repeats other fields."""
    if name != b"dkim-signature":
        return value
    return ";".join(tag for tag in value.split(";") if not tag.strip().lower().startswith("z="))


def _ascii(text: str) -> str:
    """``text`` as it may stand in a header or a report: ASCII, in one line."""
    return printable(text).encode("ascii", "backslashreplace").decode("ascii")
