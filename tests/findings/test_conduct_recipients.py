"""DATA though every recipient was refused: the bands of it, and the PIPELINING guard."""

from __future__ import annotations

from conversation import World

CODE = "conduct.data-after-no-recipients"
NO_SUCH = "550 5.1.1 No such user"
NONE_VALID = "554 5.5.1 No valid recipients"


def refused(world: World):
    client = world.connect()
    client.ehlo()
    client.mail()
    client.rcpt("x@here.example", NO_SUCH)
    client.rcpt("y@here.example", "450 4.2.0 Greylisted")
    return client


def test_data_after_the_refusals_were_out_is_a_warning():
    world = World()
    client = refused(world)
    client.say("DATA", NONE_VALID)
    client.quit()
    (found,) = world.found(CODE)
    assert found.severity == "warning"
    assert found.evidence["recipients"] == ["x@here.example: 550", "y@here.example: 450"]
    assert found.evidence["reply"] == NONE_VALID


def test_pipelined_data_could_not_know():
    world = World()
    client = refused(world)
    client.say("DATA", NONE_VALID, pipelined=True)
    client.quit()
    assert world.severity(CODE) == "info"


def test_content_sent_in_spite_of_the_refusal_of_data_is_an_error():
    world = World()
    client = refused(world)
    client.say("DATA", NONE_VALID, pipelined=True)
    client.say("Subject: buy", "500 5.5.2 Error: command not recognized")
    client.say("Help yourself", "500 5.5.2 Error: command not recognized")
    client.say(".", "500 5.5.2 Error: command not recognized")
    client.quit()
    assert world.severity(CODE) == "error"
    assert "conduct.unknown-commands" not in world.codes()


def test_a_reset_after_the_refusal_of_data_is_no_content():
    world = World()
    client = refused(world)
    client.say("DATA", NONE_VALID)
    client.say("RSET", "250 2.0.0 Ok")
    client.quit()
    assert world.severity(CODE) == "warning"


def test_pipelined_data_that_is_accepted_must_end_at_once():
    for size, severity in ((0, "info"), (900, "warning")):
        world = World()
        client = refused(world)
        client.data(NONE_VALID, pipelined=True, size=size)
        client.quit()
        assert world.severity(CODE) == severity


def test_one_accepted_recipient_is_enough():
    world = World()
    client = refused(world)
    client.rcpt("z@here.example")
    client.data()
    client.quit()
    assert world.found(CODE) == []


def test_each_transaction_is_judged_by_itself():
    world = World()
    client = refused(world)
    client.say("DATA", NONE_VALID)
    client.mail()
    client.rcpt("x@here.example", NO_SUCH)
    client.say("DATA", NONE_VALID)
    client.quit()
    assert world.codes(CODE) == [CODE, CODE]


def test_data_is_told_even_when_the_line_breaks_behind_it():
    world = World()
    client = refused(world)
    client.say("DATA")
    client.close()
    assert world.severity(CODE) == "warning"
