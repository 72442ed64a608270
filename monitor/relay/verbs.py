"""The verbs: each is passed on as it came, and the upstream's answer comes back verbatim.

What is not listed here never reaches the upstream: a verb that switches it into another
mode (AUTH, BDAT, XCLIENT, BURL) would let a client speak in mxtap's name.
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace

from monitor import events as ev
from monitor.findings.catalogue import finding
from monitor.relay import paths
from monitor.relay.delivery import data
from monitor.relay.identity import offer
from monitor.relay.replies import Answer, own
from monitor.relay.session import SHUTTING_DOWN, TROUBLE, Dialogue, Hangup, Transaction
from monitor.relay.tls import accepted, parse_hello, watch_hello
from monitor.relay.wire import ClientGone, ClientSilent, Line, LineTooLong
from monitor.text import escape, printable

log = logging.getLogger(__name__)

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
SHOWN = 1_024  # bytes of a command that are told
# AUTH never gets anywhere here, yet clients send passwords with it: nobody is to read them.
_SECRET = re.compile(rb"\A(\s*AUTH\s+\S+)\s.*", re.IGNORECASE | re.DOTALL)


async def serve(d: Dialogue) -> None:
    """Read and answer commands until the session ends (Hangup or ClientGone)."""
    limits = d.settings.limits
    while True:
        for name, count in (("errors", d.errors), ("commands", d.commands)):
            if count >= getattr(limits, name):
                d.limited(f"limits.{name}", f"{count} {name} in one session")
                await d.hang_up(own(421, f"4.7.0 too many {name}, closing"), "refused")
        d.commands += 1
        try:
            line = await d.wire.line(limits.command_line, limits.command_timeout)
        except ClientSilent:
            d.limited("limits.command_timeout", "no command came in time")
            raise
        except LineTooLong as error:
            d.limited("limits.command_line", f"a command of over {limits.command_line} octets")
            shown = escape(error.args[0][:SHOWN])
            d.emit(ev.Command(session=d.id, at=d.now(), text=shown, size=limits.command_line + 1))
            await d.say(await d.rule(d.phase) or own(500, "5.5.2 command line too long"))
            continue
        d.answered = False
        _tell(d, line)
        if d.context.draining and d.transaction is None and line.raw.upper() != b"QUIT":
            await d.hang_up(SHUTTING_DOWN, "shutdown")
        try:
            await _serve_one(d, line)
        except (Hangup, ClientGone, ClientSilent, OSError):
            raise
        except Exception:
            # A bug of ours is the client's "try again", never a refusal (law 1).
            log.exception("verb failed")
            await _recover(d)


def _tell(d: Dialogue, line: Line) -> None:
    d.emit(
        ev.Command(
            session=d.id,
            at=d.now(),
            text=escape(_SECRET.sub(rb"\1 ***", line.raw[:SHOWN])),
            size=line.size,
            pipelined=line.pipelined,
            bare_newline=line.bare_newline,
        )
    )


async def _recover(d: Dialogue) -> None:
    """One reply to a command: where it has had its own, only the end of the session is left."""
    d.end(TROUBLE, d.phase)
    if d.answered:
        await d.hang_up(own(421, "4.3.0 local trouble, try again later"), "fault")
    if d.upstream is not None and d.upstream.open:
        await d.ask(b"RSET")
    await d.say(TROUBLE)


async def _serve_one(d: Dialogue, line: Line) -> None:
    verb, argument = paths.command(line.raw)
    if b"\r" in line.raw or b"\0" in line.raw:
        await d.say(await d.rule(d.phase) or own(500, "5.5.2 bare CR or NUL in a command"))
        return
    handler = VERBS.get(verb)
    if handler is None:
        if refusal := await d.rule(d.phase):
            await d.say(refusal)
            return
        if d.data_refused:
            await d.hang_up(own(421, "4.7.0 content behind a refused DATA"), "refused")
        await d.say(own(502 if verb in REFUSED else 500, "5.5.1 command not recognized"))
        return
    d.data_refused = False
    await handler(d, line, argument)
    if d.last_code == 421:
        raise Hangup("upstream")


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
    limit = d.settings.limits.message_size
    size = offer(answer, "SIZE")
    theirs = int(size[0]) if size and size[0].isdigit() else 0
    lines.append(b"SIZE %d" % (min(limit, theirs) if theirs else limit))
    if d.settings.tls.enabled and not d.wire.tls:
        lines.append(b"STARTTLS")
    lines.extend(x for x in answer.lines[1:] if x.split(b" ")[0].upper().decode() in CARRIED)
    return replace(answer, lines=tuple(lines))


async def starttls(d: Dialogue, line: Line, argument: bytes) -> None:
    """STARTTLS (RFC 3207), ours: the upstream's own TLS is another matter."""
    d.phase = "ehlo"
    if argument:
        await d.say(own(501, "5.5.4 STARTTLS takes no argument"))
        return
    context = d.context.tls()
    if context is None or d.wire.tls:
        await d.say(own(503 if d.wire.tls else 502, "5.5.1 TLS not available now"))
        return
    if refusal := await d.rule("ehlo"):
        await d.say(refusal)
        return
    if d.wire.buffered:
        first = bytes(d.wire.buffered[:SHOWN]).split(b"\n")[0].rstrip(b"\r")
        text = escape(first)
        d.emit(ev.Command(session=d.id, at=d.now(), text=text, size=len(first), pipelined=True))
        raise Hangup("refused")
    await d.abandon()
    hellos: list[bytes] = []
    watch_hello(context, hellos)
    await d.say(own(220, "2.0.0 ready to start TLS"))
    try:
        await d.wire.start_tls(context, d.settings.tls.handshake_timeout)
    except OSError as error:
        _tell_failure(d, context, hellos, error)
        raise Hangup("tls") from None
    protocol, cipher, bits = d.wire.cipher
    d.helo = None
    d.greeting = b""
    offered = parse_hello(hellos[0], d.context.suites) if hellos else None
    d.emit(
        ev.Secured(
            session=d.id,
            at=d.now(),
            side="client",
            protocol=protocol,
            cipher=cipher,
            bits=bits,
            offered_ciphers=offered.ciphers if offered else None,
        )
    )
    # RFC 3207 4.2: knowledge from before TLS is void, at the upstream too. Its EHLO goes
    # with the client's next one, or at MAIL.
    if d.upstream is not None and d.upstream.open:
        await d.ask(b"RSET")


