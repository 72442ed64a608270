"""DATA: let the message in, tell what came, and leave the rest to its delivery."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine
from typing import Any

from monitor import events as ev
from monitor.findings.catalogue import finding
from monitor.relay import telling
from monitor.relay.data import DataParser
from monitor.relay.delivery import aside, decide
from monitor.relay.replies import Answer, own
from monitor.relay.session import Dialogue
from monitor.relay.spool import SpooledMessage, SpoolFull
from monitor.relay.teller import TROUBLE
from monitor.relay.transaction import Transaction
from monitor.relay.waiter import Waiter
from monitor.relay.wire import ClientGone, ClientSilent, Line
from monitor.text import escape

log = logging.getLogger(__name__)

KEEP_AWAKE = 60.0  # seconds after which the waiting upstream gets a NOOP
LARGE = 32 * 1024  # octets: the worst take a third of a millisecond
GO_AHEAD = Answer(354, (b"End data with <CR><LF>.<CR><LF>",))


async def data(d: Dialogue, line: Line, argument: bytes) -> None:
    """DATA (RFC 5321 4.1.1.4)."""
    d.phase = "data"
    tx = d.transaction
    refusal = own(501, "5.5.4 DATA takes no argument") if argument else await d.rule("data")
    if refusal is not None:
        if tx is not None and not argument:
            tx.decided(refusal, "data")
    elif tx is None or not tx.rcpts:
        refusal = await _without_recipients(d, line)
        if tx is not None and not tx.tried:
            tx.decided(refusal, "data")
    elif d.upstream is None or not d.upstream.open:
        refusal = await d.ask(line.raw)
    if refusal is not None:
        await d.say(refusal)
        await _content_behind(d)
        return
    assert tx is not None
    pipelined = bool(d.wire.buffered)
    message = d.context.spool.message()
    try:
        await d.say(GO_AHEAD)
        d.ask_about_recipients(tx)
        d.phase = "eod"
        d.messages += 1
        try:
            parser, trouble = await _receive(d, message)
        except (ClientGone, ClientSilent) as error:
            if isinstance(error, ClientSilent):
                d.limited("limits.data_timeout", "nothing came of the message in time")
            # Cut off in mid-message: the upstream never heard of it.
            d.end(own(451, "4.4.2 the client broke off"), "eod")
            raise
        d.answered = False
        with aside("telling of a message"):
            _tell_content(d, tx, message, parser, pipelined)
    except BaseException:
        message.close()
        raise
    await _uncancelled(d, decide(d, tx, message, parser, trouble), message)


async def _uncancelled(
    d: Dialogue, work: Coroutine[Any, Any, None], message: SpooledMessage
) -> None:
    """Commit by a task that goes on to its end, even when this one is told to stop meanwhile."""
    commit = asyncio.create_task(work)
    d.context.commits.add(commit)
    ended = Waiter(d.wire.loop).anew()

    def end(_: object) -> None:
        d.context.commits.discard(commit)
        try:
            message.close()
        finally:
            ended.wake(True)

    commit.add_done_callback(end)
    try:
        await ended
    except asyncio.CancelledError:
        while not commit.done():
            with contextlib.suppress(asyncio.CancelledError):  # one more: a drain, say
                await asyncio.wait([commit])
        raise
    commit.result()


async def _content_behind(d: Dialogue) -> None:
    """Content sent behind a refused DATA must not run as commands."""
    d.data_refused = True
    if d.wire.buffered:
        line = bytes(d.wire.buffered[:1_000]).partition(b"\n")[0].rstrip(b"\r")
        d.emit(
            ev.Command(session=d.id, at=d.now(), text=escape(line), size=len(line), pipelined=True)
        )
        await d.hang_up(own(421, "4.7.0 content behind a refused DATA"), "refused")


async def _without_recipients(d: Dialogue, line: Line) -> Answer:
    answer = await d.ask(line.raw, content=True)
    if answer.code != 354:
        return answer
    # An upstream that would take a message for nobody: leave it before it takes commands
    # for content.
    assert d.upstream is not None
    d.upstream.abort()
    d.upstream = None
    await d.abandon()
    return own(554, "5.5.1 no valid recipients")


async def _receive(d: Dialogue, message: SpooledMessage) -> tuple[DataParser, Answer | None]:
    """Read up to the end of the message; the refusal that it has earned meanwhile, if any."""
    limits = d.limits
    parser = DataParser()
    trouble: Answer | None = None
    deadline = time.monotonic() + limits.data_total
    while True:
        chunk = await _chunk(d)
        if len(chunk) > LARGE:
            # Others are served between two of them, however many pour.
            async with d.context.turn:
                await asyncio.sleep(0)
        content, rest = parser.feed(chunk)
        size = parser.facts.size
        if trouble is None and size > limits.message_size:
            d.found(finding("relay.too-large", f"over {limits.message_size} bytes"))
            trouble = own(552, f"5.3.4 message larger than {limits.message_size} bytes")
        longest = parser.facts.longest_line
        if trouble is None and 0 < limits.text_line < longest:
            d.limited("limits.text_line", f"a line of {longest} octets or more")
            trouble = own(554, f"5.6.0 message holds a line of over {limits.text_line} octets")
        if trouble is None:
            try:
                message.write(content)
            except SpoolFull:
                d.limited("limits.spool_total", "the spool is full")
                trouble = own(452, "4.3.1 no room for the message now, try again later")
            except Exception:
                log.exception("spool failed")
                trouble = TROUBLE
        if trouble is not None:
            message.close()  # its room is for others at once
        if rest is not None:
            d.wire.unread(rest)
            return parser, trouble
        if size > 2 * limits.message_size or parser.pending > 2 * limits.message_size:
            await _cut_off(d, trouble or own(552, "5.3.4 message too large"))
        if time.monotonic() > deadline:
            d.limited("limits.data_total", "the message took too long")
            await _cut_off(d, own(421, "4.4.2 the message took too long"))


async def _cut_off(d: Dialogue, answer: Answer) -> None:
    """End a session in mid-message: what follows would be content read as commands."""
    d.end(answer, "eod", "refused")
    await d.hang_up(answer, "refused")


async def _chunk(d: Dialogue) -> bytes:
    """The next piece from the client, the upstream kept awake meanwhile."""
    deadline = time.monotonic() + d.limits.data_timeout
    loop = asyncio.get_running_loop()
    while True:
        left = deadline - time.monotonic()
        if d.upstream is not None and loop.time() - d.upstream.used_at > KEEP_AWAKE:
            await d.ask(b"NOOP")
        try:
            return await d.wire.chunk(max(0.0, min(left, KEEP_AWAKE)))
        except ClientSilent:
            if left <= KEEP_AWAKE:
                raise


def _tell_content(
    d: Dialogue,
    tx: Transaction,
    message: SpooledMessage,
    parser: DataParser,
    pipelined: bool,
) -> None:
    d.emit(
        telling.content(parser, session=d.id, at=d.now(), transaction=tx.id, pipelined=pipelined)
    )
    if d.settings.capture.mode in ("headers", "full"):
        _tell_body(d, tx, message)


def _tell_body(d: Dialogue, tx: Transaction, message: SpooledMessage) -> None:
    offset = 0
    for piece in message.pieces():
        body = ev.Body(session=d.id, at=d.now(), transaction=tx.id, offset=offset, data=piece)
        d.emit(body)
        offset += len(piece)
