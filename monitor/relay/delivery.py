"""A message that is in: check, decide, commit. The order is the promise (law 1).

The message is spooled and decided before the upstream hears of DATA; the client hears 2xx
only after the upstream said 2xx; after the final dot nothing cancels the wait for the
upstream's reply.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import msgspec

from monitor.checks.case import MessageReport
from monitor.findings.catalogue import finding
from monitor.relay.begun import Begun
from monitor.relay.data import DataParser, Facts, outgoing
from monitor.relay.replies import Answer, own
from monitor.relay.session import Dialogue
from monitor.relay.spool import SpooledMessage
from monitor.relay.stamping import stamped, whole
from monitor.relay.transaction import State, Transaction
from monitor.relay.upstream import DotSent, UpstreamError
from monitor.text import printable

log = logging.getLogger(__name__)


async def decide(
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
    await _commit(d, tx, message, parser.facts, report)


async def _close(d: Dialogue, tx: Transaction, answer: Answer, state: State) -> None:
    """Answer without the upstream, which forgets the transaction."""
    await d.say(answer)
    d.end(answer, "eod", state)
    if d.upstream is not None and d.upstream.open:
        await d.ask(b"RSET")


async def _check(d: Dialogue, tx: Transaction, message: SpooledMessage) -> MessageReport:
    checking = Begun(d.context.checks.message(d.envelope(tx), message, tx.sender))
    report = await d.hear(checking, MessageReport) or MessageReport()
    if d.settings.checks.stamp and not whole(report.results):
        d.found(finding("relay.check-failed", "the message is not stamped", check="results"))
        return msgspec.structs.replace(report, results="")
    return report


async def _commit(
    d: Dialogue, tx: Transaction, message: SpooledMessage, facts: Facts, report: MessageReport
) -> None:
    journal = d.context.journal
    with aside("the commit journal"):
        journal.start(tx.id)
    state: State = "none"
    try:
        if d.wire.gone:
            d.end(own(451, "4.4.2 the client broke off"), "eod")
            return
        answer, state = await _hand_over(d, _wire_form(d, message, facts, report))
    except Exception:
        log.exception("commit failed")
        if d.upstream is not None:
            d.upstream.abort()
            d.upstream = None
        answer = own(451, "4.3.0 local trouble, try again later")
    finally:
        with aside("the commit journal"):
            journal.end(tx.id)
    # Not sent is told as such: writing to a connection that is gone does nothing.
    heard = not d.wire.gone
    await d.say(answer)
    if answer.positive and not heard:
        state = "accepted-unacknowledged"
        d.found(finding("relay.accepted-unacknowledged", printable(answer.text)))
    d.end(answer, "eod", state)


def _wire_form(
    d: Dialogue, message: SpooledMessage, facts: Facts, report: MessageReport
) -> Iterator[bytes]:
    """The message as it goes to the upstream, with its dots stuffed: most often as it came."""
    pieces, policy = message.pieces(), d.settings.conduct.bare_newline
    if d.settings.checks.stamp:
        # Without results (the checks failed) a forged field with our id goes all the same.
        authserv_id = d.settings.checks.authserv_id or d.settings.name
        pieces = stamped(pieces, report.results, authserv_id)
    elif facts.plain:
        return pieces
    if policy == "fix":
        pieces = _mended(pieces)
    return outgoing(pieces, bare=policy == "pass")


async def _hand_over(d: Dialogue, pieces: Iterator[bytes]) -> tuple[Answer, State]:
    """Give the message to the upstream; its reply, and what is known of the message."""
    limits = d.limits
    go_ahead = await d.ask(b"DATA", content=True)
    if go_ahead.positive:
        return d.failed(UpstreamError("is out of step")), "none"
    if go_ahead.code != 354:
        if d.upstream is not None and d.upstream.open:
            # For its client the transaction is over; to the upstream it is still open.
            await d.ask(b"RSET")
        return go_ahead, "refused" if go_ahead.by == "upstream" else "none"
    assert d.upstream is not None
    try:
        answer = await d.upstream.content(pieces, limits.upstream_reply, limits.upstream_dot)
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


class aside:  # a context manager, named as those of contextlib
    """What mail does not wait for: a fault in it is logged."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: object
    ) -> bool:
        if not isinstance(fault, Exception):
            return False
        log.error("%s failed; mail goes on", self._what, exc_info=fault)
        return True
