"""From events to records: the one fold that live relays and replays share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from monitor import events as ev
from monitor.findings.hearing import Hearers
from monitor.findings.views import TAKES, Discipline, Session, Transaction
from monitor.record import Client, Late, Message, Recipient, Record, Tls, moment

Output = Record | Late


MAX_EVENTS = 5_000  # that are kept of a session; what comes after is not, but its end

# What is done with the events of one type, decided at the first of each: how a view takes them
# in, who is asked about them, and whether they are plain: kept, and nothing is complete with them.
_Handling = tuple[Callable[[Session, Any], None] | None, Sequence[Discipline], bool]


class Assembler:
    """Folds events into records, and asks the disciplines what they make of them.

    ``feed`` returns what to pass on: the event itself, with the findings that became
    known by it in front, and the record or late findings that it completed. It does no
    I/O and takes its time from the events, so a replay gives the same again.

    ``failed`` hears of a discipline that raised, and the others go on; without it, that
    is for the caller. ``closed`` is given the view of each session that ended, with its
    events, the octets of messages excepted; without it none are kept.
    """

    def __init__(
        self,
        disciplines: Sequence[Discipline] = (),
        failed: Callable[[Discipline], None] | None = None,
        closed: Callable[[Session], None] | None = None,
    ) -> None:
        self._judges = Hearers(disciplines)
        self._handling: dict[type[ev.Event], _Handling] = {}
        self._failed = failed
        self._closed = closed
        self._sessions: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def session(self, session_id: str) -> Session | None:
        """The view of an open session."""
        return self._sessions.get(session_id)

    def feed(self, event: ev.AnyEvent) -> tuple[Sequence[ev.AnyEvent], Sequence[Output]]:
        """Take one event; give the events to pass on, in order, and the outputs made."""
        return self.fold(event) or ((event,), ())

    def fold(self, event: ev.AnyEvent) -> tuple[Sequence[ev.AnyEvent], Sequence[Output]] | None:
        """As ``feed``; None for what most events come to: they are passed on, and no more."""
        kind = type(event)
        if kind is ev.Opened:
            self._sessions[event.session] = Session(opened=cast("ev.Opened", event))
        view = self._sessions.get(event.session)
        if view is None:
            return (event,), _orphan(event)
        take, judges, plain = self._handling.get(kind) or self._decide(kind)
        if take:
            take(view, event)
        found = self._ask(judges, view, event) if judges else None
        if found or not plain:
            return self._complete(view, event, found)
        if len(view.events) < MAX_EVENTS:
            view.events.append(event)
        return None

    def _complete(
        self, view: Session, event: ev.AnyEvent, found: Sequence[ev.Finding] | None
    ) -> tuple[Sequence[ev.AnyEvent], Sequence[Output]]:
        kind = type(event)
        passed: tuple[ev.AnyEvent, ...] = (event,)
        if found:
            # In front, so that they are known when the record is made; but nothing is known
            # of a session or transaction in front of the event that begins it.
            told = _tell(view, event, tuple(found))
            passed = (event, told) if kind in (ev.Opened, ev.Mail) else (told, event)
        if self._closed and kind is not ev.Body:
            view.events += passed if len(view.events) < MAX_EVENTS or kind is ev.Closed else ()
        if kind is ev.Closed:
            del self._sessions[event.session]
            if self._closed:
                self._closed(view)
        completes = _COMPLETES.get(kind)
        return passed, completes(view, event) if completes else ()

    def _decide(self, kind: type[ev.Event]) -> _Handling:
        plain = self._closed is not None and kind is not ev.Body and kind not in _COMPLETES
        found = (TAKES.get(kind), self._judges[kind], plain)
        self._handling[kind] = found
        return found

    def _ask(
        self, judges: Sequence[Discipline], view: Session, event: ev.AnyEvent
    ) -> list[ev.Finding]:
        found: list[ev.Finding] = []
        for judge in judges:
            try:
                found += judge(view, event)
            except Exception:
                if self._failed is None:
                    raise
                self._failed(judge)
        return found


def _tell(view: Session, cause: ev.AnyEvent, found: tuple[ev.Finding, ...]) -> ev.Found:
    tx = view.current
    (tx.findings if tx else view.findings).extend(found)
    about = tx.id if tx else view.id
    return ev.Found(session=view.id, at=cause.at, about=about, findings=found)


def _orphan(event: ev.AnyEvent) -> Sequence[Output]:
    """Findings that come after their session (a sender that gave up) are told by themselves."""
    if isinstance(event, ev.Found):
        return (Late(id=event.session, about=event.about, findings=event.findings),)
    return ()


def _late(view: Session, event: ev.Found) -> Sequence[Output]:
    if event.about == view.id or (view.current and event.about == view.current.id):
        return ()
    return (Late(id=event.session, about=event.about, findings=event.findings),)


def _transaction(view: Session, event: ev.Ended) -> Sequence[Output]:
    if view.current is None:
        return ()
    record = _transaction_record(view, view.current, event)
    view.current = None
    view.told = len(view.findings)
    return (record,)


def _session(view: Session, event: ev.Closed) -> Sequence[Output]:
    if not view.transactions:
        return (_session_record(view, event),)
    if late := tuple(view.findings[view.told :]):
        return (Late(id=view.id, about=view.last_transaction, findings=late),)
    return ()


_COMPLETES: Mapping[type[ev.Event], Callable[[Session, Any], Sequence[Output]]] = {
    ev.Found: _late,
    ev.Ended: _transaction,
    ev.Closed: _session,
}


def _client(view: Session) -> Client:
    return Client(
        ip=view.opened.ip,
        port=view.opened.port,
        name=view.named.name if view.named else None,
        helo=view.helo,
        tls=Tls(view.tls.protocol, view.tls.cipher) if view.tls else None,
    )


def _message(content: ev.Content) -> Message:
    return Message(
        size=content.size,
        from_=content.from_,
        subject=content.subject,
        message_id=content.message_id,
    )


def _transaction_record(view: Session, tx: Transaction, ended: ev.Ended) -> Record:
    return Record(
        id=tx.id,
        session=view.id,
        started=moment(tx.started),
        ended=moment(ended.at),
        relay=view.opened.relay,
        client=_client(view),
        mail_from=tx.mail.address,
        rcpts=tuple(Recipient(r.address, r.code, r.reply) for r in tx.rcpts),
        message=_message(tx.content) if tx.content else None,
        verdict=ended.verdict,
        state=ended.state,
        findings=(*view.findings, *tx.findings),
    )


def _session_record(view: Session, closed: ev.Closed) -> Record:
    reply = view.last_reply
    verdict = (
        ev.Verdict(code=reply.code, reply=" ".join(reply.lines), phase=reply.phase, by=reply.by)
        if reply
        else ev.Verdict(code=0, reply="", phase="connect", by="mxtap")
    )
    return Record(
        id=view.id,
        session=view.id,
        started=moment(view.opened.at),
        ended=moment(closed.at),
        relay=view.opened.relay,
        client=_client(view),
        mail_from=None,
        verdict=verdict,
        findings=tuple(view.findings),
    )
