"""What each mode keeps, and that content held back is bounded."""

from __future__ import annotations

import msgspec
import pytest
from capture_sessions import session

from monitor import events as ev
from monitor.capture import select
from monitor.capture.select import Mode, Selection

BODY = b"x" * 200_000


def kept(mode: Mode, events: list[ev.AnyEvent]) -> list[ev.AnyEvent]:
    selection = Selection(mode)
    return [event for given in events for event in selection.keep(given)]


def bodies(events: list[ev.AnyEvent]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, ev.Body))


def test_full_keeps_everything() -> None:
    assert kept("full", session(body=BODY)) == session(body=BODY)


def test_headers_keeps_all_but_the_content() -> None:
    assert kept("headers", session(body=BODY)) == session()[:12] + [
        event for event in session(body=BODY)[12:] if not isinstance(event, ev.Body)
    ]


@pytest.mark.parametrize("about", ["transaction", "session"])
def test_an_error_brings_the_content_back(about: str) -> None:
    events = kept("headers", session(body=BODY, severity="error", about=about))
    assert bodies(events) == BODY
    kinds = [type(event) for event in events]
    assert kinds.index(ev.Content) < kinds.index(ev.Body) < kinds.index(ev.Found)


def test_an_error_known_early_keeps_what_follows() -> None:
    events = session(body=BODY, severity=None)
    error = session(severity="error", about="session")[-4]
    assert isinstance(error, ev.Found)
    assert bodies(kept("headers", [*events[:4], error, *events[4:]])) == BODY


def test_an_error_of_an_earlier_transaction_does_not_count() -> None:
    first = session(body=b"one", severity="error", close=False)
    second = [
        msgspec.structs.replace(event, transaction="T9") if hasattr(event, "transaction") else event
        for event in session(body=BODY, severity=None)[4:]
    ]
    assert bodies(kept("headers", first + second)) == b"one"


def test_envelope_keeps_nothing_of_the_message() -> None:
    events = kept("envelope", session(body=BODY, severity="error"))
    assert bodies(events) == b""
    (content,) = (event for event in events if isinstance(event, ev.Content))
    assert (content.size, content.header, content.subject) == (len(BODY), "", "")
    assert (content.from_, content.message_id) == ("", "")


def test_content_held_back_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(select, "HELD_EACH", 150_000)
    monkeypatch.setattr(select, "HELD_TOTAL", 250_000)
    assert bodies(kept("headers", session(body=BODY, severity="error"))) == b""

    selection = Selection("headers")
    small = b"y" * 100_000
    sessions = [session(number, body=small, severity="error") for number in range(3)]
    for events in sessions:
        for event in events[:-4]:
            assert not isinstance(selection.keep(event)[:1], ev.Body)
    found = [bodies(selection.keep(events[-4])) for events in sessions]
    assert found == [b"", small, small]  # the oldest had to go


def test_nothing_is_remembered_of_what_is_over() -> None:
    selection = Selection("headers")
    for number in range(50):
        severity: ev.Severity = "error" if number % 2 else "info"
        events = session(number, body=BODY, severity=severity)
        for event in events if number % 3 else [*events[:-2], events[-1]]:
            selection.keep(event)
    assert not selection._held
    assert selection._total == 0
    assert not selection._open
    assert not selection._guilty
