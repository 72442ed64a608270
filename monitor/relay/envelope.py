"""The envelope: MAIL opens a transaction, RCPT adds to it."""

from __future__ import annotations

from monitor import events as ev
from monitor.findings.catalogue import finding
from monitor.relay import paths
from monitor.relay.replies import Answer, own, shown
from monitor.relay.session import Dialogue
from monitor.relay.teller import TROUBLE
from monitor.relay.transaction import Transaction
from monitor.relay.wire import Line


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
            reply=shown(answer.text),
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
    limit = d.limits.message_size
    if declared and declared.isdigit() and len(declared) < 20 and int(declared) > limit:
        d.found(finding("relay.too-large", f"{declared} bytes, over {limit}"))
        return own(552, f"5.3.4 message larger than {limit} bytes")
    return None


def _too_many(d: Dialogue) -> Answer | None:
    if d.messages < d.limits.messages:
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
    if answer is None and tx is not None and tx.tried >= d.limits.recipients:
        d.limited("limits.recipients", f"{tx.tried} recipients in one transaction")
        answer = own(452, "4.5.3 too many recipients")
    if answer is None:
        answer = await d.ask(line.raw)
    await d.say(answer)
    if tx is None:
        return
    tx.tried += 1
    if tx.tried <= d.limits.recipients:
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
            reply=shown(answer.text),
            by=answer.by,
            params=path.params,
        )
    )
