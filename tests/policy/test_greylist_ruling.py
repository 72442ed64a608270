"""Greylisting enforced: 451 at RCPT, at DATA for the null reverse-path."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from monitor.config import Greylist
from monitor.findings.greylist.whitelist import Whitelist
from monitor.findings.memory import Bounded
from monitor.policy.greylist import Greylisting
from monitor.policy.ruling import PASS, Ruling, Stage, Verified

Ask = Callable[..., Ruling]


@pytest.fixture
def ask() -> Ask:
    whitelist = Whitelist("friend.example", "postmaster@")
    ruler = Greylisting(Greylist(mode="enforce", auto_allow=2), Bounded(), whitelist)

    def at(when: float, phase: str = "rcpt", **more: object) -> Ruling:
        stage = {"session": "s", "ip": "192.0.2.1", "mail_from": "a@x.example", "transaction": "t"}
        if phase == "rcpt":
            stage["rcpt"] = "b@here.example"
        return ruler(Stage(at=1_000 + when, phase=phase, **(stage | more)))

    return at


def codes(ruling: Ruling) -> list[str]:
    return [f.code for f in ruling.findings]


def test_deferred_too_early_passed_known(ask: Ask) -> None:
    first = ask(0)
    assert (first.action, first.code) == ("defer", 451)
    assert first.text == "4.7.1 greylisted, try again in 60 seconds"
    assert first.findings[0].evidence["whose"] == "ours"
    early = ask(10.5)
    assert early.text.endswith("in 50 seconds")
    assert codes(early) == ["greylist.too-early"]
    assert (ask(60).action, codes(ask(61))) == ("pass", ["greylist.known"])


def test_the_null_reverse_path_is_deferred_at_data(ask: Ask) -> None:
    assert ask(0, mail_from="") == PASS
    assert ask(1, "data", mail_from="").code == 451
    assert ask(70, mail_from="", transaction="u") == PASS
    assert codes(ask(71, "data", mail_from="", transaction="u")) == ["greylist.passed"]


def test_data_of_another_reverse_path_is_not_asked_again(ask: Ask) -> None:
    ask(0)
    assert ask(1, "data") == PASS


def test_a_pool_that_passed_often_enough_is_not_asked(ask: Ask) -> None:
    for sender in ("1@x.example", "2@x.example"):
        ask(0, mail_from=sender)
        ask(70, mail_from=sender)
    new = ask(80, mail_from="3@x.example")
    assert (new.action, codes(new)) == ("pass", ["greylist.auto-allowed"])


def test_another_network_of_the_spf_pool_passes(ask: Ask) -> None:
    proved = Verified(spf="x.example")
    ask(0, verified=proved)
    assert ask(70, verified=proved, ip="203.0.113.1").action == "pass"


def test_the_whitelisted_are_left_alone(ask: Ask) -> None:
    assert ask(0, name="mail.friend.example") == PASS
    assert ask(0, rcpt="postmaster@here.example") == PASS


@pytest.mark.parametrize("phase", ["connect", "ehlo", "mail", "eod"])
def test_other_phases_are_not_asked(ask: Ask, phase: str) -> None:
    assert ask(0, phase) == PASS
