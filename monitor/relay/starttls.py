"""STARTTLS (RFC 3207): what the client offered is told, and what was said before it is void."""

from __future__ import annotations

import ssl

from monitor import events as ev
from monitor.relay.replies import own
from monitor.relay.session import Dialogue
from monitor.relay.teller import SHOWN, Hangup
from monitor.relay.tls import accepted, parse_hello, watch_hello
from monitor.relay.wire import Line
from monitor.text import escape, printable


async def starttls(d: Dialogue, line: Line, argument: bytes) -> None:
    """STARTTLS (RFC 3207), ours: the upstream's own TLS is another matter."""
    d.phase = "ehlo"
    if argument:
        await d.say(own(501, "5.5.4 STARTTLS takes no argument"))
        return
    if d.wire.tls or not d.settings.tls.enabled:
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
    context = d.context.tls()
    assert context is not None
    hellos: list[bytes] = []
    watch_hello(context, hellos)
    await d.say(own(220, "2.0.0 ready to start TLS"))
    try:
        await d.wire.start_tls(context, d.settings.tls.handshake_timeout)
    except OSError as error:
        _tell_failure(d, context, hellos, error)
        raise Hangup("tls") from None
    finally:
        d.context.tls_done(context)
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
