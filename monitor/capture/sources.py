"""From the files that somebody names to a reel: captures, folders of them, packets."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from monitor.assembler import Assembler
from monitor.capture.file import save
from monitor.capture.format import SUFFIX, CaptureError
from monitor.capture.packets import is_pcap
from monitor.capture.pcap import pcap_events
from monitor.capture.reader import Capture
from monitor.capture.reel import Reel, of_captures
from monitor.config import Settings
from monitor.events import AnyEvent
from monitor.findings.disciplines import default
from monitor.findings.memory import Bounded
from monitor.findings.views import Discipline


def disciplines(settings: Settings) -> list[Discipline]:
    """Those of a relay, with a memory of their own."""
    return default(settings, Bounded(settings.retry.remembered))


def open_reel(paths: Sequence[Path], settings: Settings) -> Reel:
    """The reel of ``paths``. Raises CaptureError.

    Packets are turned into events, and judged as a relay would have judged them.
    """
    notes: list[str] = []
    files = [file for path in paths for file in _files(path)]
    if not files:
        raise CaptureError(f"there is no capture in {', '.join(map(str, paths))}")
    title = files[0].name if len(files) == 1 else f"{files[0].name} and {len(files) - 1} more"
    captures: list[Capture] = []
    try:
        for file in files:
            if is_pcap(file):
                captures.append(spooled(judged(pcap_events(file, notes.append), settings)))
            else:
                captures.append(Capture(file))
    except CaptureError:
        for capture in captures:
            capture.close()
        raise
    reel = of_captures(title, captures)
    reel.notes = notes
    return reel


def judged(events: Iterable[AnyEvent], settings: Settings) -> Iterator[AnyEvent]:
    """``events`` with the findings of the disciplines among them."""
    assembler = Assembler(disciplines(settings))
    for event in events:
        yield from assembler.feed(event)[0]


def spooled(events: Iterable[AnyEvent]) -> Capture:
    """Events as a capture in a file that is gone when it is closed. Raises CaptureError."""
    with tempfile.TemporaryDirectory(prefix="mxtap-") as folder:
        path = Path(folder) / f"spool{SUFFIX}"
        save(path, events)
        return Capture(path)  # the open file outlives its name


def _files(path: Path) -> list[Path]:
    return sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
