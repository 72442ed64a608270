"""The command loop: read a command, tell of it, and let its verb answer, within the limits."""

from __future__ import annotations

import logging
import re
from typing import NoReturn

from monitor import events as ev
from monitor.relay import paths
from monitor.relay.channel import CR, NUL
from monitor.relay.replies import own
from monitor.relay.session import Dialogue
from monitor.relay.teller import SHOWN, SHUTTING_DOWN, TROUBLE, Hangup
from monitor.relay.verbs import REFUSED, VERBS
from monitor.relay.wire import ClientGone, ClientSilent, Line, LineTooLong
from monitor.text import escape

log = logging.getLogger(__name__)

# AUTH never gets anywhere here, yet clients send passwords with it: nobody is to read them.
_SECRET = re.compile(rb"(\s*AUTH\s+\S+)\s", re.IGNORECASE)


async def serve(d: Dialogue) -> None:
    """Read and answer commands until the session ends (Hangup or ClientGone)."""
    limits = d.limits
    while True:
        if d.errors >= limits.errors:
            await _too_many(d, "errors", d.errors)
        if d.commands >= limits.commands:
            await _too_many(d, "commands", d.commands)
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


async def _too_many(d: Dialogue, what: str, count: int) -> NoReturn:
    d.limited(f"limits.{what}", f"{count} {what} in one session")
    await d.hang_up(own(421, f"4.7.0 too many {what}, closing"), "refused")


def _tell(d: Dialogue, line: Line) -> None:
    raw = line.raw[:SHOWN]
    secret = _SECRET.match(raw)
    d.emit(
        ev.Command(
            session=d.id,
            at=d.now(),
            text=escape(secret[1] + b" ***" if secret else raw),
            size=len(line.raw),
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
    if CR in line.raw or NUL in line.raw:
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
