"""What history gives of a scripted world: records in order, late findings put to theirs."""

from __future__ import annotations

import msgspec
from conversation import START, World

from monitor.findings.catalogue import finding
from monitor.insight.cards import Card, Report
from monitor.insight.grading import Grading
from monitor.record import Late, Record

HOUR = 3_600.0
DAY = 24 * HOUR


def history(world: World) -> list[Record]:
    records = {o.id: o for o in world.outputs if isinstance(o, Record)}
    for late in world.outputs:
        if isinstance(late, Late) and late.about in records:
            told = records[late.about]
            findings = (*told.findings, *late.findings)
            records[late.about] = msgspec.structs.replace(told, findings=findings)
    return sorted(records.values(), key=lambda record: record.ended)


def report(world: World, **options: int) -> Report:
    grading = Grading(START, world.now, **options)
    for record in history(world):
        grading.add(record)
    return grading.report()


def card(world: World, sender: str) -> Card:
    return next(card for card in report(world).senders if card.sender == sender)


def letter(
    world: World,
    *codes: str,
    ip: str = "192.0.2.1",
    ptr: str | None = "mx.sender.example",
    spf: str = "",
    dkim: str = "",
    size: int = 1_000,
    secure: bool = False,
    reply: str = "250 2.0.0 Queued",
    sender: str = "a@sender.example",
    helo: str = "mx.sender.example",
    **evidence: object,
) -> str:
    """One message with the findings of ``codes``; its transaction's id."""
    client = world.connect(ip, ptr=ptr)
    client.ehlo(helo)
    if secure:
        client.secure()
        client.ehlo(helo)
    client.mail(sender, size=size)
    client.found(
        *([finding("spf.pass", domain=spf)] if spf else []),
        *([finding("dkim.pass", d=dkim, bits=2048, algorithm="rsa-sha256")] if dkim else []),
        *(finding(code, **evidence) for code in codes),
    )
    client.rcpt()
    client.data(reply)
    client.quit()
    return f"{client.session}-1"
