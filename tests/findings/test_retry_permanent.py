"""Attempts after a 5xx: the same command at the same phase, and how sure it is."""

from __future__ import annotations

import pytest
from conversation import World

CODE = "retry.after-permanent"
NO = "550 5.1.1 User unknown"
SPAM = "554 5.7.1 Message refused"


def severities(world: World) -> list[str]:
    return [found.severity for found in world.found(CODE)]


def test_each_attempt_weighs_more():
    world = World()
    for _ in range(5):
        world.attempt(reply=NO)
        world.wait(3_600)
    assert severities(world) == ["notice", "warning", "error", "error"]


def test_within_a_minute_it_is_an_error_at_once():
    world = World()
    world.attempt(reply=NO)
    world.wait(30)
    world.attempt(reply=NO)
    assert severities(world) == ["error"]


def test_after_five_days_it_is_forgotten():
    world = World()
    world.attempt(reply=NO)
    world.wait(5 * 86_400 + 60)
    world.attempt(reply=NO)
    assert severities(world) == []


def test_it_counts_though_the_next_attempt_is_accepted():
    world = World()
    world.attempt(reply=NO)
    world.wait(3_600)
    world.attempt()
    assert severities(world) == ["notice"]
    world.wait(3_600)
    world.attempt()
    assert severities(world) == ["notice"]


def test_another_recipient_or_sender_is_no_retry():
    world = World()
    world.attempt(reply=NO)
    world.attempt(reply=NO, recipient="c@here.example")
    world.attempt(reply=NO, sender="c@sender.example")
    assert severities(world) == []


def test_the_same_envelope_from_a_stranger_is_no_retry():
    world = World()
    world.attempt("192.0.2.1", reply=NO)
    world.attempt("203.0.113.1", reply=NO, helo="elsewhere.example")
    assert severities(world) == []


def test_the_same_organisation_is_never_above_notice():
    world = World()
    for last in (1, 2, 3):
        world.attempt(f"192.0.{last}.1", reply=NO, ptr=f"out{last}.sender.example")
    assert severities(world) == ["notice", "notice"]


def test_a_refused_message_that_comes_again_is_sure():
    world = World()
    for _ in range(2):
        world.attempt(reply=SPAM, at="eod", message_id="<1@sender.example>")
    (found,) = world.found(CODE)
    assert (found.severity, found.evidence["certainty"]) == ("error", "sure")


def test_a_refused_message_from_any_host_of_the_world_is_sure():
    world = World()
    world.attempt("192.0.2.1", reply=SPAM, at="eod", message_id="<1@sender.example>")
    world.wait(600)
    world.attempt("203.0.113.9", reply=SPAM, at="eod", message_id="<1@sender.example>", size=1_100)
    assert severities(world) == ["notice"]


def test_another_message_after_a_refused_one_is_none():
    world = World()
    for n in range(4):
        world.attempt(reply=SPAM, at="eod", message_id=f"<{n}@sender.example>")
    assert severities(world) == []


def test_rcpt_after_a_refused_message_may_be_another_message():
    world = World()
    world.attempt(reply=SPAM, at="eod", message_id="<1@sender.example>")
    world.attempt(reply=NO)
    assert severities(world) == []


def test_refused_at_mail_the_size_tells_messages_apart():
    world = World()
    for size in (1_000, 1_000, 2_000):
        world.attempt(reply="550 5.7.1 Go away", at="mail", size=size)
    assert severities(world) == ["error"]


def test_refused_at_mail_without_a_size_it_is_merely_possible():
    world = World()
    for _ in range(3):
        world.attempt(reply="550 5.7.1 Go away", at="mail", size=None)
    assert severities(world) == ["notice", "notice"]


def test_552_at_rcpt_may_be_taken_for_452():
    world = World()
    for _ in range(3):
        world.attempt(reply="552 5.5.3 Too many recipients")
    assert severities(world) == []


def test_helo_after_a_refused_ehlo_is_required():
    world = World()
    client = world.connect()
    client.say("EHLO mx.sender.example", "502 5.5.1 Not implemented")
    client.helo()
    client.mail()
    client.rcpt()
    client.data()
    client.quit()
    assert world.codes("retry") == []


@pytest.mark.parametrize("reply", ["554 5.3.2 No service", "554 5.7.1 Blocked"])
def test_a_refused_connection_tells_nothing_of_a_message(reply: str):
    world = World()
    for _ in range(3):
        world.connect(banner=reply).quit()
    assert world.codes("retry") == []


def test_a_ban_is_a_permanent_refusal_too():
    world = World()
    for _ in range(2):
        client = world.connect()
        client.ehlo()
        client.mail(size=1)
        client.rcpt(reply="550 5.7.1 mxtap: banned", by="mxtap")
        client.quit()
    assert severities(world) == ["error"]
