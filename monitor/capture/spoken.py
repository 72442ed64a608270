"""A line of SMTP as a bystander tells it: clipped, without secrets; and where one begins."""

from __future__ import annotations

import re
from typing import Final

from monitor import events as ev
from monitor.text import escape

SHOWN = 1_024  # octets of a command that are told
PHASES: Final[dict[bytes, ev.Phase]] = {
    b"EHLO": "ehlo",
    b"HELO": "ehlo",
    b"STARTTLS": "ehlo",
    b"MAIL": "mail",
    b"RCPT": "rcpt",
    b"DATA": "data",
}

_REPLY = re.compile(rb"[2-5]\d\d[ -]")
_COMMAND = re.compile(rb"[A-Za-z]{4}(?: |\r\n)")


def command(
    session: str, at: float, line: bytes, *, pipelined: bool = False, bare: bool = False
) -> ev.Command:
    """The event of a command; ``line`` is without its line end."""
    return ev.Command(
        session=session,
        at=at,
        text=escape(line[:SHOWN]),
        pipelined=pipelined,
        bare_newline=bare,
        size=len(line),
    )


def without_secret(argument: bytes) -> bytes:
    """An AUTH command with its mechanism alone (RFC 4954 4)."""
    return b"AUTH " + argument.split(b" ")[0] + b" (hidden)" * (b" " in argument)


def next_command(octets: bytes) -> bytes:
    """From the next line on that may be a command, behind what was not captured."""
    return octets if _COMMAND.match(octets) else octets.partition(b"\n")[2]


def next_reply(octets: bytes) -> bytes:
    """From the next line on that may be a reply."""
    return octets if _REPLY.match(octets) else octets.partition(b"\n")[2]
