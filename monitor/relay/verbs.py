"""The verbs: each is passed on as it came, and the upstream's answer comes back verbatim.

What is not listed here never reaches the upstream: a verb that switches it into another
mode (AUTH, BDAT, XCLIENT, BURL) would let a client speak in mxtap's name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from monitor import events as ev
from monitor.relay.envelope import mail, rcpt
from monitor.relay.identity import offer
from monitor.relay.receiving import data
from monitor.relay.replies import Answer, own
from monitor.relay.session import Dialogue
from monitor.relay.starttls import starttls
from monitor.relay.wire import Line
from monitor.text import printable

GOODBYE = own(221, "2.0.0 goodbye")
CARRIED = (
    "PIPELINING",
    "8BITMIME",
    "SMTPUTF8",
    "DSN",
    "ENHANCEDSTATUSCODES",
    "VRFY",
    "EXPN",
    "HELP",
    "ETRN",
)


async def ehlo(d: Dialogue, line: Line, argument: bytes) -> None:
    """EHLO and HELO (RFC 5321 4.1.1.1): a new start; what we cannot carry is not offered."""
    d.phase = "ehlo"
    before, d.helo = d.helo, printable(argument, 255)
    if refusal := await d.rule("ehlo"):
        await d.abandon()
        await d.say(refusal)
        return
    answer = await _anew(d, line)
    if not answer.positive and before is not None:
        d.helo = before
    if answer.positive:
        d.greeting = line.raw
        if line.raw[:4].upper() == b"EHLO":
            answer = _offered(d, answer)
    await d.say(answer)


def _offered(d: Dialogue, answer: Answer) -> Answer:
    lines = [answer.lines[0]]
    limit = d.limits.message_size
    size = offer(answer, "SIZE")
    theirs = int(size[0]) if size and size[0].isdigit() else 0
    lines.append(b"SIZE %d" % (min(limit, theirs) if theirs else limit))
    if d.settings.tls.enabled and not d.wire.tls:
        lines.append(b"STARTTLS")
    lines.extend(x for x in answer.lines[1:] if x.split(b" ")[0].upper().decode() in CARRIED)
    return replace(answer, lines=tuple(lines))


async def rset(d: Dialogue, line: Line, argument: bytes) -> None:
    """RSET (RFC 5321 4.1.1.5)."""
    await d.say(await d.rule(d.phase) or await _anew(d, line))


async def harmless(d: Dialogue, line: Line, argument: bytes) -> None:
    """NOOP, VRFY, EXPN, HELP and ETRN change nothing."""
    await _pass(d, line, d.phase)


async def quit_(d: Dialogue, line: Line, argument: bytes) -> None:
    """QUIT (RFC 5321 4.1.1.10): both sides part, unless the upstream is kept for the next."""
    answer, kept = GOODBYE, d.context.kept
    if d.upstream is not None and not argument and (goodbye := kept.keep(d.upstream)):
        d.upstream, answer = None, goodbye
    elif d.upstream is not None and d.upstream.open:
        told = await d.ask(line.raw)
        if told.by == "upstream" and told.code // 100 == 5:
            await d.say(told)
            return
        if told.code == 221:
            answer = told
            kept.learn(told, (d.peer.ip, d.client.name, d.helo))
    await d.abandon()
    await d.hang_up(answer, "quit")


async def _pass(d: Dialogue, line: Line, phase: ev.Phase) -> Answer:
    """Pass a command on in ``phase`` unless a ruling refuses it; tell the client the answer."""
    d.phase = phase
    answer = await d.rule(phase) or await d.ask(line.raw)
    await d.say(answer)
    return answer


async def _anew(d: Dialogue, line: Line) -> Answer:
    """Pass on a command that starts anew: the transaction ends where the upstream took it."""
    if d.upstream is None or not d.upstream.open:
        await d.abandon()
    answer = await d.ask(line.raw)
    if answer.positive or answer.by == "mxtap":
        await d.abandon()
    return answer


REFUSED = (b"AUTH", b"BDAT", b"XCLIENT", b"XFORWARD", b"BURL", b"TURN", b"ATRN", b"SEND", b"SAML")
VERBS: dict[bytes, Callable[[Dialogue, Line, bytes], Awaitable[None]]] = {
    b"EHLO": ehlo,
    b"HELO": ehlo,
    b"STARTTLS": starttls,
    b"MAIL": mail,
    b"RCPT": rcpt,
    b"DATA": data,
    b"RSET": rset,
    b"NOOP": harmless,
    b"VRFY": harmless,
    b"EXPN": harmless,
    b"HELP": harmless,
    b"ETRN": harmless,
    b"QUIT": quit_,
}
