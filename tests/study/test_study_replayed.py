"""Studies of a recording: of what was played so far, one at a time."""

from __future__ import annotations

import asyncio
import threading

import pytest
from conversation import World
from insight_history import DAY, letter

from monitor.capture.feed import CaptureFeed
from monitor.capture.reel import of_events
from monitor.config import Settings
from monitor.control.feed import FeedError
from monitor.insight.cards import Report
from monitor.insight.questions import LetterTo, ReportOn, WhatIf, Written
from monitor.insight.whatif.answer import Answer
from monitor.policy.entry import Draft
from monitor.study.answer import answer
from monitor.study.past import Past, of_reel
from monitor.study.replayed import Replayed


@pytest.fixture
def feed() -> CaptureFeed:
    world = World()
    for _ in range(20):
        letter(world, "dmarc.fail", ptr="mx.bad.example", policy="reject")
    reel = of_events("day", world.events, size=11)
    return CaptureFeed(reel, study=Replayed(Settings(name="mx.here.example")))


async def test_it_is_of_what_was_played(feed: CaptureFeed) -> None:
    feed.playback.seek(feed.reel.end)
    report = await feed.study(ReportOn(senders=("bad.example",)), Report)
    assert report.senders[0].records == 20
    feed.playback.seek((feed.reel.start + feed.reel.end) / 2)
    report = await feed.study(ReportOn(senders=("bad.example",)), Report)
    assert 8 <= report.senders[0].records <= 11
    written = await feed.study(LetterTo(sender="bad.example"), Written)
    assert written.to == ("postmaster@bad.example", "abuse@bad.example")


async def test_what_the_rehearsal_allows_is_wanted(feed: CaptureFeed) -> None:
    feed.playback.seek(feed.reel.end)
    await feed.add(Draft(list="allow", kind="ip", value="192.0.2.1"))
    answer = await feed.study(WhatIf(scenarios=("dmarc=reject",)), Answer)
    assert answer.scenarios[0].outcomes["lost"].wanted == 20


def test_what_became_known_later_is_told_with_its_record() -> None:
    world = World()
    world.attempt(reply="450 4.2.0 Greylisted")
    client = world.connect()
    client.ehlo()
    client.mail()
    client.rcpt()
    client.data()
    client.close()
    world.wait(3 * DAY)
    past = of_reel(of_events("day", world.events, size=11))
    codes = [{found.code for found in record.findings} for record in past.records(0)]
    assert "retry.gave-up" in codes[0]
    assert "conduct.no-quit" in codes[1]
    before = of_reel(of_events("day", world.events, size=11), until=world.now - 2.5 * DAY)
    assert all(f.code != "retry.gave-up" for r in before.records(0) for f in r.findings)


async def test_another_question_ends_the_one_before(feed: CaptureFeed, monkeypatch) -> None:
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slowly(question: ReportOn, past: Past, *rest: object, **options: object) -> object:
        if question.senders == ("slow.example",):
            loop.call_soon_threadsafe(begun.set)
            assert go_on.wait(5)
        return answer(question, past, *rest, **options)

    monkeypatch.setattr("monitor.study.replayed.answer", slowly)
    feed.playback.seek(feed.reel.end)
    first = asyncio.create_task(feed.study(ReportOn(senders=("slow.example",)), Report))
    await begun.wait()
    assert (await feed.study(ReportOn(senders=("bad.example",)), Report)).senders
    go_on.set()
    with pytest.raises(FeedError, match="another was asked"):
        await first


async def test_who_has_nothing_to_answer_says_so(feed: CaptureFeed) -> None:
    with pytest.raises(FeedError, match="sent nothing"):
        await feed.study(ReportOn(senders=("nobody.example",)), Report)
    with pytest.raises(FeedError, match="not asked"):
        await CaptureFeed(feed.reel).study(LetterTo(sender="bad.example"), Written)
