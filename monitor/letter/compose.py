"""From a case to a letter: courteous, exact, and as long as it must be."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from monitor import events as ev
from monitor.findings.catalogue import CATALOGUE
from monitor.letter.case import Case, Example, Fault, worst_first
from monitor.letter.letter import Block, Letter
from monitor.letter.redact import Redactor
from monitor.letter.transcript import dialogue, records_of
from monitor.record import moment
from monitor.text import clip, printable

__all__ = ["compose"]

MAX_TRANSCRIPTS = 3
MAX_FAULTS = 25
MAX_ADDRESSES = 12
MAX_VALUE = 300  # characters of a piece of evidence
MAX_DETAIL = 200

Transcripts = Mapping[str, Sequence[ev.AnyEvent]]


def compose(
    case: Case,
    transcripts: Transcripts,
    redactor: Redactor,
    *,
    to: Sequence[str],
    sender: str,
    host: str,
) -> Letter:
    """The letter of ``sender``, who runs ``host``; ``transcripts`` are by session."""
    faults, claimed = worst_first(case.faults), worst_first(case.claimed)
    return Letter(
        to=tuple(to),
        sender=sender,
        subject=_subject(case, len(faults) or len(claimed), host),
        blocks=(
            *_opening(case, host),
            *_faults(faults, redactor, 1),
            *_claims(case, claimed, redactor, len(faults) + 1),
            *_records(case, transcripts, redactor),
            *_transcripts(case, transcripts, redactor),
            *_closing(redactor, host),
        ),
    )


def _subject(case: Case, count: int, host: str) -> str:
    what = {0: "nothing to mend", 1: "one observation"}.get(count, f"{count} observations")
    return f"Mail from {case.who.name} at {host}: {what}"


def _opening(case: Case, host: str) -> Iterator[Block]:
    whose = f"the network {case.who.name}" if case.who.network else case.who.name
    yield _text(f"Dear postmaster of {whose},")
    if case.first is None or case.last is None:
        yield _text(f"I run the mail server {host}. No mail that proved to be yours has come.")
    else:
        kinds = (
            (case.accepted, "accepted"),
            (case.deferred, "deferred"),
            (case.refused, "refused"),
        )
        parts = ", ".join(f"{count} {word}" for count, word in kinds if count)
        yield _text(
            f"I run the mail server {host}. Between {_time(case.first)} and {_time(case.last)} "
            f"(all times are UTC) it saw {_many(case.records, 'transaction')} from you"
            f"{f' ({parts})' if parts else ''}, from {_shown(case.clients)}."
        )
    if not case.who.network:
        yield _text(
            f"I take as yours what SPF or DKIM proves for {case.who.name}, and clients whose "
            "confirmed host name is below it; what only bears your name is in a part of its own."
        )
    if not case.faults and not case.claimed:
        yield _text("I have found nothing to mend in it, and thought that you might like to know.")
        return
    yield _text(
        "I write because what follows can hardly be seen from your side, and is likely to hold "
        "up your mail elsewhere too. For each point I tell what was seen, and what would mend it."
    )


def _faults(faults: Sequence[Fault], redactor: Redactor, number: int) -> Iterator[Block]:
    for at, fault in enumerate(faults[:MAX_FAULTS], number):
        entry = CATALOGUE[fault.code]
        yield Block("heading", (f"{at}. {entry.title}",))
        yield Block(
            "items",
            (
                f"Seen: {_often(fault)}, from {_shown(fault.clients)}.",
                f"What would mend it: {entry.advice}",
                f"Reference: {entry.reference}. mxtap calls it {fault.code} ({fault.severity}).",
            ),
        )
        for example in reversed(fault.examples):
            yield _example(example, redactor)
    if left := faults[MAX_FAULTS:]:
        yield _text("Less grave, and left out: " + ", ".join(fault.code for fault in left) + ".")


def _claims(
    case: Case, faults: Sequence[Fault], redactor: Redactor, number: int
) -> Iterator[Block]:
    if not faults:
        return
    yield Block("heading", ("Mail in your name that did not prove to be yours",))
    yield _text(
        f"In {_many(case.claims, 'transaction')} {case.who.name} was named as the sender, and "
        "neither SPF nor DKIM confirmed that. If these hosts are yours, what follows is to be "
        "mended. If they are not, somebody forges your name; a DMARC policy of quarantine or "
        "reject tells everybody to stop such mail."
    )
    yield from _faults(faults, redactor, number)


def _example(example: Example, redactor: Redactor) -> Block:
    record, found = example.record, example.finding
    client, verdict = record.client, record.verdict
    name = f" ({client.name})" if client.name else ""
    lines = [f"client: {client.ip}{name}, called itself {client.helo or 'nothing'}"]
    if record.mail_from is not None:
        lines.append(redactor.command(f"MAIL FROM:<{record.mail_from}>"))
    if record.message and record.message.message_id:
        lines.append(redactor.text(f"Message-ID: {record.message.message_id}"))
    lines.append(redactor.reply(f"reply: {verdict.code} {verdict.reply} (at {verdict.phase})"))
    if found.detail:
        lines.append("found: " + redactor.reply(clip(found.detail, MAX_DETAIL)))
    lines += [
        f"{key}: {_value(value)}"
        for key, value in redactor.evidence(found.evidence).items()
        if value not in (None, "", [], {})
    ]
    caption = f"{_time(record.started)}, session {record.session}"
    return Block("evidence", tuple(printable(line, MAX_VALUE + 60) for line in lines), caption)


def _records(case: Case, transcripts: Transcripts, redactor: Redactor) -> Iterator[Block]:
    lines = records_of(_sessions(case, transcripts), redactor)
    if lines:
        yield Block("heading", ("DNS records, as they were when the mail came",))
        yield Block("evidence", lines)


def _transcripts(case: Case, transcripts: Transcripts, redactor: Redactor) -> Iterator[Block]:
    sessions = _sessions(case, transcripts)
    if not sessions:
        return
    yield Block("heading", ("Transcripts",))
    yield _text("Seconds since the connection; C is the client, S this server.")
    for events in sessions:
        caption = f"session {events[0].session}, {_time(moment(events[0].at))}"
        yield Block("evidence", dialogue(events, redactor), caption)


def _sessions(case: Case, transcripts: Transcripts) -> list[Sequence[ev.AnyEvent]]:
    kept = (transcripts.get(example.record.session, ()) for example in case.examples)
    return [events for events in kept if events][:MAX_TRANSCRIPTS]


def _closing(redactor: Redactor, host: str) -> Iterator[Block]:
    if redactor.enabled:
        yield _text(
            "The addresses of my users are replaced by recipient-1 and so on, the same one by the "
            "same number, and what was written in messages is left out. I can name a message in "
            "full to whoever answers for it."
        )
    yield _text(
        "If you find that any of this is a fault of mine, please tell me; I shall mend it. "
        "I am glad to test again at any time."
    )
    yield _text(f"With kind regards, the postmaster of {host}")


def _text(text: str) -> Block:
    return Block("text", (printable(text),))


def _often(fault: Fault) -> str:
    if fault.count == 1:
        return f"once, {_time(fault.first)}"
    return f"{fault.count} times, first {_time(fault.first)}, last {_time(fault.last)}"


def _shown(clients: Mapping[str, int]) -> str:
    most = sorted(clients, key=lambda ip: (-clients[ip], _order(ip)))
    more = f" and {len(most) - MAX_ADDRESSES} more" if len(most) > MAX_ADDRESSES else ""
    return ", ".join(most[:MAX_ADDRESSES]) + more


def _order(ip: str) -> tuple[int, int]:
    address = ipaddress.ip_address(ip)
    return address.version, int(address)


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return clip(text, MAX_VALUE)


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
