"""A feedback report (RFC 5965) on the gravest example, where one fits.

It fits a message that failed authentication (RFC 6591), or that was made to smuggle another
one; not what a client does badly otherwise, nor what only its DNS records show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from email.utils import format_datetime
from typing import NamedTuple

from monitor import __version__
from monitor import events as ev
from monitor.events import Finding
from monitor.findings.dkim.syntax import Malformed, parse
from monitor.findings.dmarc.walk import registered
from monitor.findings.message import Header, scan
from monitor.letter.case import Case, Example, worst_first
from monitor.letter.redact import GONE, Redactor
from monitor.text import printable, unescape

__all__ = ["Report", "report_on"]

MAX_FIELD = 900  # characters of a header field; a line may have 998 octets

# Codes that a report fits, and the word of RFC 6591 3.3 or RFC 9991 for them.
_FAILURES = {
    "dkim.fail-body": "bodyhash",
    "dkim.key-revoked": "revoked",
    "dkim.fail-signature": "signature",
    "spf.fail": "spf",
    "dmarc.fail": "dmarc",
}
_ABUSE = "conduct.smuggling"
_SPF_FAILURES = ("spf.fail", "spf.softfail", "spf.permerror")
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
    for example in _fitting(case):
        raw = _header(transcripts.get(example.record.session, ()), example.record.id)
        if raw:
            header = scan(raw)
            fields = (*_fields(case, example, redactor), *_failure(example, header, host))
            lines = tuple(_ascii(line) for line in _redacted(header, redactor))
            return Report(tuple((name, _ascii(value)) for name, value in fields), lines)
    return None


def _fitting(case: Case) -> Iterator[Example]:
    for faults in (case.faults, case.claimed):
        for fault in worst_first(faults):
            if fault.code in _FAILURES or fault.code == _ABUSE:
                yield from reversed(fault.examples)


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


def _failure(example: Example, header: Header, host: str) -> Iterator[tuple[str, str]]:
    found = example.finding
    kind = _FAILURES.get(found.code)
    if kind is None:
        yield "Feedback-Type", "abuse"
        return
    yield "Feedback-Type", "auth-failure"
    yield "Auth-Failure", kind
    match kind:
        case "spf":
            domain = _of(found, "domain")
            yield "Authentication-Results", f"{host}; spf=fail smtp.mailfrom={domain}"
            yield from _spf(found)
        case "dmarc":
            author = _of(found, "author")
            yield "Authentication-Results", f"{host}; dmarc=fail header.from={author}"
            yield from _alignment(example, author, header)
        case _:
            yield "Authentication-Results", f"{host}; dkim=fail header.d={_of(found, 'd')}"
            yield from _dkim(found, header)


def _alignment(example: Example, author: str, header: Header) -> Iterator[tuple[str, str]]:
    """The mechanisms that failed to authenticate an aligned identity, and how (RFC 9991)."""
    organization = _of(example.finding, "organization") or registered(author)
    theirs = [found for found in example.record.findings if _within(organization, found)]
    spf = [f for f in theirs if f.code in _SPF_FAILURES][:1]
    broken = (f for f in theirs if f.code.startswith("dkim.") and f.severity == "error")
    dkim = [found for found in broken if _of(found, "s")][:1]
    names = ["dkim"] * len(dkim) + ["spf"] * len(spf)
    yield "Identity-Alignment", ", ".join(names) or "none"
    for found in dkim:
        yield from _dkim(found, header)
    for found in spf:
        yield from _spf(found)


def _within(organization: str, found: Finding) -> bool:
    domain = _of(found, "d") or _of(found, "domain")
    return f".{domain}".endswith(f".{organization}")


def _spf(found: Finding) -> Iterator[tuple[str, str]]:
    domain, record = _of(found, "domain"), _of(found, "record")
    if domain and record and '"' not in record and "\\" not in record:
        yield "SPF-DNS", f'txt : {domain} : "{record}"'


def _dkim(found: Finding, header: Header) -> Iterator[tuple[str, str]]:
    signer, selector = _of(found, "d"), _of(found, "s")
    if signer and selector:
        yield "DKIM-Domain", signer
        yield "DKIM-Identity", _identity(header, signer, selector)
        yield "DKIM-Selector", selector


def _identity(header: Header, signer: str, selector: str) -> str:
    """The i= of that signature (RFC 6376 3.5)."""
    for text in header.all(b"dkim-signature"):
        with suppress(Malformed):
            signature = parse(text)
            if (signature.domain, signature.signer.selector) == (signer, selector):
                return printable(signature.tags.get(b"i", f"@{signer}".encode()), MAX_FIELD)
    return f"@{signer}"


def _of(found: Finding, key: str) -> str:
    value = found.evidence.get(key)
    return value if isinstance(value, str) else ""


def _redacted(header: Header, redactor: Redactor) -> Iterator[str]:
    for field in header.fields:
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
