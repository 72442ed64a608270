"""A scenario as an operator writes it: ``dmarc=reject``, ``greylist=300/pool``, ``ban:net=…``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, cast, get_args

from monitor.config import Greylist
from monitor.findings.greylist.whitelist import Whitelist
from monitor.insight.whatif.authentication import DkimBits, Dmarc, Level, Spf
from monitor.insight.whatif.bans import Bans
from monitor.insight.whatif.greylisting import Greylisting, Keying
from monitor.insight.whatif.scenario import Scenario
from monitor.insight.whatif.transport import USUAL, Ciphers, MtaSts, suites
from monitor.policy.entry import ACTIONS, KINDS, Draft, Entry

__all__ = ["FORMS", "Given", "drafts_of", "scenario"]

FORMS = (
    "mta-sts",
    "dmarc=reject",
    "dmarc=quarantine",
    "spf=fail",
    "dkim-bits=2048",
    "greylist=SECONDS/pool",
    "greylist=SECONDS/address",
    "tls=CIPHERS",
    "ban:KIND=VALUE",
    "bans",
)


class Given(NamedTuple):
    """What scenarios are made with, besides their words."""

    greylist: Greylist = Greylist()
    whitelist: Whitelist | None = None
    in_force: Sequence[Entry] = ()
    validating: Iterable[str] = ()  # senders that are known to validate MTA-STS
    bans: Sequence[Draft] = ()  # for "bans"; without any, those in force


def scenario(word: str, given: Given) -> Scenario:
    """The scenario of one word. Raises ValueError with a sentence for the operator."""
    name, equals, value = word.partition("=")
    if name.startswith("ban:"):
        return _ban(word, name.removeprefix("ban:"), value, given)
    make = _MAKERS.get(name)
    if make is None:
        raise ValueError(f"{word!r} is no scenario; there are {', '.join(FORMS)}")
    return make(word, value if equals else "", given)


def drafts_of(lines: Iterable[str]) -> list[Draft]:
    """Bans, one a line: ``net 192.0.2.0/24``, and an action behind it. Raises ValueError."""
    drafts = []
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        kind, action = words[0], words[2] if len(words) > 2 else "reject"
        if len(words) not in (2, 3) or kind not in KINDS or action not in ACTIONS:
            kinds, actions = ", ".join(KINDS), ", ".join(ACTIONS)
            raise ValueError(f"line {number}: expected KIND VALUE [ACTION], of {kinds}; {actions}")
        drafts.append(Draft(list="ban", kind=kind, value=words[1], action=action))
    return drafts


def _ban(word: str, kind: str, value: str, given: Given) -> Scenario:
    if kind not in KINDS or not value:
        raise ValueError(f"{word!r}: expected ban:KIND=VALUE, where KIND is {', '.join(KINDS)}")
    return Bans(word, [Draft(list="ban", kind=kind, value=value)], given.in_force)


def _bans(word: str, value: str, given: Given) -> Scenario:
    _none(word, value)
    drafts = list(given.bans) or [
        Draft(list="ban", kind=entry.kind, value=entry.value, action=entry.action)
        for entry in given.in_force
        if entry.list == "ban"
    ]
    if not drafts:
        raise ValueError("bans: none is in force")
    allowed = [entry for entry in given.in_force if given.bans or entry.list == "allow"]
    return Bans(word, drafts, allowed)


def _mta_sts(word: str, value: str, given: Given) -> Scenario:
    _none(word, value)
    return MtaSts(word, given.validating)


def _dmarc(word: str, value: str, given: Given) -> Scenario:
    level = value or "reject"
    if level not in get_args(Level):
        raise ValueError(f"{word!r}: expected dmarc=reject or dmarc=quarantine")
    return Dmarc(word, cast(Level, level))


def _spf(word: str, value: str, given: Given) -> Scenario:
    if value not in ("", "fail"):
        raise ValueError(f"{word!r}: expected spf=fail")
    return Spf(word)


def _dkim(word: str, value: str, given: Given) -> Scenario:
    bits = value or "2048"
    if not bits.isdecimal() or not 512 <= int(bits[:6]) <= 16_384:
        raise ValueError(f"{word!r}: expected dkim-bits=2048, or another number of bits")
    return DkimBits(word, int(bits))


def _greylist(word: str, value: str, given: Given) -> Scenario:
    seconds, _, keying = value.partition("/")
    keying = keying or "pool"
    seconds = seconds or f"{given.greylist.delay:g}"
    if keying not in get_args(Keying) or not seconds.isdecimal() or len(seconds) > 6:
        raise ValueError(f"{word!r}: expected greylist=300/pool or greylist=300/address")
    rules = given.greylist.model_copy(update={"delay": float(seconds)})
    return Greylisting(word, rules, cast(Keying, keying), given.whitelist)


def _tls(word: str, value: str, given: Given) -> Scenario:
    return Ciphers(word, suites(value or USUAL))


def _none(word: str, value: str) -> None:
    if value:
        raise ValueError(f"{word!r}: this takes no value")


_MAKERS: dict[str, Callable[[str, str, Given], Scenario]] = {
    "mta-sts": _mta_sts,
    "dmarc": _dmarc,
    "spf": _spf,
    "dkim-bits": _dkim,
    "greylist": _greylist,
    "tls": _tls,
    "bans": _bans,
}
