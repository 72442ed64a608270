"""Sessions as events, for the tests of capture."""

from __future__ import annotations

from collections.abc import Iterator

from monitor import events as ev

START = 1_772_366_400.0  # 2026-03-01 12:00 UTC


def session(
    number: int = 1,
    *,
    at: float = START,
    body: bytes = b"",
    severity: ev.Severity | None = "warning",
    about: str = "transaction",
    close: bool = True,
) -> list[ev.AnyEvent]:
    """One session with one transaction, ten events and more, a tenth of a second apart."""
    sid, tid = f"S{number}", f"T{number}"

    def made() -> Iterator[ev.AnyEvent]:
        yield ev.Opened(
            session=sid,
            at=at,
            relay="mx",
            ip="192.0.2.7",
            port=4000 + number,
            local_ip="127.0.0.1",
            local_port=25,
        )
        yield reply(0.1, 220, "mx ESMTP", "connect")
        yield ev.Command(session=sid, at=at + 0.2, text="EHLO a.example", size=14)
        yield reply(0.3, 250, "mx", "ehlo")
        yield ev.Command(session=sid, at=at + 0.4, text="MAIL FROM:<a@a.example>", size=23)
        yield reply(0.4, 250, "2.1.0 ok", "mail")
        yield ev.Mail(
            session=sid,
            at=at + 0.4,
            transaction=tid,
            address="a@a.example",
            code=250,
            reply="2.1.0 ok",
            by="upstream",
        )
        yield ev.Command(session=sid, at=at + 0.5, text="RCPT TO:<b@b.example>", size=21)
        yield reply(0.5, 250, "2.1.5 ok", "rcpt")
        yield ev.Rcpt(
            session=sid,
            at=at + 0.5,
            transaction=tid,
            address="b@b.example",
            code=250,
            reply="2.1.5 ok",
            by="upstream",
        )
        yield ev.Command(session=sid, at=at + 0.6, text="DATA", size=4)
        yield reply(0.6, 354, "go on", "data")
        yield ev.Content(
            session=sid,
            at=at + 0.7,
            transaction=tid,
            size=len(body),
            sha256="00",
            header=r"From: a@a.example\x0d\x0a",
            from_="a@a.example",
            subject="Hello",
            message_id="m@a",
        )
        for offset in range(0, len(body), 65_536):
            piece = body[offset : offset + 65_536]
            yield ev.Body(session=sid, at=at + 0.7, transaction=tid, offset=offset, data=piece)
        if severity:
            finding = ev.Finding(code="spf.fail", severity=severity, title="t")
            subject = tid if about == "transaction" else sid
            yield ev.Found(session=sid, at=at + 0.8, about=subject, findings=(finding,))
        yield reply(0.9, 250, "2.0.0 queued", "eod")
        verdict = ev.Verdict(code=250, reply="2.0.0 queued", phase="eod", by="upstream")
        yield ev.Ended(session=sid, at=at + 0.9, transaction=tid, verdict=verdict, state="accepted")
        if close:
            yield ev.Closed(session=sid, at=at + 1, how="quit")

    def reply(after: float, code: int, text: str, phase: ev.Phase) -> ev.Reply:
        return ev.Reply(
            session=sid, at=at + after, code=code, lines=(text,), by="upstream", phase=phase
        )

    return list(made())


def day(sessions: int, apart: float = 1.0, **given: object) -> Iterator[ev.AnyEvent]:
    """So many sessions, one after the other."""
    for number in range(sessions):
        yield from session(number, at=START + number * apart, **given)  # type: ignore[arg-type]
