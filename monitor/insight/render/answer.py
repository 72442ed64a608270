"""What would have been, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.insight.render.words import NONE, when
from monitor.insight.whatif.answer import Affected, Answer, Delay, Told
from monitor.insight.whatif.scenario import KINDS, Kind
from monitor.text import clip, printable

__all__ = ["HEADS", "becomes", "more", "wait", "written"]

HEADS: dict[Kind, str] = {
    "lost": "lost",
    "at-risk": "at risk",
    "quarantined": "put aside",
    "plaintext": "plaintext",
    "delayed": "delayed",
}
NAME = 28  # cells


def written(answer: Answer, limit: int) -> Iterator[str]:
    """A line a scenario, and below it what each is about, with ``limit`` senders at most."""
    yield (
        f"If this had been so from {when(answer.since)} to {when(answer.until)} UTC: "
        f"{answer.messages:,} messages came in, {answer.records:,} records"
    )
    yield ""
    heads = " ".join(f"{HEADS[kind]:>9}" for kind in KINDS)
    yield f"{'':{NAME}} {heads} {'wanted':>9} {'senders':>9}"
    for one in answer.scenarios:
        counts = " ".join(f"{_count(one.outcomes[kind].messages):>9}" for kind in KINDS)
        wanted = sum(outcome.wanted for outcome in one.outcomes.values())
        name = clip(printable(one.scenario), NAME)
        yield f"{name:{NAME}} {counts} {_count(wanted):>9} {_count(one.affected):>9}"
    if len(answer.scenarios) > 1:
        counts = " ".join(f"{_count(answer.together[kind]):>9}" for kind in KINDS)
        yield f"{'together':{NAME}} {counts}"
    for one in answer.scenarios:
        yield ""
        yield from _told(one, limit)


def _told(one: Told, limit: int) -> Iterator[str]:
    """One scenario: whom it would have met, and what is taken for granted."""
    yield f"{printable(one.scenario)}: {printable(one.title)}"
    if one.delay:
        yield f"   {wait(one.delay)}"
    for sender in one.senders[:limit]:
        yield f"   {_sender(sender)}"
    if one.affected > limit:
        yield f"   and {more(one.affected - limit)}"
    for words, count in one.notes.items():
        yield f"   {count:,} {words}"
    for sentence in one.assumptions:
        yield f"   ({sentence})"


def more(senders: int) -> str:
    """How many are not named."""
    return "1 sender more" if senders == 1 else f"{senders:,} senders more"


def wait(delay: Delay) -> str:
    """How much later."""
    return (
        f"half of the delayed mail comes within {_time(delay.median)}, 95 % within "
        f"{_time(delay.most)}, all within {_time(delay.longest)}"
    )


def _sender(sender: Affected) -> str:
    seen = f"{sender.at:%Y-%m-%d %H:%M:%S} {printable(sender.transaction)}"
    return f"{clip(printable(sender.sender), NAME):{NAME}} {becomes(sender)}; the last {seen}"


def becomes(sender: Affected) -> str:
    """What becomes of a sender's messages."""
    kinds = [kind for kind in KINDS if kind in sender.messages]
    told = [f"{sender.messages[kind]:,} {HEADS[kind]}" for kind in kinds]
    return ", ".join(told + ([f"{sender.wanted:,} wanted"] if sender.wanted else []))


def _count(number: int) -> str:
    return f"{number:,}" if number else NONE


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"
