"""Grades: what costs what, what needs agreement, and what is not held against anybody."""

from __future__ import annotations

import pytest
from conversation import START, World
from insight_history import DAY, HOUR, card, history, letter, report

from monitor.findings.catalogue import CATALOGUE
from monitor.insight.cards import grade, mixed
from monitor.insight.grading import Grading
from monitor.insight.rules import GRADES, RULES
from monitor.insight.tally import SHOWN
from monitor.insight.telling import PARTS

GOOD = {"spf": "sender.example", "dkim": "sender.example", "secure": True}


def subject(world: World, name: str, sender: str = "sender.example"):
    return card(world, sender).subjects[name]


def test_the_table_names_findings_that_exist_and_rises_with_severity() -> None:
    assert {rule.code for rule in RULES} <= set(CATALOGUE)
    assert {rule.unless for rule in RULES} - {""} <= set(CATALOGUE)
    assert len({(rule.code, rule.least) for rule in RULES}) == len(RULES)
    assert all(0 < rule.points <= 100 for rule in RULES)
    assert [least for _, least in GRADES] == sorted((g[1] for g in GRADES), reverse=True)


def test_every_row_can_be_reached() -> None:
    """A row for a severity below the finding's own would never hold."""
    for rule in RULES:
        fixed = not rule.code.startswith(("retry.", "conduct.data", "tls.none"))
        if fixed:
            assert rule.least in ("info", "notice"), rule


def test_a_good_sender_has_an_a_in_all_that_was_seen() -> None:
    world = World()
    for _ in range(3):
        letter(world, "dkim.author-domain", "dmarc.pass", **GOOD)
    found = card(world, "sender.example")
    grades = {name: told.grade for name, told in found.subjects.items()}
    assert grades == {"authentication": "A", "retry": None, "conduct": "A", "tls": "A",
                      "routing": "A"}  # fmt: skip
    assert (found.grade, found.score, found.proof) == ("A", 100.0, "SPF and DKIM")
    assert (found.records, found.messages) == (3, 3)


def test_too_little_is_no_grade_and_never_an_f() -> None:
    world = World()
    for _ in range(2):
        letter(world, "dkim.none", "dmarc.fail", "spf.fail", "rdns.mismatch")
    found = report(world).senders[0]
    assert found.grade is None
    assert {told.grade for told in found.subjects.values()} == {None}
    assert found.subjects["authentication"].points[0].cases == 2


def test_a_fault_costs_its_points_times_the_share_of_the_cases() -> None:
    world = World()
    marked = [letter(world, "dmarc.none", **GOOD) for _ in range(2)]
    for _ in range(6):
        letter(world, "dmarc.pass", **GOOD)
    found = subject(world, "authentication")
    [point] = found.points
    assert (point.code, point.points, point.cases, found.cases) == ("dmarc.none", 15, 2, 8)
    assert point.lost == 3.8
    assert found.score == 96.2
    assert [seen.transaction for seen in point.evidence] == marked[::-1]


def test_the_newest_records_are_the_evidence() -> None:
    world = World()
    ids = [letter(world, "dkim.none") for _ in range(SHOWN + 3)]
    [point] = subject(world, "authentication").points
    assert [seen.transaction for seen in point.evidence] == ids[: -SHOWN - 1 : -1]
    assert point.evidence[0].session == ids[-1].rpartition("-")[0]


def test_a_broken_signature_beside_a_valid_one_costs_nothing() -> None:
    world = World()
    for _ in range(3):
        letter(world, "dkim.fail-body", **GOOD)
    assert subject(world, "authentication").score == 100
    for _ in range(3):
        letter(world, "dkim.fail-body", spf="other.example")
    assert subject(world, "authentication", "other.example").score == 70


def test_what_could_not_be_checked_is_no_case() -> None:
    world = World()
    for _ in range(3):
        letter(world, "dkim.none", "spf.temperror")
    assert subject(world, "authentication").cases == 0


def test_who_was_turned_away_by_us_has_no_grade_for_it() -> None:
    world = World()
    for _ in range(3):
        letter(world, "list.banned", "tls.none", "dkim.none")
    found = card(world, "sender.example")
    assert found.records == 3
    assert {told.cases for told in found.subjects.values()} == {0}


def test_who_says_nothing_has_no_conduct() -> None:
    world = World()
    for _ in range(3):
        world.connect(ptr="scan.example").close()
    assert card(world, "scan.example").grade is None


def test_plaintext_costs_only_where_tls_was_offered() -> None:
    world = World()
    for _ in range(3):
        client = world.connect(ptr="mx.old.example")
        client.ehlo("mx.old.example", "PIPELINING")
        client.mail()
        client.rcpt()
        client.data()
        client.quit()
        letter(world)
    assert subject(world, "tls", "old.example").cases == 0
    assert subject(world, "tls").score == 50


