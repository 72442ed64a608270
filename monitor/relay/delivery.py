"""DATA: receive, check, decide, commit. The order is the promise (law 1).

The message is spooled and decided before the upstream hears of DATA; the client hears 2xx
only after the upstream said 2xx; after the final dot nothing cancels the wait for the
upstream's reply.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator

import msgspec

from monitor import events as ev
from monitor.checks.case import MessageReport
from monitor.findings.catalogue import finding
from monitor.findings.message import summary
from monitor.relay.data import DataParser
from monitor.relay.replies import Answer, own
from monitor.relay.session import TROUBLE, Dialogue, State, Transaction
from monitor.relay.spool import SpooledMessage, SpoolFull
from monitor.relay.stamping import stamped, whole
from monitor.relay.upstream import DotSent, UpstreamError
from monitor.relay.wire import ClientGone, ClientSilent, Line
from monitor.text import escape, printable

log = logging.getLogger(__name__)

KEEP_AWAKE = 60.0  # seconds after which the waiting upstream gets a NOOP
HEADER_TOLD = 65_536
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
    with contextlib.ExitStack() as room:
        message = d.context.spool.message()
        room.callback(message.close)
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
        with _aside("telling of a message"):
            _tell_content(d, tx, message, parser, pipelined)
        commit = asyncio.create_task(_decide(d, tx, message, parser, trouble))
        d.context.commits.add(commit)
        commit.add_done_callback(d.context.commits.discard)
        keep = room.pop_all()
        commit.add_done_callback(lambda _: keep.close())
        await _uncancelled(commit)


@contextlib.contextmanager
def _aside(what: str) -> Iterator[None]:
    """What mail does not wait for: a fault in it is logged."""
    try:
        yield
    except Exception:
        log.exception("%s failed; mail goes on", what)


async def _uncancelled(commit: asyncio.Task[None]) -> None:
    """Await ``commit`` to its end, even when told to stop meanwhile."""
    try:
        await asyncio.shield(commit)
    except asyncio.CancelledError:
        if not commit.done():
            await asyncio.wait([commit])
        raise


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
    limits = d.settings.limits
    parser = DataParser()
    trouble: Answer | None = None
    deadline = time.monotonic() + limits.data_total
    while True:
        chunk = await _chunk(d)
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
    deadline = time.monotonic() + d.settings.limits.data_timeout
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
    facts = parser.facts
    try:
        author, subject, message_id = summary(bytes(facts.header))
    except Exception:
        log.exception("header summary failed")
        author = subject = message_id = ""
    d.emit(
        ev.Content(
            session=d.id,
            at=d.now(),
            transaction=tx.id,
            size=facts.size,
            sha256=parser.sha256,
            header=escape(bytes(facts.header[:HEADER_TOLD])),
            from_=author,
            subject=subject,
            message_id=message_id,
            longest_line=facts.longest_line,
            has_8bit=facts.has_8bit,
            has_null=facts.has_null,
            bare_newlines=facts.bare_newlines,
            lookalike=escape(facts.lookalike),
            pipelined=pipelined,
        )
    )
    if d.settings.capture.mode in ("headers", "full"):
        _tell_body(d, tx, message)


def _tell_body(d: Dialogue, tx: Transaction, message: SpooledMessage) -> None:
    offset = 0
    for piece in message.pieces():
        body = ev.Body(session=d.id, at=d.now(), transaction=tx.id, offset=offset, data=piece)
        d.emit(body)
        offset += len(piece)


async def _decide(
    d: Dialogue,
    tx: Transaction,
    message: SpooledMessage,
    parser: DataParser,
    trouble: Answer | None,
) -> None:
    """Check, rule, commit, answer: runs to its end whatever the client does."""
    policy = d.settings.conduct.bare_newline
    if trouble is None and parser.facts.bare_newlines and policy == "refuse":
        trouble = own(550, "5.5.2 message holds a bare CR or LF")
    if trouble is None and parser.facts.disguised and policy != "pass":
        trouble = own(550, "5.5.2 message holds an end of data with NULs in it")
    if trouble is not None:
        await d.know_recipients(tx)
        await _close(d, tx, trouble, "refused")
        return
    report = await _check(d, tx, message)
    await d.know_recipients(tx)
    tx.verified = report.verified
    if refusal := await d.rule("eod", verified=report.verified):
        await _close(d, tx, refusal, "refused")
        return
    await _commit(d, tx, message, report)


async def _close(d: Dialogue, tx: Transaction, answer: Answer, state: State) -> None:
    """Answer without the upstream, which forgets the transaction."""
    await d.say(answer)
    d.end(answer, "eod", state)
    if d.upstream is not None and d.upstream.open:
        await d.ask(b"RSET")


async def _check(d: Dialogue, tx: Transaction, message: SpooledMessage) -> MessageReport:
    checking = d.context.checks.message(d.envelope(tx), message, tx.sender)
    report = await d.hear(checking, MessageReport) or MessageReport()
    if d.settings.checks.stamp and not whole(report.results):
        d.found(finding("relay.check-failed", "the message is not stamped", check="results"))
        return msgspec.structs.replace(report, results="")
    return report


async def _commit(
    d: Dialogue, tx: Transaction, message: SpooledMessage, report: MessageReport
) -> None:
    journal = d.context.journal
    with _aside("the commit journal"):
        journal.start(tx.id)
    state: State = "none"
    try:
        if d.wire.gone:
            d.end(own(451, "4.4.2 the client broke off"), "eod")
            return
        answer, state = await _hand_over(d, message, report)
    except Exception:
        log.exception("commit failed")
        if d.upstream is not None:
            d.upstream.abort()
            d.upstream = None
        answer = own(451, "4.3.0 local trouble, try again later")
    finally:
        with _aside("the commit journal"):
            journal.end(tx.id)
    # Not sent is told as such: writing to a connection that is gone does nothing.
    heard = not d.wire.gone
    await d.say(answer)
    if answer.positive and not heard:
        state = "accepted-unacknowledged"
        d.found(finding("relay.accepted-unacknowledged", printable(answer.text)))
    d.end(answer, "eod", state)


async def _hand_over(
    d: Dialogue, message: SpooledMessage, report: MessageReport
) -> tuple[Answer, State]:
    """Give the message to the upstream; its reply, and what is known of the message."""
    limits = d.settings.limits
    go_ahead = await d.ask(b"DATA", content=True)
    if go_ahead.positive:
        return d.failed(UpstreamError("is out of step")), "none"
    if go_ahead.code != 354:
        if d.upstream is not None and d.upstream.open:
            # For its client the transaction is over; to the upstream it is still open.
            await d.ask(b"RSET")
        return go_ahead, "refused" if go_ahead.by == "upstream" else "none"
    assert d.upstream is not None
    pieces: Iterator[bytes] = message.pieces()
    if d.settings.checks.stamp:
        # Without results (the checks failed) a forged field with our id goes all the same.
        authserv_id = d.settings.checks.authserv_id or d.settings.name
        pieces = stamped(pieces, report.results, authserv_id)
    if d.settings.conduct.bare_newline == "fix":
        pieces = _mended(pieces)
    try:
        answer = await d.upstream.content(
            pieces,
            limits.upstream_reply,
            limits.upstream_dot,
            bare=d.settings.conduct.bare_newline == "pass",
        )
    except DotSent as error:
        d.failed(error)
        d.found(finding("relay.commit-unknown", f"the upstream {error}"))
        return own(451, "4.4.2 the mail server behind this relay broke off"), "unknown"
    except UpstreamError as error:
        return d.failed(error), "none"
    if answer.code // 100 == 3:
        d.upstream.abort()
        return own(451, "4.3.0 the mail server behind this relay is out of step"), "unknown"
    return answer, "accepted" if answer.positive else "refused"


def _mended(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Each bare CR and bare LF as CRLF; a CR at the end of a piece waits for the next."""
    held = b""
    for piece in pieces:
        data = held + piece
        held = b"\r" if data.endswith(b"\r") else b""
        data = data[: len(data) - len(held)]
        yield data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    if held:
        yield b"\r\n"
