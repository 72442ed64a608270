"""What two sessions with the upstream tell."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.config import Settings
from monitor.doctor.upstream import Meeting, judge

GREETS = "220 mx.our.test ESMTP"
OWN = Meeting(banner=GREETS, keywords=("PIPELINING", "XCLIENT"), relays=False)
STRANGER = Meeting(banner=GREETS, identity=GREETS, identified=True, relays=False)


def states(own: Meeting, stranger: Meeting | None, **settings: Any) -> dict[str, str]:
    return {check.name: check.state for check in judge(own, stranger, Settings(**settings))}


def changed(meeting: Meeting, **changes: Any) -> Meeting:
    return Meeting(**{f: getattr(meeting, f) for f in Meeting.__struct_fields__} | changes)


def test_all_is_well_behind_the_recipe() -> None:
    assert states(OWN, STRANGER) == {
        "reachable": "ok", "identity": "ok", "open relay": "ok", "trust": "ok",
    }  # fmt: skip


@pytest.mark.parametrize("own", [Meeting(fault="cannot connect"), Meeting(banner="554 go away")])
def test_without_a_session_nothing_else_is_told(own: Meeting) -> None:
    assert states(own, None) == {"reachable": "error"}


@pytest.mark.parametrize(("identity", "state"), [("auto", "warning"), ("xclient", "error")])
def test_no_xclient_for_this_address(identity: str, state: str) -> None:
    without = changed(OWN, keywords=("PIPELINING",))
    told = states(without, Meeting(banner=GREETS, fault="offers no"), identity=identity)
    assert told["identity"] == state


def test_an_xclient_that_is_refused_is_an_error() -> None:
    refused = Meeting(banner=GREETS, fault="refused XCLIENT")
    [check] = [c for c in judge(OWN, refused, Settings()) if c.name == "identity"]
    assert check.state == "error"
    assert "refused XCLIENT" in check.seen
    assert "smtpd_authorized_xclient_hosts" in check.mend


def test_identity_none_is_a_risk_told() -> None:
    assert states(OWN, None, identity="none")["identity"] == "warning"


@pytest.mark.parametrize(("took", "state"), [(True, "ok"), (False, "error")])
def test_the_proxy_protocol(took: bool, state: str) -> None:
    stranger = changed(STRANGER, identified=took)
    assert states(OWN, stranger, identity="proxy")["identity"] == state


def test_an_open_relay_and_a_trusting_upstream() -> None:
    assert states(OWN, changed(STRANGER, relays=True))["open relay"] == "error"
    assert states(changed(OWN, relays=True), STRANGER)["trust"] == "warning"
    # Every client comes under mxtap's address then: the whole world may relay.
    assert states(changed(OWN, relays=True), None, identity="none")["trust"] == "error"


@pytest.mark.parametrize(
    ("wanted", "state"), [("require", "error"), ("opportunistic", "notice"), ("off", None)]
)
def test_starttls_where_it_is_wanted(wanted: str, state: str | None) -> None:
    assert states(OWN, STRANGER, tls={"upstream": wanted}).get("STARTTLS") == state
    offers = changed(OWN, keywords=("XCLIENT", "STARTTLS"))
    told = states(offers, STRANGER, tls={"upstream": wanted}).get("STARTTLS")
    assert told == (None if state is None else "ok")