def test_a_host_that_passes_mail_on_is_not_graded_by_its_authors_signature() -> None:
    world = World()
    for _ in range(3):
        letter(world, "spf.fail", "dmarc.spf-failed-dkim-saved", dkim="author.example",
               ptr="out.alumni.example")  # fmt: skip
    host, author = card(world, "alumni.example"), card(world, "author.example")
    assert (host.subjects["authentication"].cases, host.subjects["tls"].grade) == (0, "D")
    assert (author.subjects["authentication"].score, author.subjects["tls"].cases) == (85, 0)


# -- retries: RETRY guard, several deliveries that agree


def hasty(world: World, number: int) -> None:
    for _ in range(4):
        world.attempt(reply="450 4.2.0 Greylisted", sender=f"bill-{number}@sender.example",
                      spf="sender.example")  # fmt: skip
        world.wait(2)
    world.wait(2 * DAY)


def patient(world: World, number: int) -> None:
    sender = f"order-{number}@sender.example"
    world.attempt(reply="450 4.2.0 Greylisted", sender=sender, spf="sender.example")
    world.wait(1_900)
    world.attempt(sender=sender, spf="sender.example")


@pytest.mark.parametrize(
    ("bad", "good", "letters"),
    [
        (2, 0, None),  # too little data
        (2, 1, "A"),  # two never agree enough
        (3, 0, "F"),
        (3, 3, "F"),  # half of them
        (3, 4, "A"),  # less than half
        (0, 3, "A"),
    ],
)
def test_retries_are_graded_where_deliveries_agree(bad: int, good: int, letters: str) -> None:
    world = World()
    for number in range(bad):
        hasty(world, number)
    for number in range(good):
        patient(world, number)
    found = subject(world, "retry")
    assert found.cases == bad + good
    assert found.grade == letters
    assert all(point.evidence for point in found.points)
    if bad:
        assert {"retry.immediate", "retry.gave-up"} <= {point.code for point in found.points}


def test_each_delivery_counts_for_one_row_of_a_code() -> None:
    world = World()
    for number in range(3):
        hasty(world, number)
    codes = [point.code for point in subject(world, "retry").points]
    assert len(codes) == len(set(codes))


def test_milder_cases_join_where_too_few_are_grave() -> None:
    world = World()
    for number, pause in enumerate((20, 200, 200)):  # a warning and two notices
        sender = f"{number}@sender.example"
        for _ in range(2):
            world.attempt(reply="450 Later", sender=sender, spf="sender.example")
            world.wait(pause)
        world.wait(HOUR)
    point = next(p for p in subject(world, "retry").points if p.code == "retry.too-soon")
    assert (point.severity, point.counted, point.lost) == ("notice", 3, 10.0)


# -- the whole


def test_the_worst_subject_weighs_half() -> None:
    assert mixed({"tls": 100, "conduct": 100, "retry": 0, "routing": None}) == pytest.approx(
        33.33, 0.01
    )
    assert mixed({"tls": None}) is None
    assert [grade(score) for score in (100, 90, 89.9, 80, 65, 64.9, 50, 49.9, 0, None)] == [
        "A", "A", "B", "B", "C", "D", "D", "F", "F", None
    ]  # fmt: skip


def test_the_worst_come_first_and_those_without_a_grade_last() -> None:
    world = World()
    for _ in range(3):
        letter(world, **GOOD)
        letter(world, "dkim.none", "dmarc.fail", ptr="mx.bad.example")
    letter(world, ptr="mx.new.example")
    assert [card.sender for card in report(world).senders] == [
        "bad.example", "sender.example", "new.example"
    ]  # fmt: skip


def test_the_trend_has_a_gap_where_little_was_seen() -> None:
    world = World()
    for _ in range(3):
        letter(world, "dkim.none")
    world.wait(DAY)
    letter(world, **GOOD)
    world.wait(DAY)
    for _ in range(3):
        letter(world, "dmarc.pass", **GOOD)
    trend = card(world, "sender.example").trend
    assert len(trend) == PARTS
    assert [part.subjects["authentication"] for part in trend if part.records] == [70, None, 100]
    assert [part.records for part in trend if part.records] == [3, 1, 3]


def test_memory_is_bounded_and_tells_of_those_that_had_no_room() -> None:
    world = World()
    for number in range(30):
        letter(world, ptr=f"mx.s{number}.example")
        letter(world, ptr="mx.busy.example")
    found = report(world, limit=10)
    assert len(found.senders) <= 10
    assert card_of(found, "busy.example").records == 30
    assert len(found.senders) + found.others.senders == 31
    assert sum(c.records for c in found.senders) + found.others.records == found.records == 60


def card_of(found, sender):
    return next(card for card in found.senders if card.sender == sender)


def test_records_are_only_counted_once_each() -> None:
    world = World()
    letter(world, **GOOD)
    grading = Grading(START, START + 1)  # outside of the time: the first and last part take it
    for record in history(world):
        grading.add(record)
    assert sum(part.records for part in grading.report().senders[0].trend) == 1
