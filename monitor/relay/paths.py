"""Commands and paths, parsed on the bytes (RFC 5321 4.1.1, 4.1.2).

Nothing is decoded and nothing is rebuilt: what the upstream gets is the client's own line.
The parse only tells whom the line speaks of, so that a list can match it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from monitor.text import printable

MAX_PATH = 1_024

_COMMAND = re.compile(rb"([A-Za-z]{3,12})(?:[ \t]+(.*))?", re.DOTALL)
_QUOTED = rb'"(?:[^"\\\x00-\x1f\x7f]|\\[ -~])*"'
_ATOMS = rb'[^\x00-\x20\x7f<>()\[\]\\,;:@"]+'
# No angle bracket in a literal, though dcontent has them: a lax upstream ends the path there.
_LITERAL = rb"\[[\x21-\x3b=\x3f-\x5a\x5e-\x7e]{1,64}\]"
_DOMAIN = rb"(?:%s|[A-Za-z0-9_\x80-\xff](?:[A-Za-z0-9_.\x80-\xff-]*))" % _LITERAL
_ROUTE = rb"(?:@%s(?:,@%s)*:)?" % (_DOMAIN, _DOMAIN)
_MAILBOX = rb"(?:%s|%s)(?:@%s)?" % (_QUOTED, _ATOMS, _DOMAIN)
_PATH = re.compile(
    rb"(?:<(?:%s(?P<inner>%s))?>|(?P<bare>%s))(?P<params>(?:[ \t]+[\x21-\x7e\x80-\xff]+)*)[ \t]*"
    % (_ROUTE, _MAILBOX, _MAILBOX)
)
_PREFIX = {b"MAIL": re.compile(rb"FROM:[ \t]*", re.I), b"RCPT": re.compile(rb"TO:[ \t]*", re.I)}


class PathError(ValueError):
    """The argument of MAIL or RCPT does not parse."""


@dataclass(frozen=True, slots=True)
class Path:
    """The mailbox of a path, "" for ``<>``, without source route; and the parameters."""

    address: str
    params: tuple[str, ...] = ()

    def param(self, keyword: str) -> str | None:
        """The value of one ESMTP parameter, "" when it has none, None when it is absent."""
        for param in self.params:
            name, _, value = param.partition("=")
            if name.upper() == keyword:
                return value
        return None


def command(line: bytes) -> tuple[bytes, bytes]:
    """The verb in upper case and its argument; the verb is b"" where there is none."""
    match = _COMMAND.fullmatch(line.rstrip(b" \t"))
    if match is None:
        return b"", line
    return match[1].upper(), match[2] or b""


@lru_cache(maxsize=1_024)
def path(verb: bytes, argument: bytes) -> Path:
    """Parse the argument of MAIL or RCPT. Raises PathError.

    Angle brackets may be missing, as in many a client; nothing else is forgiven.
    """
    prefix = _PREFIX[verb].match(argument)
    if prefix is None:
        raise PathError(f"expected {'FROM' if verb == b'MAIL' else 'TO'}:<address>")
    rest = argument[prefix.end() :]
    if len(rest) > MAX_PATH:
        raise PathError("path too long")
    match = _PATH.fullmatch(rest)
    if match is None:
        raise PathError("malformed address")
    mailbox = match["inner"] or match["bare"] or b""
    params = tuple(printable(p) for p in match["params"].split())
    return Path(printable(mailbox), params)
