"""Personal data of our users, kept out of what leaves the house.

Addresses at our domains become ``recipient-1``, ``recipient-2`` … before the ``@``, the same
person under the same number through the whole letter; also where a sender wrote one into its
own address (VERP, SRS, percent hack), or where a reply of ours names a mailbox bare. What was
said in a message (Subject, body) goes altogether. What it is not sure of it takes out: a letter
that says too little can be asked about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from monitor.findings.answers import canonical
from monitor.text import clip

__all__ = ["GONE", "Redactor"]

GONE = "[redacted]"
MAX_DOMAINS = 200
MAX_KNOWN = 10_000
MAX_LOCAL = 320  # characters; more than RFC 5321 4.5.3.1.1 allows
MAX_VERB = 12  # characters
LOOKALIKE = 12  # characters of an end-of-data look-alike; behind it is a message
_AT = r"(?:@|%40|\+40|=40|%)"  # as it is, in a URI, in xtext, quoted-printable, percent hack
_STOP = frozenset(' \t<>"@,;:()[]')
_WORD = re.compile(r"[^\s<>\"@,;:()\[\]]+")
_REPLY = re.compile(r"\b[245]\d\d\b")
_ORCPT = re.compile(r"(?i)\bORCPT=\S+")
# What stands behind another verb may be a line of a message that was taken for a command.
_VERBS = re.compile(
    "(?i)helo|[el]hlo|mail|rcpt|data|bdat|rset|noop|help|quit|starttls|auth|xclient|xforward"
)
_SECRET = ("subject", "text", "body")  # evidence that is what somebody wrote


class Redactor:
    """Takes our users out of text. Without ``enabled`` it gives everything back as it is."""

    def __init__(
        self, domains: Iterable[str], recipients: Iterable[str] = (), *, enabled: bool = True
    ) -> None:
        """``recipients`` are addresses at ``domains`` whose local parts are known."""
        ours = list(dict.fromkeys(canonical(d) for d in domains if d))[:MAX_DOMAINS]
        self.enabled = enabled
        self._numbers: dict[str, int] = {}
        self._known: dict[str, str] = {}  # local part in lower case -> address
        for address in sorted(recipients)[:MAX_KNOWN]:
            local, at, domain = address.rpartition("@")
            if at and canonical(domain) in ours:
                self._known.setdefault(local.lower(), address.lower())
        names = "|".join(re.escape(name) for name in sorted(ours, key=len, reverse=True))
        within = rf"((?:[\w-]{{1,63}}\.){{0,9}}(?:{names or '(?!)'}))"
        domain = rf"{within}(?![\w-]|\.\w)"
        rest = rf"[^\s<>\"@]{{0,{MAX_LOCAL}}}@"
        self._address = re.compile(_AT + domain, re.IGNORECASE)
        self._verp = re.compile(rf"={within}(?=@|[=+_-]{rest})", re.IGNORECASE)
        self._srs = re.compile(rf"={domain}=([^\s<>\"@]{{1,{MAX_LOCAL}}})(?=@)", re.IGNORECASE)

    def text(self, text: str) -> str:
        """``text`` without our users' addresses."""
        if not self.enabled:
            return text
        text = self._srs.sub(lambda m: f"={m[1]}={self._name(m[2], m[1])}", text)
        text = _before(self._verp, text, self._variable)
        return _before(self._address, text, self._name)

    def reply(self, text: str) -> str:
        """A reply of ours: it may name a mailbox without its domain."""
        return _WORD.sub(self._mailbox, self.text(text)) if self.enabled else text

    def command(self, text: str) -> str:
        """A client's command line."""
        if not self.enabled:
            return text
        verb, space, _ = text.partition(" ")
        if not _VERBS.fullmatch(verb):
            return self.text(clip(verb, MAX_VERB)) + (f" {GONE}" if space else "")
        return self.text(_ORCPT.sub(f"ORCPT={GONE}", text))

    def evidence(self, value: Any, key: str = "") -> Any:
        """A piece of evidence, whatever its form."""
        if not self.enabled:
            return value
        match value:
            case str() if key in _SECRET:
                return GONE
            case str() if key in ("command", "commands"):
                return self.command(value)
            case str() if key == "lookalike":
                return value[:LOOKALIKE]
            case str():
                return self.reply(value) if _REPLY.search(value) else self.text(value)
            case dict():
                return {self.text(str(k)): self.evidence(v, str(k)) for k, v in value.items()}
            case list() | tuple():
                return [self.evidence(each, key) for each in value]
        return value

    def _mailbox(self, word: re.Match[str]) -> str:
        name = word[0].rstrip(".!?'")
        address = self._known.get(name.lower())
        if address is None or word.string[word.end() : word.end() + 1] == "@":
            return word[0]
        return self._number(address) + word[0][len(name) :]

    def _variable(self, token: str, domain: str) -> str:
        """VERP: what of the local part is the sender's own is kept where that is sure."""
        for at in range(len(token)):
            address = self._known.get(token[at:].lower())
            if address and not token[at - 1 : at].isalnum():
                return token[:at] + self._number(address)
        return GONE

    def _name(self, local: str, domain: str) -> str:
        plain = local.strip('"').lower()
        return self._number(f"{plain}@{canonical(domain)}")

    def _number(self, address: str) -> str:
        return f"recipient-{self._numbers.setdefault(address, len(self._numbers) + 1)}"


def _before(pattern: re.Pattern[str], text: str, named: Callable[[str, str], str]) -> str:
    """``text`` with what stands before each match, as far as it can be a local part, replaced.

    ``named`` is told that and the domain (group 1). Going back from the match takes linear
    time; an expression for the local part would not.
    """
    pieces: list[str] = []
    end = 0
    for match in pattern.finditer(text):
        start = _start(text, match.start(), end)
        if start < match.start():
            pieces += (text[end:start], named(text[start : match.start()], match[1]))
            end = match.start()
    return "".join(pieces) + text[end:]


def _start(text: str, at: int, least: int) -> int:
    """Where the local part that ends at ``at`` begins."""
    least = max(least, at - MAX_LOCAL)
    if text[at - 1 : at] == '"' and at - 1 > least:
        quote = text.rfind('"', least, at - 1)
        return quote if quote >= 0 else at - 1
    while at > least and text[at - 1] not in _STOP:
        at -= 1
    return at
