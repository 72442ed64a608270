"""Findings made anew from a capture: by the disciplines, and by checks over recorded answers.

What only the relay of then could know (lists, its own troubles) stays as it was recorded;
so do the checks of a message whose octets are not in the capture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from monitor import events as ev
from monitor.assembler import Assembler
from monitor.capture.compare import Comparison
from monitor.checks.case import Envelope, SenderReport
from monitor.checks.checker import Checker
from monitor.config import Settings
from monitor.dns.recorded import Recorded
from monitor.findings.answers import Answer
from monitor.findings.views import Discipline

_CHECKED = frozenset(("spf", "dkim", "dmarc", "arc", "rdns", "route", "report"))
_JUDGED = frozenset(("conduct", "tls", "retry", "greylist"))
QUIET = 60.0  # and at most this long, where nothing happens
MAX_QUIET = 30 * 86_400.0  # a longer gap is none of a relay that ran
LAG = 2.0  # seconds that a relay's own look may be behind
TICK = 1.0  # seconds of the session between two looks at the clock


@runtime_checkable
class Ticking(Protocol):
    """A discipline that also finds by the clock."""

    def tick(self, now: float) -> Iterable[ev.Found]:
        """What became known by ``now``, epoch seconds."""
        ...


class Recheck:
    """Takes the recorded events; gives the same with the findings made anew.

    ``comparison`` tells, when all were taken, what differs from then.
    """

    def __init__(self, settings: Settings, disciplines: Iterable[Discipline]) -> None:
        self.comparison = Comparison()
        self._settings = settings
        given = list(disciplines)
        candidates: list[object] = list(given)
        self._assembler = Assembler(given)
        self._ticking = [d for d in candidates if isinstance(d, Ticking)]
        self._ticked = 0.0
        self._sessions: dict[str, _Session] = {}

    async def take(self, recorded: Iterable[ev.AnyEvent]) -> list[ev.AnyEvent]:
        """The events that go on in place of the next ones recorded."""
        events: list[ev.AnyEvent] = []
        for event in recorded:
            if isinstance(event, ev.Found):
                self.comparison.then(event)
            late = isinstance(event, ev.Found) and event.session not in self._sessions
            # What the clock told is looked for when it was told, and else only where the
            # relay's next look is over.
            for now in _ticks(self._ticked, event.at if late else event.at - LAG):
                events += self._tick(now)
            if (anew := await self._anew(event)) is not None:
                events += self._pass(anew)
        return events

    async def _anew(self, event: ev.AnyEvent) -> ev.AnyEvent | None:
        session = self._sessions.get(event.session)
        match event:
            case ev.Opened():
                self._sessions[event.session] = _Session(event)
            case ev.Found():
                return await self._found(session, event)
            case ev.Closed():
                self._sessions.pop(event.session, None)
            case _ if session is not None:
                session.take(event, self._assembler)
        return event

    async def _found(self, session: _Session | None, event: ev.Found) -> ev.Found | None:
        kept = [f for f in event.findings if _origin(f) != "discipline"]
        checked = [f for f in kept if _origin(f) == "check"]
        if checked and session is not None:
            anew = await session.check(event.about, checked, event.at, self._settings)
            if anew is not None:
                kept = [*(f for f in kept if f not in checked), *anew]
        if not kept:
            return None
        return ev.Found(session=event.session, at=event.at, about=event.about, findings=tuple(kept))

    def _tick(self, now: float) -> Iterator[ev.AnyEvent]:
        self._ticked = now
        for discipline in self._ticking:
            for found in discipline.tick(now):
                yield from self._pass(found)

    def _pass(self, event: ev.AnyEvent) -> Iterator[ev.AnyEvent]:
        for passed in self._assembler.feed(event)[0]:
            if isinstance(passed, ev.Found):
                self.comparison.now(passed)
            yield passed


def _ticks(before: float, now: float) -> Iterator[float]:
    """When to look at the clock: a relay did so while nothing happened, too."""
    if 0 < now - before <= MAX_QUIET:
        while now - before > QUIET:
            before += QUIET
            yield before
    if now - before >= TICK:
        yield now


def _origin(finding: ev.Finding) -> Literal["check", "discipline", "relay"]:
    """Who makes this finding."""
    family = finding.code.partition(".")[0]
    match finding.code:
        case "conduct.helo-mismatch":
            return "check"
        case "report.refused":
            return "discipline"
        case "report.loop":
            return "discipline" if "rounds" in finding.evidence else "check"
        case _ if family == "greylist" and finding.evidence.get("whose") == "ours":
            return "relay"  # it came with a ruling
        case _ if family in _CHECKED:
            return "check"
        case _:
            return "discipline" if family in _JUDGED else "relay"


@dataclass(slots=True)
class _Session:
    """What the checks of one session need."""

    opened: ev.Opened
    named: ev.Named | None = None
    helo: str = ""
    answers: list[Answer] = field(default_factory=list)
    mail: ev.Mail | None = None
    sender: SenderReport | None = None
    rcpts: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)  # recipients, accepted or not
    content: ev.Content | None = None
    pieces: list[bytes] = field(default_factory=list)
    done: set[str] = field(default_factory=set)

    def take(self, event: ev.AnyEvent, assembler: Assembler) -> None:
        match event:
            case ev.Named():
                self.named = event
            case ev.Asked():
                self.answers.append(
                    Answer(
                        name=event.name,
                        type=event.type,
                        status=event.status,
                        records=event.records,
                        canonical=event.canonical,
                        secure=event.secure,
                        ttl=event.ttl,
                    )
                )
            case ev.Mail():
                view = assembler.session(event.session)
                self.helo = (view.helo if view else None) or ""
                self.mail, self.sender, self.content = event, None, None
                self.rcpts, self.unchecked, self.pieces = [], [], []
                self.done -= {"sender", "message"}
            case ev.Rcpt():
                self.unchecked.append(event.address)
                if 200 <= event.code < 300:
                    self.rcpts.append(event.address)
            case ev.Content():
                self.content = event
            case ev.Body():
                self.pieces.append(event.data)
            case _:
                pass

    async def check(
        self, about: str, checked: Iterable[ev.Finding], at: float, settings: Settings
    ) -> tuple[ev.Finding, ...] | None:
        """The findings of the checks at this place; None where they cannot be made anew."""
        if self.mail is None or about != self.mail.transaction:
            stage = "client"
        elif all(f.code.startswith("route.recipient-") for f in checked):
            stage = "recipients"
        else:
            stage = "message" if self.content else "sender"
        if stage == "message" and not self._whole():
            return None
        if stage in self.done:
            return ()
        if stage != "recipients":  # these may be told of twice, others the second time
            self.done.add(stage)
        checker = Checker(Recorded(self.answers), settings, lambda: at)
        if stage == "client":
            return (await checker.client(self.opened.ip)).findings
        if stage == "recipients":
            named, self.unchecked = self.unchecked, []
            return (await checker.recipients(named)).findings
        envelope = self._envelope()
        if stage == "sender":
            self.sender = await checker.sender(envelope)
            return self.sender.findings
        source = _Message(self.pieces)
        return (await checker.message(envelope, source, self.sender)).findings

    def _envelope(self) -> Envelope:
        confirmed = self.named is not None and self.named.confirmed
        return Envelope(
            ip=self.opened.ip,
            helo=self.helo,
            mail_from=self.mail.address if self.mail else "",
            rcpts=tuple(self.rcpts),
            name=self.named.name if confirmed and self.named else None,
        )

    def _whole(self) -> bool:
        digest = hashlib.sha256()
        for piece in self.pieces:
            digest.update(piece)
        return self.content is not None and digest.hexdigest() == self.content.sha256


class _Message:
    """A message in memory, as the checks want it."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.size = sum(map(len, pieces))
        self._pieces = pieces

    def pieces(self) -> Iterator[bytes]:
        return iter(self._pieces)
