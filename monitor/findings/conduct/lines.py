"""What lines may hold, in commands and in messages (RFC 5321 2.3.8, 4.5.3.1; RFC 6152)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from monitor import events as ev
from monitor.findings.catalogue import finding
from monitor.findings.conduct.dialogue import MAX_COMMAND, Dialogue, Judge, shown

MAX_TEXT_LINE = 998  # octets of a line of a message, without CRLF (RFC 5321 4.5.3.1.6)
MAX_EXTENDED = {"MAIL": 2_048, "RCPT": 2_048, "AUTH": 12_286}  # with room for extensions

_COMMANDS_BEHIND = re.compile(
    r"\.(?:\\x0d|\\x0a)+\s*(?:EHLO|HELO|MAIL FROM:|RCPT TO:|DATA|RSET|QUIT|STARTTLS|BDAT)",
    re.IGNORECASE,
)


class Lines(Judge):
    """Line ends, lengths and octets: of commands once a session, of messages each time."""

    hears = (ev.Command, ev.Content)
    routine = (ev.Content,)

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, talk: Dialogue, event: ev.Event) -> Iterable[ev.Finding]:
        if isinstance(event, ev.Content):
            return list(_of_message(talk, event))
        assert isinstance(event, ev.Command)
        found = [f for f in _of_command(talk, event) if f.code not in self._told]
        self._told.update(f.code for f in found)
        return found


def _of_command(talk: Dialogue, command: ev.Command) -> Iterable[ev.Finding]:
    if command.bare_newline:
        yield finding(
            "conduct.bare-newline",
            "a command ended in a bare LF",
            where="command",
            command=shown(command),
        )
    limit = MAX_EXTENDED.get(talk.verb, MAX_COMMAND)
    if command.size > limit and not talk.spilling:
        yield finding(
            "conduct.line-too-long",
            f"a command of {command.size} octets, {limit} are allowed",
            where="command",
            octets=command.size,
            allowed=limit,
        )
    if "\\x00" in command.text and talk.greeted:
        yield finding(
            "conduct.null-byte",
            "a NUL octet in a command",
            where="command",
            command=shown(command),
        )


def _of_message(talk: Dialogue, content: ev.Content) -> Iterable[ev.Finding]:
    smuggled = bool(content.lookalike and _COMMANDS_BEHIND.search(content.lookalike))
    if smuggled:
        yield finding(
            "conduct.smuggling",
            "commands stand behind what some servers take for the end of the message",
            lookalike=content.lookalike,
        )
    if content.bare_newlines or (content.lookalike and not smuggled):
        yield finding(
            "conduct.bare-newline",
            f"{content.bare_newlines} bare CR or LF in the message"
            if content.bare_newlines
            else "an end of data with NULs in it",
            where="message",
            count=content.bare_newlines,
            lookalike=content.lookalike,
        )
    if content.longest_line > MAX_TEXT_LINE:
        yield finding(
            "conduct.line-too-long",
            f"a line of {content.longest_line} octets, {MAX_TEXT_LINE} are allowed",
            where="message",
            octets=content.longest_line,
            allowed=MAX_TEXT_LINE,
        )
    if content.has_null:
        yield finding("conduct.null-byte", "a NUL octet in the message", where="message")
    if content.has_8bit and not _announced_8bit(talk):
        yield finding(
            "conduct.8bit-unannounced",
            "octets above 127, but MAIL did not say BODY=8BITMIME",
            offered="8BITMIME" in talk.view.extensions,
        )


def _announced_8bit(talk: Dialogue) -> bool:
    tx = talk.view.current
    params = {p.upper() for p in tx.mail.params} if tx else set()
    return not params.isdisjoint(("BODY=8BITMIME", "BODY=BINARYMIME", "SMTPUTF8"))