def _tell_failure(
    d: Dialogue, context: ssl.SSLContext, hellos: list[bytes], error: OSError
) -> None:
    offered = parse_hello(hellos[0], d.context.suites) if hellos else None
    protocols, ciphers = accepted(context)
    reason = getattr(error, "reason", None) or type(error).__name__
    d.emit(
        ev.TlsFailed(
            session=d.id,
            at=d.now(),
            side="client",
            reason=printable(str(reason), 200),
            alert=str(reason) if "ALERT" in str(reason) else "",
            offered_protocols=offered.protocols if offered else None,
            offered_ciphers=offered.ciphers if offered else None,
            accepted_protocols=protocols,
            accepted_ciphers=ciphers,
        )
    )


async def mail(d: Dialogue, line: Line, argument: bytes) -> None:
    """MAIL FROM (RFC 5321 4.1.1.2)."""
    d.phase = "mail"
    try:
        path = paths.path(b"MAIL", argument)
    except paths.PathError as error:
        await d.say(own(501, f"5.1.7 bad sender address syntax: {error}"))
        return
    nested = d.transaction
    if nested is None and d.wire.tls and not d.greeting:
        d.part()  # the EHLO of before TLS is void (RFC 3207 4.2)
    tx = Transaction(f"{d.id}-{d.count + 1}", path.address, path.params, TROUBLE)
    d.transaction = tx
    try:
        answer = await d.rule("mail") or _too_large(d, path) or _too_many(d)
    finally:
        d.transaction = nested
    if answer is None:
        answer = await d.ask(line.raw)
    if nested is not None and answer.positive:
        # To most a nested MAIL is an error; to this upstream it is a new start.
        await d.abandon()
    await d.say(answer)
    if nested is not None and d.transaction is nested:
        return  # the transaction in hand goes on
    d.count += 1
    tx.decided(answer, "mail")
    d.transaction = tx
    d.emit(
        ev.Mail(
            session=d.id,
            at=d.now(),
            transaction=tx.id,
            address=path.address,
            code=answer.code,
            reply=printable(answer.text),
            by=answer.by,
            params=path.params,
        )
    )
    tx.announced = True
    d.found(*tx.pending)
    if answer.positive:
        d.ask_about_sender(tx)
    else:
        d.end(answer, "mail")


