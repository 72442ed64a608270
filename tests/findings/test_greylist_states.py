"""The states of an attempt: what ours would have done, and what the upstream did."""

from __future__ import annotations

from conversation import World

from monitor.findings.memory import Bounded

GREY = "450 4.2.0 <b@here.example>: Recipient address rejected: Greylisted, see http://x/"
IN_300 = "450 4.2.0 <b@here.example>: Recipient address rejected: Greylisted, try again in 300 s"


def test_observed_a_first_attempt_would_be_deferred_and_tells_how_long():
    world = World()
    world.attempt()
    (found,) = world.found("greylist.")
    assert (found.code, found.severity) == ("greylist.deferred", "info")
    assert found.evidence["whose"] == "observed"
    assert found.evidence["key"] == ["a@sender.example", "b@here.example", "192.0.2.0/24"]
    assert found.evidence["left"] == 60


def test_observed_too_early_then_passed_then_known():
    world = World()
    world.attempt()
    world.wait(20)
    world.attempt()
    world.wait(60)
    world.attempt()
    world.wait(86_400)
    world.attempt()
    states = ["deferred", "too-early", "passed", "known"]
    assert world.codes("greylist.") == [f"greylist.{state}" for state in states]
    assert 38 < world.found("greylist.too-early")[0].evidence["left"] < 40


def test_a_retry_from_another_network_of_the_spf_pool_is_the_same_key():
    world = World()
    world.attempt("192.0.2.1", spf="sender.example")
    world.wait(90)
    world.attempt("198.51.100.1", spf="sender.example")
    assert world.codes("greylist.") == ["greylist.deferred", "greylist.passed"]


def test_a_stranger_in_another_network_starts_for_itself():
    world = World()
    world.attempt("192.0.2.1")
    world.wait(90)
    world.attempt("198.51.100.1")
    assert world.codes("greylist.") == ["greylist.deferred"] * 2


def test_after_the_retry_window_it_starts_anew():
    world = World()
    world.attempt()
    world.wait(3 * 86_400, ticking=False)
    world.attempt()
    assert world.codes("greylist.") == ["greylist.deferred"] * 2


def test_what_passed_is_forgotten_after_its_time():
    world = World()
    world.attempt()
    world.wait(90)
    world.attempt()
    world.wait(36 * 86_400, ticking=False)
    world.attempt()
    assert world.codes("greylist.")[-1] == "greylist.deferred"


def test_a_pool_is_auto_allowed_after_its_passes():
    world = World(greylist={"auto_allow": 2})
    for number in range(2):
        world.attempt(sender=f"{number}@sender.example")
        world.wait(90)
        world.attempt(sender=f"{number}@sender.example")
    world.attempt(sender="new@sender.example")
    assert world.codes("greylist.")[-1] == "greylist.auto-allowed"


def test_a_restart_loses_nothing():
    memory = Bounded()
    world = World(memory)
    world.attempt()
    world.start()
    world.wait(90)
    world.attempt()
    assert world.codes("greylist.") == ["greylist.deferred", "greylist.passed"]


def test_each_recipient_has_its_own_state():
    world = World()
    world.attempt()
    world.wait(90)
    client = world.connect()
    client.ehlo()
    client.mail()
    client.rcpt()
    client.rcpt("c@here.example")
    client.data()
    client.quit()
    assert world.codes("greylist.")[1:] == ["greylist.passed", "greylist.deferred"]


def test_the_null_reverse_path_is_asked_at_data_only():
    world = World()
    client = world.connect()
    client.ehlo()
    client.mail("")
    client.rcpt()
    client.quit()  # a callback verification
    assert world.codes("greylist.") == []
    world.attempt(sender="")
    assert world.codes("greylist.") == ["greylist.deferred"]


def test_a_recipient_that_the_upstream_refuses_for_good_is_not_greylisted():
    world = World()
    world.attempt(reply="550 5.1.1 No such user")
    assert world.codes("greylist.") == []


def test_off_says_nothing_of_ours_but_knows_the_upstreams():
    world = World(greylist={"mode": "off"})
    world.attempt()
    assert world.codes("greylist.") == []
    world.attempt(reply=GREY)
    assert world.codes("greylist.") == ["greylist.deferred"]


def test_the_upstreams_deferral_is_its_own_and_shows_what_ours_would_do():
    world = World()
    world.attempt(reply=IN_300)
    (found,) = world.found("greylist.")
    assert found.code == "greylist.deferred"
    assert found.evidence["whose"] == "upstream"
    assert found.evidence["left"] == 300
    assert found.evidence["recognised"] == "postgrey"
    assert found.evidence["observed"] == "deferred"


def test_the_upstreams_too_early_and_passed():
    world = World()
    world.attempt(reply=GREY)
    world.wait(90)
    world.attempt(reply=GREY)
    world.wait(300)
    world.attempt()
    codes = ["greylist.deferred", "greylist.too-early", "greylist.passed"]
    assert world.codes("greylist.") == codes
    assert {f.evidence["whose"] for f in world.found("greylist.")} == {"upstream"}
    assert world.found("greylist.passed")[0].evidence["age"] > 390


def test_greylisted_at_the_end_of_data():
    world = World()
    world.attempt(reply="451 4.7.1 Try again later", at="eod")
    (found,) = world.found("greylist.")
    assert found.evidence["recognised"] == "rspamd"


def test_the_operators_own_wording():
    world = World(greylist={"patterns": ["come back tomorrow"]})
    world.attempt(reply="450 4.7.0 Come back tomorrow")
    (found,) = world.found("greylist.")
    assert found.evidence["recognised"] == "configured"
