"""Retries after a 4xx: how soon, how many, and what is not held against a sender."""

from __future__ import annotations

import pytest
from conversation import World

GREY = "450 4.2.0 Greylisted"
LATER = "451 4.3.2 Please try again later"


def retried(after: float, reply: str = LATER, **more: object) -> World:
    """A world in which a mail was deferred, and came again ``after`` seconds."""
    world = World()
    world.attempt(reply=reply, **more)
    world.wait(after)
    world.attempt(reply=reply, **more)
    return world


@pytest.mark.parametrize(
    ("after", "severity"),
    [(1_900, None), (1_700, "info"), (299, "notice"), (59, "warning"), (9, "error")],
)
def test_too_soon_by_bands(after: float, severity: str | None):
    assert retried(after).severity("retry.too-soon") == severity


def test_immediate_takes_the_place_of_too_soon():
    world = retried(1)
    assert world.severity("retry.immediate") == "error"
    assert world.codes("retry.too-soon") == []


def test_the_interval_counts_from_the_end_of_the_reply():
    world = World()
    client = world.connect()
    client.ehlo()
    client.mail(size=1_000)
    world.wait(400)  # the upstream took its time
    client.rcpt(reply=LATER)
    client.quit()
    world.attempt(reply=LATER)
    assert world.severity("retry.immediate") == "error"


def test_a_deferral_of_the_whole_message_counts_for_each_recipient():
    world = World()
    for _ in range(2):
        client = world.connect()
        client.ehlo()
        client.mail(size=500)
        client.rcpt("b@here.example")
        client.rcpt("c@here.example")
        client.data(LATER, message_id="<1@sender.example>")
        client.quit()
        world.wait(30)
    (found,) = world.found("retry.too-soon")
    assert found.evidence["recipients"] == 2
    assert found.evidence["certainty"] == "sure"


@pytest.mark.parametrize(("attempts", "severity"), [(2, None), (3, "warning"), (4, "error")])
def test_rapid_fire_from_the_third_attempt_on(attempts: int, severity: str | None):
    world = World()
    for _ in range(attempts):
        world.attempt(reply=LATER)
        world.wait(11)
    worst = [found.severity for found in world.found("retry.rapid-fire")][-1:]
    assert worst == ([severity] if severity else [])


def test_attempts_spread_over_more_than_a_minute_are_not_rapid():
    world = World()
    for _ in range(4):
        world.attempt(reply=LATER)
        world.wait(70)
    assert world.codes("retry.rapid-fire") == []


def test_a_retry_when_the_reply_asked_for_it_is_not_too_soon():
    world = retried(61, "450 4.2.0 Greylisted, try again in 60 seconds")
    assert world.codes("retry.too-soon") == []


def test_a_retry_before_the_time_that_the_reply_asked_for_is():
    world = retried(30, "450 4.2.0 Greylisted, try again in 60 seconds")
    assert world.severity("retry.too-soon") == "warning"


def test_the_next_listener_within_a_minute_is_mx_fallback():
    world = World()
    world.attempt(reply=LATER, relay="mx1")
    world.attempt(reply=LATER, relay="mx2")
    world.attempt(reply=LATER, relay="mx3")
    assert world.codes("retry") == []
    world.wait(300)
    world.attempt(reply=LATER, relay="mx1")
    world.attempt(reply=LATER, relay="mx2")
    assert [f.severity for f in world.found("retry")] == ["info"]


def test_back_at_the_first_listener_it_is_a_retry():
    world = World()
    world.attempt(reply=LATER, relay="mx1")
    world.attempt(reply=LATER, relay="mx2")
    world.attempt(reply=LATER, relay="mx1")
    assert world.severity("retry.immediate") == "error"


@pytest.mark.parametrize("reply", ["421 4.3.2 Shutting down", "421 4.7.0 Too many connections"])
def test_after_421_nothing_is_held_against_it(reply: str):
    world = retried(1, reply)
    assert world.codes("retry") == []
    world.wait(40 * 3_600)
    assert world.codes("retry") == []


def test_a_trouble_of_the_relay_is_not_the_senders_fault():
    world = World()
    for _ in range(2):
        client = world.connect()
        client.ehlo()
        client.mail(size=1)
        client.rcpt(reply="451 4.3.0 mxtap: the upstream is down", by="mxtap")
        client.quit()
    assert world.codes("retry") == []