def _too_large(d: Dialogue, path: paths.Path) -> Answer | None:
    declared = path.param("SIZE")
    limit = d.settings.limits.message_size
    if declared and declared.isdigit() and len(declared) < 20 and int(declared) > limit:
        d.found(finding("relay.too-large", f"{declared} bytes, over {limit}"))
        return own(552, f"5.3.4 message larger than {limit} bytes")
    return None


def _too_many(d: Dialogue) -> Answer | None:
    if d.messages < d.settings.limits.messages:
        return None
    d.limited("limits.messages", f"{d.messages} messages in one session")
    return own(421, "4.7.0 too many messages in one session")


async def rcpt(d: Dialogue, line: Line, argument: bytes) -> None:
    """RCPT TO (RFC 5321 4.1.1.3)."""
    d.phase = "rcpt"
    try:
        path = paths.path(b"RCPT", argument)
        if not path.address:
            raise paths.PathError("a recipient cannot be empty")
    except paths.PathError as error:
        await d.say(own(501, f"5.1.3 bad recipient address syntax: {error}"))
        return
    tx = d.transaction
    if tx is not None:
        await d.know_sender(tx)
    answer = await d.rule("rcpt", rcpt=path.address)
    if answer is None and tx is not None and tx.tried >= d.settings.limits.recipients:
        d.limited("limits.recipients", f"{tx.tried} recipients in one transaction")
        answer = own(452, "4.5.3 too many recipients")
    if answer is None:
        answer = await d.ask(line.raw)
    await d.say(answer)
    if tx is None:
        return
    tx.tried += 1
    if tx.tried <= d.settings.limits.recipients:
        tx.unchecked.append(path.address)
    if answer.positive:
        tx.rcpts.append(path.address)
    tx.decided(answer, "rcpt")
    d.emit(
        ev.Rcpt(
            session=d.id,
            at=d.now(),
            transaction=tx.id,
            address=path.address,
            code=answer.code,
            reply=printable(answer.text),
            by=answer.by,
            params=path.params,
        )
    )


async def rset(d: Dialogue, line: Line, argument: bytes) -> None:
    """RSET (RFC 5321 4.1.1.5)."""
    await d.say(await d.rule(d.phase) or await _anew(d, line))


async def harmless(d: Dialogue, line: Line, argument: bytes) -> None:
    """NOOP, VRFY, EXPN, HELP and ETRN change nothing."""
    await _pass(d, line, d.phase)


async def quit_(d: Dialogue, line: Line, argument: bytes) -> None:
    """QUIT (RFC 5321 4.1.1.10): both sides part."""
    answer = own(221, "2.0.0 goodbye")
    if d.upstream is not None and d.upstream.open:
        told = await d.ask(line.raw)
        if told.by == "upstream" and told.code // 100 == 5:
            await d.say(told)
            return
        answer = told if told.code == 221 else answer
    await d.abandon()
    await d.hang_up(answer, "quit")


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
