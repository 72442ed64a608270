"""Going on after a refusal, and after 421."""

from __future__ import annotations

import pytest
from conversation import World

REJECTION = "conduct.ignored-rejection"
SHUTDOWN = "conduct.ignored-shutdown"


def after(world: World) -> list[str]:
    return [f.evidence["after"] for f in world.found(REJECTION)]


def test_a_refused_banner_leaves_only_quit():
    world = World()
    client = world.connect(banner="554 No mail here")
    client.say("EHLO mx.sender.example", "503 5.5.1 Bad sequence")
    client.quit()
    assert after(world) == ["banner"]
    polite = World()
    polite.connect(banner="554 No mail here").quit()
    assert after(polite) == []


def test_helo_after_a_refused_ehlo_is_asked_for():
    world = World()
    client = world.connect()
    client.say("EHLO mx.sender.example", "502 5.5.1 Not implemented")
    client.helo()
    client.mail()
    client.quit()
    assert after(world) == []


def test_mail_after_refused_ehlo_and_helo():
    world = World()
    client = world.connect()
    client.say("EHLO mx.sender.example", "550 5.7.1 Go away")
    client.say("HELO mx.sender.example", "550 5.7.1 Go away")
    client.mail(reply="503 5.5.1 Bad sequence")
    client.quit()
    assert after(world) == ["ehlo"]


def test_a_refused_second_ehlo_leaves_the_session_as_it_was():
    world = World()
    client = world.connect()
    client.ehlo()
    client.say("EHLO again", "501 5.5.4 Syntax error")
    client.mail()
    client.quit()
    assert after(world) == []


@pytest.mark.parametrize(("pipelined", "expected"), [(False, ["mail"]), (True, [])])
def test_rcpt_after_a_refused_mail_unless_it_was_on_its_way(pipelined, expected):
    world = World()
    client = world.connect()
    client.ehlo()
    client.mail(reply="550 5.7.1 Sender rejected")
    client.say("RCPT TO:<b@here.example>", "503 5.5.1 Need MAIL", pipelined=pipelined)
    client.quit()
    assert after(world) == expected


def test_another_mail_after_a_refused_one_is_fine():
    world = World()
    client = world.connect()
    client.ehlo()
    client.mail(reply="550 5.7.1 Sender rejected")
    client.mail("other@sender.example")
    client.rcpt()
    client.quit()
    assert after(world) == []


def test_going_on_after_421():
    world = World()
    client = world.connect()
    client.ehlo()
    client.mail(reply="421 4.3.2 Shutting down")
    client.mail(reply="421 4.3.2 Shutting down")
    client.close()
    assert world.codes(SHUTDOWN) == [SHUTDOWN]


def test_quit_and_pipelined_commands_after_421_are_fine():
    world = World()
    client = world.connect()
    client.ehlo()
    client.mail(reply="421 4.3.2 Shutting down")
    client.say("RCPT TO:<b@here.example>", "421 4.3.2 Shutting down", pipelined=True)
    client.quit()
    assert world.codes(SHUTDOWN) == []


@pytest.mark.parametrize(("later", "expected"), [(0.1, []), (30, [SHUTDOWN])])
def test_a_command_may_cross_an_unasked_421_on_the_wire(later, expected):
    world = World()
    client = world.connect()
    client.ehlo()
    client.reply("421 4.4.2 Timeout", phase="mail")
    world.now += later
    client.mail(reply="421 4.4.2 Timeout")
    client.close()
    assert world.codes(SHUTDOWN) == expected
