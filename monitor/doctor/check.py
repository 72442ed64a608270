"""One thing that was looked at: what was seen, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

import msgspec

from monitor.text import printable

__all__ = ["STATES", "Check", "State", "Subject", "exit_code", "worst"]

State = Literal["ok", "skipped", "notice", "warning", "error"]
STATES: tuple[State, ...] = get_args(State)


MAX_SEEN = 500  # characters


class Check(msgspec.Struct, frozen=True):
    """A check and its outcome; made by a :class:`Subject`, so that its text is printable."""

    about: str
    name: str
    state: State
    seen: str  # for "skipped" it is why
    mend: str = ""  # one sentence, "" for none


class Subject(NamedTuple):
    """What checks are about: "upstream", a domain, "this machine"."""

    about: str

    def ok(self, name: str, seen: str) -> Check:
        """All is well."""
        return self._check("ok", name, seen)

    def skipped(self, name: str, why: str, mend: str = "") -> Check:
        """It could not, or need not, be looked at."""
        return self._check("skipped", name, why, mend)

    def notice(self, name: str, seen: str, mend: str) -> Check:
        """Mail flows, and could do so better."""
        return self._check("notice", name, seen, mend)

    def warning(self, name: str, seen: str, mend: str) -> Check:
        """Some mail suffers, or will."""
        return self._check("warning", name, seen, mend)

    def error(self, name: str, seen: str, mend: str) -> Check:
        """Mail is lost, refused or open to abuse by it."""
        return self._check("error", name, seen, mend)

    def _check(self, state: State, name: str, seen: str, mend: str = "") -> Check:
        """What was seen may be a stranger's words."""
        return Check(self.about, name, state, printable(seen, MAX_SEEN), printable(mend, MAX_SEEN))


def worst(checks: Iterable[Check]) -> State:
    """The gravest state; ok where nothing was checked."""
    return max((check.state for check in checks), key=STATES.index, default="ok")


def exit_code(checks: Iterable[Check]) -> int:
    """1 where there is an error, else 0."""
    return int(worst(checks) == "error")
