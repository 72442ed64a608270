"""Which sessions are saved, and where to: between the dialog and the files."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from monitor.capture.file import new_header
from monitor.capture.format import SUFFIX
from monitor.capture.saving import Saved, interleaved, lacking, save_sessions
from monitor.capture.writer import FLUSH
from monitor.events import AnyEvent
from monitor.record import Record
from monitor.ui.desk import PAGE, Desk

__all__ = ["MAX_SESSIONS", "evidence", "file_name", "matching", "save", "sessions_of", "told"]

MAX_SESSIONS = 10_000
_MAX_STEM = 60
_FLUSHED = FLUSH + 0.5  # seconds until a relay's capture is on its disk
Tell = Callable[[str], None]


def sessions_of(records: Sequence[Record]) -> dict[str, float]:
    """Their sessions by id, and when each began as far as they tell (epoch seconds)."""
    began: dict[str, float] = {}
    for record in records:
        at = record.started.timestamp()
        began[record.session] = min(at, began.get(record.session, at))
    return began


async def evidence(desk: Desk, session: str) -> list[AnyEvent]:
    """All that is kept of a session. What a relay captured just now is waited for."""
    events = await desk.feed.evidence(session)
    if lacking(events) and not desk.replay and desk.clock() - events[-1].at < _FLUSHED:
        await asyncio.sleep(_FLUSHED)
        events = await desk.feed.evidence(session)
    return events


async def matching(desk: Desk, query: str, tell: Tell) -> dict[str, float]:
    """The sessions of all in history that passes ``query``, the newest ``MAX_SESSIONS``."""
    found: list[Record] = []
    past = None
    while True:
        page = await desk.feed.page(limit=PAGE, query=query, past=past)
        found += page.records
        sessions, past = sessions_of(found), page.reached
        tell(f"{len(sessions):,} sessions match so far …")
        if past is None or len(sessions) >= MAX_SESSIONS:
            return dict(list(sessions.items())[:MAX_SESSIONS])


async def save(desk: Desk, path: Path, sessions: Mapping[str, float], tell: Tell) -> Saved:
    """Write them to a new capture. Raises CaptureError and FeedError."""
    status = desk.model.status
    header = new_header(time.time(), status.relay if status else "", "", await desk.feed.rules())
    if desk.replay:
        events = desk.replay.events_of(sessions)
    else:
        events = interleaved(sessions, partial(evidence, desk))

    def count(begun: int) -> None:
        if not begun % 10:
            tell(f"{begun:,} of {len(sessions):,} sessions …")

    return await save_sessions(path, header, events, count)


def told(saved: Saved, wanted: int, path: Path) -> str:
    """What was saved, and what could not be."""
    text = f"Saved {_many(saved.sessions, 'session')} to {path}."
    if lost := wanted - saved.sessions:
        text += f" Of {_many(lost, 'session')} nothing is kept any more."
    if wanted >= MAX_SESSIONS:
        text += " There may be more: these are the newest."
    if saved.lacking:
        text += f" Not captured in full: {saved.lacking:,} of {_many(saved.messages, 'message')}."
    return text


def file_name(record: Record, many: bool, *, message: bool = False) -> str:
    """A name for a new file: of one session, or of many at the time of the newest."""
    stem = f"{record.ended:%Y%m%dT%H%M%SZ}" if many else re.sub(r"[^A-Za-z0-9]+", "-", record.id)
    stem = stem[:_MAX_STEM]
    return f"mxtap-{stem}.eml" if message else f"mxtap-{stem}{SUFFIX}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
