"""The folder of captures: rotation, retention and the floor of free disk space."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from monitor.capture.file import CaptureFile, fresh_path, new_header
from monitor.capture.format import SUFFIX, CaptureError
from monitor.capture.rules import Rules
from monitor.capture.sheet import Sheet
from monitor.config import Capture

CAPTURES = "captures"  # in the state folder
RETRY = 30.0  # seconds until a disk in trouble is tried again
OURS = re.compile(r"\d{8}T\d{6}Z(-\d+)?" + re.escape(SUFFIX))


def free_space(folder: Path) -> int:
    """Octets that may still be written in ``folder``."""
    return shutil.disk_usage(folder).free


class CaptureFolder:
    """Puts sheets into files. Never raises for trouble with the disk: see ``problem``."""

    def __init__(
        self,
        folder: Path,
        settings: Capture,
        *,
        relay: str = "",
        rules: Rules | None = None,
        clock: Callable[[], float] = time.time,
        free: Callable[[Path], int] = free_space,
    ) -> None:
        self.problem = ""  # why nothing is written, for the operator; "" while all is well
        self._folder = folder
        self._settings = settings
        self._relay = relay
        self._rules = rules
        self._clock = clock
        self._free = free
        self._file: CaptureFile | None = None
        self._opened = 0.0
        self._retry_at = 0.0

    def write(self, sheet: Sheet) -> bool:
        """Write one frame; False when it was let go."""
        now = self._clock()
        if now < self._retry_at:
            return False
        try:
            self._keep_floor()
            self._rotate(now)
            self._current(now).write(sheet)
        except (OSError, CaptureError) as error:
            self._stop(now, error)
            return False
        self.problem = ""
        return True

    def close(self) -> None:
        """Finish the file in hand with its index."""
        if self._file is None:
            return
        try:
            self._file.close()
        except OSError as error:
            self.problem = f"capture: {error.strerror}"
        self._file = None

    def _current(self, now: float) -> CaptureFile:
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._expire(now)
            header = new_header(now, self._relay, self._settings.mode, self._rules)
            self._file = CaptureFile(fresh_path(self._folder, now), header)
            self._opened = now
        return self._file

    def _rotate(self, now: float) -> None:
        if self._file is None:
            return
        old = now - self._opened >= self._settings.rotate_age
        if old or self._file.size >= self._settings.rotate_size:
            file, self._file = self._file, None
            file.close()

    def _expire(self, now: float) -> None:
        if not self._settings.keep_days:
            return
        for path in self._folder.iterdir():
            if OURS.fullmatch(path.name):
                age = now - path.stat().st_mtime
                if age > self._settings.keep_days * 86_400:
                    path.unlink(missing_ok=True)

    def _keep_floor(self) -> None:
        floor = self._settings.disk_floor
        if not floor or not self._folder.exists():
            return
        if (free := self._free(self._folder)) < floor:
            raise CaptureError(
                f"{free >> 20} MiB are free in {self._folder}, less than"
                f" capture.disk_floor = {floor >> 20} MiB"
            )

    def _stop(self, now: float, error: OSError | CaptureError) -> None:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        self.problem = f"capture stopped, mail goes on: {reason}"
        self._retry_at = now + RETRY
        file, self._file = self._file, None
        if file is None:
            return
        # Without its index the file is whole up to its last frame; the reader walks it.
        with suppress(OSError):
            file.close(index=isinstance(error, CaptureError))
