"""What the past tells: report cards, rules on trial, the letter, and the ways to them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conversation import World
from insight_history import letter
from ui_fakes import CAST, NOW, FakeFeed, record
from ui_screen import SIZES, Screen, running

from monitor.capture.feed import CaptureFeed
from monitor.capture.reel import of_events
from monitor.config import Settings
from monitor.insight.questions import LetterTo, ReportOn, WhatIf
from monitor.record import Record
from monitor.study.replayed import Replayed
from monitor.ui.screens import trial

sizes = pytest.mark.parametrize("size", SIZES)
N = len(CAST)


def day() -> list[Record]:
    """Four messages of each of the cast."""
    return [record(number) for number in range(4 * N)]


def clock() -> float:
    return NOW.timestamp() + 3_600


def of(name: str) -> int:
    """The number of one of the cast."""
    return next(number for number, row in enumerate(CAST) if name in row[0])


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "PAUSE", 0.001)


async def on_sender(screen: Screen, name: str) -> None:
    """Put the cursor on a line of the senders."""
    await screen.press("2")
    while name not in screen.at_cursor:
        before = screen.at_cursor
        await screen.press("j")
        assert screen.at_cursor != before, f"{name} is not there"


def questions(screen: Screen, form: type) -> list[object]:
    return [asked for name, asked in screen.feed.asked if name == "study" and type(asked) is form]


async def answered(screen: Screen) -> None:
    """Until the rules on trial have their answer."""
    for _ in range(200):
        await screen.settle()
        if "Going through" not in screen.text:
            return
    raise AssertionError("no answer came")


# -- report cards


@sizes
async def test_a_report_card_tells_grades_points_and_evidence(size: tuple[int, int]) -> None:
    async with running(FakeFeed(day()), size, clock=clock) as screen:
        await on_sender(screen, "broken.example")
        await screen.press("r")
        text = screen.text
        assert "F broken.example" in text or "D broken.example" in text
        assert "Known by PTR. 4 records, 4 accepted" in text
        assert "Authentication" in text
        assert "-40" in screen.line("DMARC fail")
        assert "4 of 4" in screen.line("DMARC fail")
        await screen.press("j")
        assert "Tell the sender:" in screen.text
        assert "enter opens these" in " ".join(screen.text.split())


async def test_each_point_opens_its_sessions_and_the_way_leads_back() -> None:
    async with running(FakeFeed(day()), (160, 48), clock=clock) as screen:
        await on_sender(screen, "broken.example")
        await screen.press("r", "j", "enter")
        newest = 3 * N + of("broken")
        assert f"Letter {newest}" in screen.text
        await screen.press("left_square_bracket")
        assert f"Letter {newest - N}" in screen.text
        await screen.press("escape")
        assert "DMARC fail" in screen.text
        await screen.press("escape")
        assert "broken.example" in screen.at_cursor


async def test_two_that_are_marked_stand_side_by_side() -> None:
    async with running(FakeFeed(day()), (160, 48), clock=clock) as screen:
        await on_sender(screen, "broken.example")
        await screen.press("m", "g")
        await on_sender(screen, "good.example")
        await screen.press("m", "r")
        assert "A costs" in screen.text
        line = screen.line("DMARC fail")
        assert "-40" in line
        assert line.rstrip().endswith("dmarc.fail")
        assert {name for q in questions(screen, ReportOn) for name in q.senders} == {
            "broken.example",
            "good.example",
        }


async def test_a_card_may_be_asked_for_from_a_transaction() -> None:
    async with running(FakeFeed(day()), clock=clock) as screen:
        await screen.press("g", "r")
        assert "good.example" in screen.text
        await screen.press("escape", "enter", "r")
        assert "good.example" in screen.text


async def test_whose_name_was_only_used_has_the_card_of_the_host_that_used_it() -> None:
    forged = [record(4 * N + i * N + of("broken"), mail_from="a@bank.example") for i in range(3)]
    async with running(FakeFeed(day() + forged), clock=clock) as screen:
        await on_sender(screen, "bank.example")
        await screen.press("r")
        assert "Most mail in the name of bank.example, unproved, came from here." in screen.text
        assert "broken.example" in screen.text


async def test_another_span_is_asked_anew() -> None:
    async with running(FakeFeed(day()), clock=clock) as screen:
        await on_sender(screen, "good.example")
        await screen.press("r", "s")
        week, month = (question.since for question in questions(screen, ReportOn))
        assert week - month == 23 * 86_400
        await screen.press("s", "s")
        assert len(questions(screen, ReportOn)) == 4


async def test_whom_history_does_not_know_is_told() -> None:
    feed = FakeFeed(day())
    async with running(feed, clock=clock) as screen:
        await on_sender(screen, "good.example")
        feed.kept.clear()
        await screen.press("r")
        assert "good.example sent nothing in this time" in screen.text
        await screen.press("y", "w", "enter", "escape")
        assert "good.example" in screen.at_cursor


async def test_the_cards_are_copied_as_json() -> None:
    async with running(FakeFeed(day()), clock=clock) as screen:
        await on_sender(screen, "good.example")
        await screen.press("r", "y")
        assert '"sender":"good.example"' in screen.app.clipboard


# -- rules on trial


@sizes
async def test_a_rule_that_is_tried_tells_what_it_would_have_done(size: tuple[int, int]) -> None:
    async with running(FakeFeed(day()), size, clock=clock) as screen:
        await screen.press("6")
        assert "[ ] mta-sts" in screen.text
        assert "Mail is not touched" in screen.text
        await screen.press("space")
        await answered(screen)
        assert "[x] mta-sts" in screen.text
        assert "messages that came in: 4 at risk" in screen.text
        assert screen.at_cursor.split()[3:6] == ["0", "4", "0"]
        assert "nocipher.example" in screen.text
        await screen.press("space")
        assert "[ ] mta-sts" in screen.text
        assert "Mail is not touched" in screen.text


async def test_rules_hold_together_and_what_is_allowed_is_marked() -> None:
    feed = FakeFeed(day())
    async with running(feed, (160, 48), clock=clock) as screen:
        await screen.press("4", "a", "tab", *"198.51.100.7", "enter")
        assert feed.entries
        await screen.press("6", "j", "j", "j", "enter")
        await answered(screen)
        line = screen.line("spf=fail").split()
        assert line[line.index("spf=fail") + 1] == "4"
        assert line[-2] == "4"  # wanted
        assert "4 wanted" in screen.text
        await screen.press("k", "enter")
        await answered(screen)
        assert questions(screen, WhatIf)[-1].scenarios == ("dmarc=quarantine", "spf=fail")


async def test_a_ban_of_what_the_cursor_is_on_goes_on_trial() -> None:
    async with running(FakeFeed(day()), (160, 48), clock=clock) as screen:
        await screen.press("g", "w")
        await answered(screen)
        words = questions(screen, WhatIf)[-1].scenarios
        assert "ban:ip=192.0.2.10" in words
        assert "ban:net=192.0.2.0/24" in words
        assert "ban:domain=good.example" in words
        network = screen.line("ban:net=192.0.2.0/24").split()
        assert network[network.index("ban:net=192.0.2.0/24") + 1] == "8"
        await on_sender(screen, "broken.example")
        await screen.press("w")
        await answered(screen)
        assert questions(screen, WhatIf)[-1].scenarios == ("ban:domain=broken.example",)


async def test_a_card_leads_to_a_trial_and_to_a_letter() -> None:
    async with running(FakeFeed(day()), (160, 48), clock=clock) as screen:
        await on_sender(screen, "broken.example")
        await screen.press("r", "w")
        await answered(screen)
        assert questions(screen, WhatIf)[-1].scenarios == ("ban:domain=broken.example",)
        await screen.press("2", "r", "l")
        assert "Dear postmaster of broken.example" in screen.text


async def test_a_rule_may_be_typed() -> None:
    async with running(FakeFeed(day()), (160, 48), clock=clock) as screen:
        await screen.press("6", "e", *"nonsense", "enter")
        assert "is no scenario" in screen.text
        await screen.press(*["backspace"] * 8, *"dkim-bits=4096", "enter")
        await answered(screen)
        assert "[x] dkim-bits=4096" in screen.text
        await screen.press("e", "escape")
        assert "[x] dkim-bits=4096" in screen.text


async def test_bans_are_tried_where_there_are_some() -> None:
    async with running(FakeFeed(day()), (160, 48), clock=clock) as screen:
        await screen.press("6", "G", "space")
        assert "Nobody is banned" in screen.text
        assert not questions(screen, WhatIf)


async def test_why_there_is_no_answer_is_told_and_spans_and_copies() -> None:
    feed = FakeFeed(day())
    async with running(feed, (160, 48), clock=clock) as screen:
        await screen.press("6", "y")
        assert "no answer yet" in screen.text
        feed.refuses = "history is long"
        await screen.press("space")
        await answered(screen)
        assert "history is long" in screen.text
        feed.refuses = ""
        await screen.press("s")
        await answered(screen)
        assert "the last month" in screen.text
        await screen.press("y")
        assert '"scenario":"mta-sts"' in screen.app.clipboard


# -- the letter


async def test_the_letter_is_read_copied_and_never_sent() -> None:
    async with running(FakeFeed(day()), clock=clock) as screen:
        await on_sender(screen, "broken.example")
        await screen.press("l")
        assert "To: postmaster@broken.example, abuse@broken.example" in screen.text
        assert "It is not sent" in screen.text
        await screen.press("y")
        assert "C: RCPT TO:<recipient-1@home.example>" in screen.app.clipboard
        assert "x@home.example" not in screen.app.clipboard
        await screen.press("f", "y")
        assert "C: RCPT TO:<x@home.example>" in screen.app.clipboard
        assert "It names your users" in " ".join(screen.text.split())
        assert [q.redact for q in questions(screen, LetterTo)] == [True, False]
        await screen.press("escape")
        assert "broken.example" in screen.at_cursor


async def test_the_letter_is_saved_to_a_new_file_alone(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(FakeFeed(day()), clock=clock) as screen:
        await on_sender(screen, "broken.example")
        await screen.press("l", "s")
        assert "letter-broken.example.eml" in screen.text
        await screen.press("enter")
        draft = tmp_path / "letter-broken.example.eml"
        assert draft.read_bytes().startswith(b"From: postmaster@mx.home.example")
        assert draft.stat().st_mode & 0o777 == 0o600
        await screen.press("s", "enter")
        assert "is there already" in screen.text
        await screen.press("left", "enter")
        assert (tmp_path / "letter-broken.example.md").read_text().startswith("# Mail from")
        await screen.press("s", "escape")
        assert len(os.listdir(tmp_path)) == 2


async def test_a_letter_that_cannot_be_written_says_why() -> None:
    feed = FakeFeed(day())
    async with running(feed, clock=clock) as screen:
        await screen.press("2")
        feed.refuses = "the relay went away"
        await screen.press("l")
        assert "the relay went away" in screen.text
        await screen.press("s", "y", "escape")
        assert "By minute" in screen.text


# -- from a finding on


async def test_the_rest_of_a_pool_is_banned_by_its_network_or_its_domain() -> None:
    feed = FakeFeed([record(of("broken"))])
    async with running(feed, clock=clock) as screen:
        await screen.press("P")
        assert "198.51.100.0/24" in screen.text
        await screen.press("enter")
        assert (feed.entries[0].kind, feed.entries[0].value) == ("net", "198.51.100.0/24")
        await screen.press("enter", "P")
        assert "198.51.100.0/24" in screen.text


async def test_the_dns_answers_stand_behind_a_finding() -> None:
    async with running(FakeFeed([record(0)]), (160, 48)) as screen:
        await screen.press("enter", "d")
        assert "DNS answers" in screen.text
        assert "good.example TXT  not known to be signed" in screen.text
        assert "  v=spf1 ip4:192.0.2.0/24 -all" in screen.text
        assert "EHLO" not in screen.text
        await screen.press("d")
        assert "→ EHLO" in screen.text


async def test_a_recording_is_asked_as_far_as_it_was_played() -> None:
    world = World()
    for _ in range(4):
        letter(world, "dmarc.fail", ptr="mx.bad.example", policy="reject")
    reel = of_events("day", world.events, size=11)
    feed = CaptureFeed(reel, study=Replayed(Settings(name="mx.home.example")))
    feed.playback.seek(reel.end)
    async with running(feed, (160, 48)) as screen:
        await screen.until("4 of 4")
        await screen.until("▌")
        await screen.press("g", "r")
        await screen.until("Known by")
        assert "bad.example" in screen.text
        assert "4 of 4" in screen.line("Never asked for STARTTLS")
        await screen.press("s")
        assert "as far as it was played" in screen.text
        await screen.press("6", "j", "space", "s")
        await answered(screen)
        assert "4 lost" in screen.text
        assert "what was played so far" in screen.text
        await screen.press("1", "l")
        assert "To: postmaster@bad.example, abuse@bad.example" in screen.text
