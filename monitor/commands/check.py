"""``mxtap check``: the findings for one message, by the checks that the relay runs."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import ipaddress
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from monitor.checks.case import Envelope
from monitor.checks.checker import Checker
from monitor.checks.octets import Octets, crlf
from monitor.config import ConfigError, Settings
from monitor.dns.choose import open_resolver
from monitor.dns.zone import ZoneError
from monitor.events import SEVERITIES, Finding, Verdict
from monitor.findings import helo
from monitor.findings.catalogue import CATALOGUE, finding
from monitor.findings.message import summary
from monitor.record import Client, Message, Recipient, Record, moment
from monitor.text import printable

__all__ = ["configure", "run"]

SHOWN = 300  # characters of one piece of evidence


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("message", metavar="MESSAGE", help="a file, or - for the standard input")
    parser.add_argument("--ip", required=True, type=_ip, metavar="A", help="the client's address")
    parser.add_argument("--helo", required=True, metavar="H", help="the name it gave in EHLO")
    parser.add_argument(
        "--mail-from",
        required=True,
        metavar="F",
        help='the reverse-path; "" or <> for the null one',
    )
    parser.add_argument(
        "--rcpt", action="append", default=[], metavar="R", help="a recipient; repeatable"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Check the message and print what was found."""
    try:
        resolver = open_resolver(settings)
    except ZoneError as error:
        raise ConfigError(f"dns.zone: {error}") from None
    try:
        message = crlf(_read(args.message))
    except OSError as error:
        print(f"mxtap: {args.message}: {error.strerror}", file=sys.stderr)
        return 1
    envelope = Envelope(
        ip=args.ip,
        helo=args.helo,
        mail_from=_path(args.mail_from),
        rcpts=tuple(_path(rcpt) for rcpt in args.rcpt),
    )
    checker = Checker(resolver, settings)
    record = asyncio.run(_check(checker, envelope, message, settings))
    if args.json:
        print(msgspec.json.encode(record).decode())
    else:
        print("\n\n".join(_told(found) for found in _worst_first(record.findings)))
    return 0


def _ip(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an IP address") from None
    return str(getattr(address, "ipv4_mapped", None) or address)


def _path(text: str) -> str:
    return text.removeprefix("<").removesuffix(">")


def _read(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()


async def _check(
    checker: Checker, envelope: Envelope, message: bytes, settings: Settings
) -> Record:
    started = time.time()
    client = await checker.client(envelope.ip)
    if client.confirmed:
        envelope = msgspec.structs.replace(envelope, name=client.name)
    recipients = await checker.recipients(envelope.rcpts)
    report = await checker.message(envelope, Octets(message))
    author, subject, message_id = summary(message)
    identity = hashlib.sha256(message).hexdigest()[:16]
    return Record(
        id=identity,
        session=identity,
        started=moment(started),
        ended=moment(time.time()),
        relay=settings.name,
        client=Client(ip=envelope.ip, port=0, name=client.name, helo=printable(envelope.helo)),
        mail_from=printable(envelope.mail_from),
        rcpts=tuple(Recipient(printable(rcpt), 0, "") for rcpt in envelope.rcpts),
        message=Message(size=len(message), from_=author, subject=subject, message_id=message_id),
        verdict=Verdict(code=0, reply="", phase="eod", by="mxtap"),
        findings=(
            *client.findings,
            *_greeting(envelope.helo),
            *recipients.findings,
            *report.findings,
        ),
    )


def _greeting(name: str) -> Iterator[Finding]:
    if fault := helo.fault(name):
        yield finding("conduct.helo-syntax", fault, helo=printable(name, SHOWN))


def _worst_first(findings: tuple[Finding, ...]) -> list[Finding]:
    return sorted(findings, key=lambda f: SEVERITIES.index(f.severity), reverse=True)


def _told(found: Finding) -> str:
    entry = CATALOGUE[found.code]
    lines = [f"{found.severity:8} {found.code}: {found.title}"]
    if found.detail:
        lines.append(found.detail)
    lines += [f"{key}: {_value(value)}" for key, value in found.evidence.items()]
    if entry.advice:
        lines.append(f"{entry.advice} ({entry.reference})")
    return "\n         ".join(lines)


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return printable(text, SHOWN)
