"""A feed without a relay, and records as a relay would tell them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from monitor import events as ev
from monitor.config import Settings
from monitor.control.feed import FeedError
from monitor.control.protocol import ListsUpdate, RecordUpdate, Status, Update
from monitor.filter.order import Order, Page, Place, place, up_to
from monitor.findings.catalogue import finding
from monitor.findings.retry.waiting import Try, Wait
from monitor.insight.questions import Question, StudyError
from monitor.insight.whatif.scenario import Spoken
from monitor.policy.entry import Draft, Entry
from monitor.record import Client, Message, Recipient, Record, Tls
from monitor.study.answer import answer
from monitor.text import escape

T = TypeVar("T")

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)

STATUS = Status(
    relay="mx.home.example",
    version="0.1.0",
    started=NOW.timestamp() - 3_600,
    now=NOW.timestamp(),
    listening=("127.0.0.1:2525",),
    upstream="127.0.0.1:10025",
    upstream_up=True,
    identity="xclient",
    dns="127.0.0.1:53",
    capture="off",
    disk_free=12 << 30,
    sessions=3,
    transactions=1_204,
    rate=12.3,
    accepted=1_150,
    deferred=38,
    refused=16,
)

# name, address, EHLO name, sender, recipient, code, reply, finding codes
CAST: list[tuple[str, str, str, str, int, str, tuple[str, ...]]] = [
    ("mail.good.example", "192.0.2.10", "a@good.example", "x@home.example", 250,
     "2.0.0 Ok: queued as 4Bx1", ("spf.pass", "dkim.pass", "dmarc.pass", "tls.ok")),
    ("out.oldkey.example", "192.0.2.23", "news@oldkey.example", "x@home.example", 250,
     "2.0.0 Ok: queued as 4Bx2", ("spf.pass", "dkim.pass", "dkim.key-1024")),
    ("mx.wrongspf.example", "198.51.100.7", "info@wrongspf.example", "y@home.example", 250,
     "2.0.0 Ok: queued as 4Bx3", ("spf.fail", "spf.mx-not-sender", "dkim.none")),
    ("broken.example", "198.51.100.99", "shop@broken.example", "x@home.example", 250,
     "2.0.0 Ok: queued as 4Bx4", ("dkim.fail-body", "dmarc.fail")),
    ("rapid.example", "203.0.113.5", "bulk@rapid.example", "z@home.example", 450,
     "4.2.0 Greylisted, try again in 60 seconds", ("retry.rapid-fire", "retry.too-soon")),
    ("pool3.rotate.example", "203.0.113.77", "m@rotate.example", "z@home.example", 451,
     "4.7.1 Greylisted", ("retry.host-rotation",)),
    ("helo.rude.example", "203.0.113.200", "r@rude.example", "nobody@home.example", 550,
     "5.1.1 User unknown", ("conduct.data-after-no-recipients",)),
    ("nocipher.example", "2001:db8::25", "t@nocipher.example", "x@home.example", 250,
     "2.0.0 Ok: queued as 4Bx5", ("tls.no-shared-cipher", "tls.plaintext-fallback")),
]  # fmt: skip


def record(number: int, **changes: Any) -> Record:
    """A record like many; ``number`` picks the sender and makes the id."""
    name, ip, sender, rcpt, code, reply, codes = CAST[number % len(CAST)]
    at = NOW + timedelta(seconds=number)
    made = Record(
        id=f"t{number}",
        session=f"s{number}",
        started=at - timedelta(milliseconds=350),
        ended=at,
        relay="mx.home.example",
        client=Client(
            ip=ip, port=40_000 + number % 20_000, name=name, helo=name,
            tls=None if "tls.plaintext-fallback" in codes
            else Tls("TLSv1.3", "TLS_AES_256_GCM_SHA384"),
        ),
        mail_from=sender,
        rcpts=(Recipient(rcpt, code, reply if code != 250 else "2.1.5 Ok"),),
        message=Message(size=2_345, from_=sender, subject=f"Letter {number}",
                        message_id=f"<{number}@{name}>") if code == 250 else None,
        verdict=ev.Verdict(code=code, reply=reply, phase="eod" if code == 250 else "rcpt",
                           by="upstream"),
        state="accepted" if code == 250 else "refused",
        findings=tuple(finding(c, "seen in this message", d=sender.partition("@")[2])
                       for c in codes),
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def header(of: Record) -> str:
    """The header of its message, escaped as the relay does."""
    return escape(
        f"From: {of.mail_from}\r\nTo: {of.rcpts[0].address}\r\n"
        "Subject: Letter\r\n in two lines\r\nX-Odd: \x1b[2J\u202e\xff\r\n".encode(
            "utf-8", "surrogatepass"
        )
    )


def transcript(of: Record) -> list[ev.AnyEvent]:
    """What was said in the session of a record."""
    at = of.started.timestamp()
    s = of.session
    said: list[ev.AnyEvent] = [
        ev.Opened(session=s, at=at, relay=of.relay, ip=of.client.ip, port=of.client.port,
                  local_ip="127.0.0.1", local_port=2525),
        ev.Named(session=s, at=at + 0.004, name=of.client.name, confirmed=True),
        ev.Reply(session=s, at=at + 0.010, code=220, lines=("mx.home.example ESMTP",),
                 by="upstream", phase="connect"),
        ev.Command(session=s, at=at + 0.060, text=f"EHLO {of.client.helo}"),
        ev.Reply(session=s, at=at + 0.062, code=250,
                 lines=("mx.home.example", "PIPELINING", "STARTTLS", "8BITMIME"),
                 by="upstream", phase="ehlo"),
        ev.Command(session=s, at=at + 0.110, text="STARTTLS"),
        ev.Reply(session=s, at=at + 0.111, code=220, lines=("2.0.0 Ready to start TLS",),
                 by="mxtap", phase="ehlo"),
        ev.Secured(session=s, at=at + 0.150, side="client", protocol="TLSv1.3",
                   cipher="TLS_AES_256_GCM_SHA384"),
        ev.Command(session=s, at=at + 0.180, text=f"MAIL FROM:<{of.mail_from}> SIZE=2345"),
        ev.Reply(session=s, at=at + 0.190, code=250, lines=("2.1.0 Ok",), by="upstream",
                 phase="mail"),
        ev.Command(session=s, at=at + 0.191, text=f"RCPT TO:<{of.rcpts[0].address}>"),
        ev.Reply(session=s, at=at + 0.200, code=of.rcpts[0].code, lines=(of.rcpts[0].reply,),
                 by="upstream", phase="rcpt"),
        ev.Found(session=s, at=at + 0.210, about=of.id, findings=of.findings[-1:]),
        ev.Command(session=s, at=at + 0.210, text="DATA"),
        ev.Reply(session=s, at=at + 0.220, code=354, lines=("End data with <CR><LF>.<CR><LF>",),
                 by="upstream", phase="data"),
        ev.Content(session=s, at=at + 0.260, transaction=of.id, size=2_345, sha256="0",
                   subject="Letter", header=header(of)),
        ev.Asked(session=s, at=at + 0.270, name="good.example", type="TXT", status="ok",
                 records=("v=spf1 ip4:192.0.2.0/24 -all",)),
        ev.Reply(session=s, at=at + 0.340, code=of.verdict.code, lines=(of.verdict.reply,),
                 by="upstream", phase="eod"),
        ev.Command(session=s, at=at + 0.345, text="QUIT"),
        ev.Reply(session=s, at=at + 0.346, code=221, lines=("2.0.0 Bye",), by="upstream",
                 phase="eod"),
        ev.Closed(session=s, at=at + 0.350, how="quit"),
    ]  # fmt: skip
    return said


def wait(*records: Record, gave_up: float = 0.0) -> Wait:
    """Mail that waits, tried as these records tell."""
    last = records[-1]
    [rcpt] = last.rcpts
    tries = (Try(r.started.timestamp(), r.client.ip, rcpt.code, r.id) for r in records)
    return Wait(
        sender=last.mail_from or "", recipient=rcpt.address, network=f"{last.client.ip}/24",
        code=rcpt.code, count=len(records), tries=tuple(tries),
        expected=last.ended.timestamp() + 900, gave_up=gave_up,
    )  # fmt: skip


class _Past:
    """What a fake feed has kept, as :class:`monitor.study.past.Past`."""

    def __init__(self, feed: FakeFeed) -> None:
        self._feed = feed
        self.since, self.until = 0.0, NOW.timestamp() + 86_400

    def records(self, since: float) -> Iterator[Record]:
        return (r for r in self._feed.kept if r.ended.timestamp() >= since)

    def transcript(self, spoken: Spoken) -> list[ev.AnyEvent]:
        return next((transcript(r) for r in self._feed.kept if r.session == spoken.session), [])

    def entries(self) -> list[Entry]:
        return self._feed.entries


class FakeFeed:
    """Updates that a test pushes, history that it gives, and what was asked of it."""

    live = True
    title = "relay mx.home.example"

    def __init__(self, history: list[Record] | None = None, status: Status = STATUS) -> None:
        self.kept = history or []  # oldest first
        self.status = status
        self.entries: list[Entry] = []
        self.asked: list[tuple[str, Any]] = []
        self.slice = 20_000  # records that a page goes through
        self.refuses = ""  # why lists cannot be changed
        self.unreachable = ""
        self._updates: asyncio.Queue[Update | None] = asyncio.Queue()

    def push(self, *updates: Update | Record) -> None:
        for update in updates:
            if isinstance(update, Record):
                self.kept.append(update)
                update = RecordUpdate(update)
            self._updates.put_nowait(update)

    async def start(self) -> Status:
        if self.unreachable:
            raise FeedError(self.unreachable)
        return self.status

    async def updates(self) -> AsyncIterator[Update]:
        while (update := await self._updates.get()) is not None:
            yield update

    async def history(
        self, *, limit: int = 500, before: float | None = None, query: str = ""
    ) -> list[Record]:
        from monitor.filter import parse

        self.asked.append(("history", (limit, before, query)))
        wanted = parse(query)
        found = [
            r for r in reversed(self.kept)
            if (before is None or r.ended.timestamp() < before)
            and wanted.matches(r, NOW.timestamp())
        ]  # fmt: skip
        return found[:limit]

    async def page(
        self,
        *,
        limit: int,
        query: str = "",
        order: Order = "ended",
        backward: bool = True,
        past: Place | None = None,
    ) -> Page:
        from monitor.filter import parse

        self.asked.append(("page", (query, order, backward, past)))
        wanted = parse(query)

        def at(record: Record) -> tuple[float | str, float]:
            stands = place(record, order)
            return stands.value, stands.ended

        rows = sorted(self.kept, key=at, reverse=backward)
        if past is not None:
            here = (past.value, past.ended)
            rows = [r for r in rows if (at(r) < here if backward else at(r) > here)]
        more = len(rows) > self.slice
        rows = rows[: self.slice]
        found = [r for r in rows if wanted.matches(r, NOW.timestamp())]
        if len(found) > limit:
            return Page(found[:limit], up_to(found[limit - 1], order, backward))
        return Page(found, place(rows[-1], order) if more else None)

    async def transcript(self, session: str) -> list[ev.AnyEvent]:
        self.asked.append(("transcript", session))
        return next((transcript(r) for r in self.kept if r.session == session), [])

    async def evidence(self, session: str) -> list[ev.AnyEvent]:
        return await self.transcript(session)

    async def rules(self) -> dict[str, Any]:
        return {"name": "mx.home.example"}

    async def waiting(self) -> list[Wait]:
        """Those whose last record was deferred, by sender and recipient."""
        chains: dict[tuple[str | None, str], list[Record]] = {}
        for r in self.kept:
            for rcpt in r.rcpts:
                key = (r.mail_from, rcpt.address)
                if 400 <= rcpt.code < 500:
                    chains.setdefault(key, []).append(r)
                else:
                    chains.pop(key, None)
        return [wait(*records) for records in chains.values()]

    async def study(self, question: Question, form: type[T]) -> T:
        self.asked.append(("study", question))
        if self.refuses:
            raise FeedError(self.refuses)
        try:
            settings = Settings(name="mx.home.example")
            told = await asyncio.to_thread(answer, question, _Past(self), settings, online=False)
        except StudyError as error:
            raise FeedError(str(error)) from None
        assert isinstance(told, form)
        return told

    async def lists(self) -> list[Entry]:
        return list(self.entries)

    async def add(self, draft: Draft) -> Entry:
        self.asked.append(("add", draft))
        if self.refuses:
            raise FeedError(self.refuses)
        entry = Entry(
            id=max((e.id for e in self.entries), default=0) + 1,
            list=draft.list, kind=draft.kind, value=draft.value,
            action=draft.action, reason=draft.reason, by="root", created=datetime.now(UTC),
            expires=datetime.now(UTC) + timedelta(seconds=draft.lifetime)
            if draft.lifetime else None,
        )  # fmt: skip
        self.entries.append(entry)
        self.push(ListsUpdate(tuple(self.entries)))
        return entry

    async def end(self, entry_id: int) -> Entry:
        self.asked.append(("end", entry_id))
        if self.refuses:
            raise FeedError(self.refuses)
        ended = next(e for e in self.entries if e.id == entry_id)
        self.entries.remove(ended)
        self.push(ListsUpdate(tuple(self.entries)))
        return ended

    async def close(self) -> None:
        self._updates.put_nowait(None)
