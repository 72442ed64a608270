"""The tables of how senders are judged, and what is done about it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from monitor.config.values import Act, Count, Pattern, Seconds, Table


class Greylist(Table):
    """Greylisting: ours where it is enforced, what it would have done where it is observed."""

    mode: Literal["off", "observe", "enforce"] = "observe"
    """`enforce` defers what comes for the first time; `observe` tells what that would have done."""
    delay: Seconds = 60
    """Seconds that a new sender has to wait."""
    retry_window: Seconds = 2 * 86400
    """Seconds within which it has to come again."""
    remember: Seconds = 35 * 86400
    """Seconds for which one that passed is known."""
    auto_allow: int = Field(default=5, ge=0)
    """Passes after which a pool of hosts is not greylisted any more; 0 for never."""
    patterns: tuple[Pattern, ...] = ()
    """More replies of upstreams (regular expressions) that are greylisting."""
    whitelist: tuple[Path, ...] = ()
    """Files of postgrey's form: clients that are not greylisted."""
    whitelist_recipients: tuple[Path, ...] = ()
    """Files of postgrey's form: recipients whose mail is not greylisted."""


class Retry(Table):
    """How retries are judged."""

    soon: tuple[Seconds, Seconds, Seconds, Seconds] = (1_800, 300, 60, 10)
    """A retry within as many seconds is too soon: for an info, a notice, a warning, an error."""
    immediate: Seconds = 5
    """A retry within as many seconds came at once."""
    rapid_window: Seconds = 60
    """Seconds in which several attempts are rapid fire."""
    fallback_window: Seconds = 60
    """Another listener of ours within as many seconds is MX fallback, and no retry."""
    permanent_memory: Seconds = 5 * 86_400
    """Seconds for which a permanent refusal is held against a further attempt."""
    silence: Seconds = 6 * 3_600
    """A sender that retried gave up when it is silent for as many seconds."""
    no_retry: Seconds = 86_400
    """A sender that never retried gave up after as many seconds."""
    gave_up: tuple[Seconds, Seconds, Seconds] = (96 * 3_600, 20 * 3_600, 4 * 3_600)
    """Silence after as few seconds of trying is a notice, a warning, an error."""
    remembered: Count = 1_000_000
    """Senders and recipients that are kept in mind; the oldest are forgotten first."""


class Conduct(Table):
    """What is done about protocol faults, besides saying so.

    `refuse` answers 5xx from the command that shows the fault to the end of the session;
    `drop` answers 421 and closes; `note` does nothing.
    """

    greet_delay: Seconds = 0
    """Seconds to wait with the greeting, for those who speak before it."""
    early_talker: Act = "note"
    """Who spoke before the greeting."""
    unannounced_pipelining: Act = "note"
    """Who sent commands in groups without leave."""
    helo: Act = "note"
    """An EHLO name that is malformed or ours; where it leads is never held against it."""
    not_smtp: Act = "note"
    """Browsers and other clients that do not speak SMTP."""
    ignored_rejection: Act = "note"
    """Who goes on after a permanent refusal."""
    data_after_no_recipients: Act = "note"
    """DATA though every recipient was refused."""
    unannounced_8bit: Act = "note"
    """8-bit content without BODY=8BITMIME."""
    smuggling: Act = "note"
    """Look-alikes of the end of data, where `bare_newline` lets them pass."""
    bare_newline: Literal["refuse", "fix", "pass"] = "refuse"
    """A CR or LF by itself. Leave it at `refuse`: `fix` breaks signatures, `pass` lets mail be
    smuggled into servers that take it for the end of a line."""
