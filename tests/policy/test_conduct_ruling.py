"""What a session's faults come to at its next stage."""

from __future__ import annotations

import pytest

from monitor.config import Conduct
from monitor.events import Closed, Found, Severity
from monitor.findings.catalogue import finding
from monitor.policy.conduct import Conducting
from monitor.policy.ruling import PASS, Ruling, Stage


def stage(phase: str = "mail", *, session: str = "s", early: bool = False) -> Stage:
    return Stage(session=session, at=1.0, phase=phase, ip="192.0.2.1", early=early)


def found(code: str, severity: Severity | None = None) -> Found:
    what = finding(f"conduct.{code}", severity=severity)
    return Found(session="s", at=1.0, about="s", findings=(what,))


def ruled(ruling: Ruling) -> tuple[str, int]:
    return ruling.action, ruling.code


def test_a_fault_that_is_only_noted_passes() -> None:
    ruler = Conducting(Conduct())
    ruler.hear(found("helo-syntax"))
    assert ruler(stage()) == PASS


def test_other_clients_than_of_mail_are_dropped_where_that_is_wanted() -> None:
    ruler = Conducting(Conduct())
    ruler.hear(found("not-smtp"))
    assert ruler(stage()) == PASS
    ruler = Conducting(Conduct(not_smtp="drop"))
    ruler.hear(found("not-smtp"))
    assert ruled(ruler(stage())) == ("defer", 421)
    assert "does not speak SMTP" in ruler(stage()).text


def test_a_refusal_holds_until_the_session_ends() -> None:
    ruler = Conducting(Conduct(helo="refuse"))
    ruler.hear(found("helo-is-us"))
    for phase in ("mail", "rcpt", "eod"):
        assert ruled(ruler(stage(phase))) == ("reject", 550)
    assert ruler(stage(session="other")) == PASS
    ruler.hear(Closed(session="s", at=2.0, how="quit"))
    assert ruler(stage()) == PASS


@pytest.mark.parametrize("codes", [("helo-syntax", "not-smtp"), ("not-smtp", "helo-syntax")])
def test_the_harder_action_wins(codes: tuple[str, ...]) -> None:
    ruler = Conducting(Conduct(helo="refuse", not_smtp="drop"))
    for code in codes:
        ruler.hear(found(code))
    assert ruled(ruler(stage())) == ("defer", 421)


def test_where_a_helo_name_leads_is_never_held_against_it() -> None:
    ruler = Conducting(Conduct(helo="drop"))
    ruler.hear(found("helo-mismatch", "warning"))
    assert ruler(stage()) == PASS


def test_what_is_told_as_information_is_no_fault() -> None:
    ruler = Conducting(Conduct(data_after_no_recipients="drop"))
    ruler.hear(found("data-after-no-recipients", "info"))
    assert ruler(stage()) == PASS
    ruler.hear(found("data-after-no-recipients"))
    assert ruled(ruler(stage())) == ("defer", 421)


@pytest.mark.parametrize(
    ("act", "wanted"),
    [("note", ("pass", 0)), ("refuse", ("reject", 554)), ("drop", ("defer", 421))],
)
def test_an_early_talker_is_met_before_the_banner(act: str, wanted: tuple[str, int]) -> None:
    ruler = Conducting(Conduct(early_talker=act))
    assert ruled(ruler(stage("connect", early=True))) == wanted
    assert ruler(stage("connect")) == PASS
