"""A study in a process of its own, real children over a real history."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from conversation import World
from insight_history import history, letter

from monitor.config import Settings
from monitor.insight.cards import Report
from monitor.insight.questions import LetterTo, ReportOn, StudyError, WhatIf, Written
from monitor.insight.whatif.answer import Answer
from monitor.store import Store
from monitor.study.answer import answer
from monitor.study.aside import Aside
from monitor.study.past import of_history

BEGINNING = 1_799_000_000.0


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder: Path = tmp_path_factory.mktemp("state")
    world = World()
    for _ in range(3):
        letter(world, "dkim.none", "dmarc.fail", ptr="mx.bad.example", policy="reject")
    store = Store(folder)
    for record in history(world):
        store.history.add(record)
        said = [event for event in world.events if event.session == record.session]
        store.history.add_transcript(record.session, world.now, said)
    store.close()
    (folder / "zone").write_text("bad.example. MX 10 mx.bad.example.\n")
    return Settings(state=folder, name="mx.here.example", dns={"zone": folder / "zone"})


QUESTIONS = [
    (ReportOn(senders=("bad.example",), since=BEGINNING), Report),
    (WhatIf(scenarios=("dmarc=reject", "greylist=60/pool"), since=BEGINNING), Answer),
    (LetterTo(sender="bad.example", since=BEGINNING), Written),
]


async def test_a_child_answers_as_this_process_would(settings: Settings) -> None:
    aside = Aside(settings)
    told = await asyncio.gather(*(aside(question) for question, _ in QUESTIONS))
    report, tried, written = (
        msgspec.json.decode(raw, type=form) for raw, (_, form) in zip(told, QUESTIONS, strict=True)
    )
    assert [card.sender for card in report.senders] == ["bad.example"]
    assert report.senders[0].records == 3
    assert tried.together["lost"] == 3
    assert written.to == ("postmaster@bad.example", "abuse@bad.example")
    assert "recipient-1@here.example" in written.text


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (ReportOn(senders=("nobody.example",), since=BEGINNING), "nobody.example sent nothing"),
        (WhatIf(scenarios=("no-such",)), "is no scenario"),
        (LetterTo(sender="x"), "neither a domain"),
    ],
)
def test_what_has_no_answer_is_told(settings: Settings, question, told: str) -> None:
    with of_history(settings) as past, pytest.raises(StudyError, match=told):
        answer(question, past, settings, online=False)


async def test_why_a_child_has_no_answer_comes_back(settings: Settings) -> None:
    with pytest.raises(StudyError, match="sent nothing"):
        await Aside(settings)(ReportOn(senders=("nobody.example",), since=BEGINNING))


async def test_a_child_that_takes_too_long_is_ended(settings: Settings) -> None:
    with pytest.raises(StudyError, match="ask for less"):
        await Aside(settings, deadline=0.01)(QUESTIONS[0][0])


async def test_a_child_that_nobody_waits_for_is_ended(settings, monkeypatch) -> None:
    started: list[asyncio.subprocess.Process] = []
    make = asyncio.create_subprocess_exec

    async def spy(*args, **options):
        started.append(await make(*args, **options))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", spy)
    asking = asyncio.create_task(Aside(settings)(QUESTIONS[0][0]))
    while not started:
        await asyncio.sleep(0.001)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert started[0].returncode is not None


def test_a_card_is_found_by_the_name_that_mail_was_sent_in(settings: Settings) -> None:
    for name in ("bad.example", "MX.Bad.Example.", "sender.example"):
        with of_history(settings) as past:
            told = answer(ReportOn(senders=(name,), since=BEGINNING), past, settings)
        assert isinstance(told, Report)
        assert [card.sender for card in told.senders] == ["bad.example"]
