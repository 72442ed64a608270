"""From events to records: the one fold that live relays and replays share."""

from __future__ import annotations

from collections.abc import Sequence

from monitor import events as ev
from monitor.findings.views import Discipline, Session, Transaction, hears
from monitor.record import Client, Late, Message, Recipient, Record, Tls, moment

Output = Record | Late


class Assembler:
    """Folds events into records, and asks the disciplines what they make of them.

    ``feed`` returns what to pass on: the event itself, with the findings that became
    known by it in front, and the record or late findings that it completed. It does no
    I/O and takes its time from the events, so a replay gives the same again.
    """

    def __init__(self, disciplines: Sequence[Discipline] = ()) -> None:
        self._disciplines = disciplines
        self._hearing: dict[type[ev.Event], list[Discipline]] = {}
        self._sessions: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def session(self, session_id: str) -> Session | None:
        """The view of an open session."""
        return self._sessions.get(session_id)

    def feed(self, event: ev.AnyEvent) -> tuple[list[ev.AnyEvent], list[Output]]:
        """Take one event; give the events to pass on, in order, and the outputs made."""
        if isinstance(event, ev.Opened):
            view = self._sessions[event.session] = Session(opened=event)
        else:
            known = self._sessions.get(event.session)
            if known is None:
                return [event], _orphan(event)
            view = known
        _take(view, event)
        passed: list[ev.AnyEvent] = [event]
        outputs: list[Output] = []
        found = [f for judge in self._heard_by(type(event)) for f in judge(view, event)]
        if found:
            # In front, so that they are known when the record is made; but nothing is known
            # of a session or transaction in front of the event that begins it.
            begins = isinstance(event, ev.Opened | ev.Mail)
            passed.insert(1 if begins else 0, self._add(view, event, tuple(found)))
        match event:
            case ev.Found(about=about) if about not in (view.id, _current_id(view)):
                outputs.append(Late(id=event.session, about=about, findings=event.findings))
            case ev.Ended() if view.current:
                outputs.append(_transaction_record(view, view.current, event))
                view.current = None
                view.told = len(view.findings)
            case ev.Closed():
                del self._sessions[event.session]
                if not view.transactions:
                    outputs.append(_session_record(view, event))
                elif late := tuple(view.findings[view.told :]):
                    outputs.append(Late(id=view.id, about=view.last_transaction, findings=late))
        return passed, outputs

    def _heard_by(self, kind: type[ev.Event]) -> list[Discipline]:
        if kind not in self._hearing:
            self._hearing[kind] = [d for d in self._disciplines if issubclass(kind, hears(d))]
        return self._hearing[kind]

    def _add(self, view: Session, cause: ev.AnyEvent, found: tuple[ev.Finding, ...]) -> ev.Found:
        tx = view.current
        (tx.findings if tx else view.findings).extend(found)
        about = tx.id if tx else view.id
        return ev.Found(session=view.id, at=cause.at, about=about, findings=found)


def _current_id(view: Session) -> str:
    return view.current.id if view.current else ""


def _orphan(event: ev.AnyEvent) -> list[Output]:
    """Findings that come after their session (a sender that gave up) are told by themselves."""
    if isinstance(event, ev.Found):
        return [Late(id=event.session, about=event.about, findings=event.findings)]
    return []


def _take(view: Session, event: ev.AnyEvent) -> None:
    match event:  # the most frequent first
        case ev.Asked() | ev.Body():
            pass
        case ev.Reply():
            view.say(event)
            view.last_reply = event
            _greeted(view, event)
        case ev.Command():
            view.say(event)
        case ev.Named():
            view.named = event
        case ev.Secured():
            if event.side == "client":
                view.tls = event
                view.helo, view.extended = None, False
            view.say(event)
        case ev.TlsFailed():
            view.tls_failures.append(event)
            view.say(event)
        case ev.Mail():
            view.transactions += 1
            view.last_transaction = event.transaction
            view.current = Transaction(
                id=event.transaction,
                started=event.at,
                mail=event,
                first_line=max(0, len(view.lines) - 2),
            )
        case ev.Rcpt() if view.current:
            view.current.rcpts.append(event)
        case ev.Content() if view.current:
            view.current.content = event
            view.say(event)
        case ev.Found(about=about):
            if view.current and about == view.current.id:
                view.current.findings.extend(event.findings)
            elif about == view.id:
                view.findings.extend(event.findings)
        case ev.Ended() if view.current:
            view.current.ended = event
        case ev.Closed():
            view.closed = event
        case _:
            pass


def _greeted(view: Session, reply: ev.Reply) -> None:
    if reply.phase != "ehlo":
        return
    command = next((x for x in reversed(view.lines) if isinstance(x, ev.Command)), None)
    if command is None:
        return
    verb, _, name = command.text.partition(" ")
    if verb.upper() in ("EHLO", "HELO"):
        view.helo = name.strip() or view.helo
        view.extended = verb.upper() == "EHLO" and reply.code == 250
        offered = reply.lines[1:] if view.extended else ()
        view.extensions = frozenset(line.partition(" ")[0].upper() for line in offered)


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