def test_a_deferral_by_policy_of_the_relay_counts():
    world = World()
    for _ in range(2):
        client = world.connect()
        client.ehlo()
        client.mail(size=1)
        client.rcpt(reply="451 4.7.1 greylisted, try again in 60 seconds", by="mxtap")
        client.quit()
    assert world.severity("retry.immediate") == "error"


def test_a_client_that_left_before_anything_was_decided_made_no_attempt():
    world = World()
    for _ in range(3):
        client = world.connect()
        client.ehlo()
        client.mail()
        client.rcpt()
        client.close()
    assert world.codes("retry") == []


def test_another_message_is_no_retry():
    world = World()
    world.attempt(reply=LATER, size=1_000)
    world.attempt(reply=LATER, size=2_000)
    world.attempt(reply=LATER, at="eod", size=3_000, message_id="<1@sender.example>")
    world.attempt(reply=LATER, at="eod", size=3_000, message_id="<2@sender.example>")
    assert world.codes("retry") == []


def test_two_messages_that_wait_side_by_side_are_kept_apart():
    world = World()
    clients = [world.connect() for _ in range(2)]
    for client in clients:
        client.ehlo()
        client.mail(size=1_000)
    for client in clients:
        client.rcpt(reply=GREY)
        client.quit()
    world.wait(2_000)
    for client in (world.connect(), world.connect()):
        client.ehlo()
        client.mail(size=1_000)
        client.rcpt(reply=GREY)
        client.quit()
    assert world.codes("retry") == []


def test_a_second_mail_in_one_session_is_only_possibly_a_retry():
    world = World()
    client = world.connect()
    client.ehlo()
    for _ in range(2):
        client.mail()
        client.rcpt(reply=LATER)
    client.quit()
    (found,) = world.found("retry.immediate")
    assert (found.severity, found.evidence["certainty"]) == ("notice", "possible")


@pytest.mark.parametrize(
    ("sizes", "reply", "at"),
    [((None, None), "450 4.1.8 Sender unknown for now", "mail"), ((1, 2), LATER, "mail")],
)
def test_messages_deferred_at_mail_are_not_mixed_up(sizes: tuple[int | None, ...], reply, at):
    world = World()
    for size, rcpt in zip(sizes, ("b@here.example", "c@here.example"), strict=True):
        world.attempt(reply=reply, at=at, size=size, recipient=rcpt)
    assert world.codes("retry") == []


def test_the_tags_of_the_reverse_path_do_not_hide_a_retry():
    world = World()
    world.attempt(reply=LATER, sender="prvs=1234abcdef=a@sender.example")
    world.attempt(reply=LATER, sender="prvs=2345abcdef=a@SENDER.example")
    assert world.severity("retry.immediate") == "error"


def test_the_evidence_leads_to_each_session():
    world = retried(1)
    (found,) = world.found("retry.immediate")
    assert [a["session"] for a in found.evidence["attempts"]] == ["s1", "s2"]
    assert [a["code"] for a in found.evidence["attempts"]] == [451, 451]
    assert found.evidence["interval"] < 2


def test_well_spaced_and_accepted_is_disciplined():
    world = World()
    world.attempt(reply=LATER)
    world.wait(1_000)
    world.attempt(reply=LATER)
    world.wait(3_600)
    world.attempt()
    assert world.severity("retry.disciplined") == "good"
    world.attempt()
    assert world.codes("retry.disciplined") == ["retry.disciplined"]


def test_accepted_after_hasty_attempts_is_not():
    world = World()
    world.attempt(reply=LATER)
    world.attempt(reply=LATER)
    world.wait(3_600)
    world.attempt()
    assert world.codes("retry.disciplined") == []


def test_the_memory_outlives_a_restart():
    world = World()
    world.attempt(reply=LATER)
    world.start()
    world.attempt(reply=LATER)
    assert world.severity("retry.immediate") == "error"


def test_a_memory_of_another_version_is_forgotten():
    world = World()
    world.attempt(reply=LATER)
    for key in world.memory._kinds["retry"]:
        world.memory.put("retry", key, b"\xc1", world.now + 1_000)
    world.attempt(reply=LATER)
    assert world.codes("retry") == []
