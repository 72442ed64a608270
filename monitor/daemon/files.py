"""How many files the process may hold open: every session takes two, ours and the upstream's."""

from __future__ import annotations

import contextlib
import logging
import resource

from monitor.config import Settings

log = logging.getLogger(__name__)

BESIDES = 200  # database, captures, DNS, control clients


def enough_for(settings: Settings) -> bool:
    """Take all that the hard limit gives; False, and a warning, where that is too little."""
    needed = 2 * settings.limits.sessions + BESIDES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        with contextlib.suppress(OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return True
    log.warning(
        "limits.sessions = %d needs %d open files, and the machine allows %d: "
        "set LimitNOFILE= in the unit, or fewer sessions",
        settings.limits.sessions,
        needed,
        soft,
    )
    return False
