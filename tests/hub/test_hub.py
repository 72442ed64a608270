"""The hub: order kept, faults kept apart, rulings made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest

from monitor import events as ev
from monitor.findings.catalogue import finding
from monitor.findings.views import Session
from monitor.hub import Hub
from monitor.policy.entry import Draft
from monitor.policy.ruling import Ruling, Stage
from monitor.record import Late, Record
from monitor.store import Store

S = {"session": "s", "at": 1.0}
VERDICT = ev.Verdict(code=250, reply="ok", phase="eod", by="upstream")
DIALOGUE: list[ev.AnyEvent] = [
    ev.Opened(**S, relay="r", ip="192.0.2.7", port=1, local_ip="192.0.2.1", local_port=25),
    ev.Command(**S, text="EHLO client.test"),
    ev.Reply(**S, code=250, lines=("r", "DSN"), by="upstream", phase="ehlo"),
    ev.Mail(**S, transaction="s-1", address="a@client.test", code=250, reply="ok", by="upstream"),
    ev.Ended(**S, transaction="s-1", verdict=VERDICT, state="accepted"),
    ev.Closed(**S, how="quit"),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    yield store
    store.close()


def stage(ip: str = "127.0.0.9") -> Stage:
    return Stage(session="s", at=1.0, phase="mail", ip=ip)


def test_a_dialogue_becomes_a_record_with_findings_in_front_of_their_event(store: Store) -> None:
    seen: list[ev.AnyEvent] = []
    told: list[Record | Late] = []

    def judge(view: Session, event: ev.Event) -> list[ev.Finding]:
        return [finding("tls.none")] if isinstance(event, ev.Ended) else []

    hub = Hub(store, [judge], consumers=[seen.extend])
    hub.listeners.append(told.append)
    for event in DIALOGUE:
        hub.emit(event)
    kinds = [type(e).__name__ for e in seen]
    assert kinds[-3:] == ["Found", "Ended", "Closed"]
    assert isinstance(told[0], Record)
    assert [f.code for f in told[0].findings] == ["tls.none"]
    assert told[0].client.helo == "client.test"
    assert hub.stats.accepted == 1
    store.writer.flush()
    assert [type(e).__name__ for e in hub.transcript("s")] == kinds


def test_what_happened_is_taken_in_together_and_content_at_once(
    store: Store,
) -> None:
    told: list[list[str]] = []
    later: list[Callable[[], None]] = []
    hub = Hub(
        store,
        consumers=[lambda events: told.append([type(each).__name__ for each in events])],
        soon=later.append,
    )
    for event in DIALOGUE[:4]:
        hub.emit(event)
    assert told == []
    later.pop()()
    assert later == []
    assert hub.transcript("s") == DIALOGUE[:4]
    hub.emit(ev.Command(**S, text="DATA"))
    hub.emit(ev.Body(**S, transaction="s-1", offset=0, data=b"x"))
    assert told == [["Opened", "Command", "Reply", "Mail"], ["Command", "Body"]]


def test_of_a_session_without_end_a_bounded_number_of_events_and_its_end_are_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.assembler.MAX_EVENTS", 3)
    hub = Hub(store)
    for event in DIALOGUE:
        hub.emit(event)
    assert hub.transcript("s") == [*DIALOGUE[:3], DIALOGUE[-1]]


def test_the_dns_is_down_while_most_questions_have_no_answer(store: Store) -> None:
    hub = Hub(store)

    def ask(status: Literal["ok", "timeout"], times: int) -> bool | None:
        for _ in range(times):
            hub.emit(ev.Asked(**S, name="a.test", type="A", status=status))
        return hub.stats.dns_up

    hub.emit(DIALOGUE[0])
    assert hub.stats.dns_up is None
    assert ask("ok", 20) is True
    assert ask("timeout", 10) is True
    assert ask("timeout", 1) is False
    assert ask("ok", 10) is True


def test_faults_of_disciplines_consumers_and_rulers_stay_apart(store: Store) -> None:
    told: list[Record | Late] = []

    def broken(*_: object) -> Ruling:
        raise RuntimeError("bug")

    hub = Hub(store, [broken], [broken], [broken])  # type: ignore[list-item]
    hub.listeners += [broken, told.append]
    for event in DIALOGUE:
        hub.emit(event)
    assert len(told) == 1
    assert hub.failures["broken"] + hub.failures["function"] + hub.failures["listener"] > 0


def test_a_broken_ruler_lets_pass(store: Store) -> None:
    def broken(stage: Stage) -> Ruling:
        raise RuntimeError("bug")

    assert Hub(store, rulers=[broken]).rule(stage()).action == "pass"


def test_bans_and_allowances_rule(store: Store) -> None:
    refusing = Ruling(action="defer", code=451, text="4.7.1 wait")
    hub = Hub(store, rulers=[lambda stage: refusing])
    assert hub.rule(stage()) == refusing
    ban = hub.add(Draft(list="ban", kind="ip", value="127.0.0.9", reason="spam"), "root")
    ruling = hub.rule(stage())
    assert (ruling.action, ruling.code) == ("reject", 550)
    assert "spam" in ruling.text
    assert ruling.findings[0].code == "list.banned"
    hub.end(ban.id, "root")
    hub.add(Draft(list="allow", kind="ip", value="127.0.0.9"), "root")
    allowed = hub.rule(stage())
    assert allowed.action == "pass"
    assert allowed.findings[0].code == "list.allowed"


def test_a_ban_made_by_another_process_holds_after_a_tick(store: Store) -> None:
    hub = Hub(store)
    store.entries.add(Draft(list="ban", kind="ip", value="127.0.0.9"), "root")
    assert hub.rule(stage()).action == "pass"
    hub.tick()
    assert hub.rule(stage()).action == "reject"


def test_a_finding_after_its_session_is_late_and_opens_no_transcript(store: Store) -> None:
    hub = Hub(store)
    told: list[Record | Late] = []
    hub.listeners.append(told.append)
    hub.emit(ev.Found(**S, about="s-1", findings=(finding("retry.gave-up"),)))
    assert isinstance(told[0], Late)
    assert told[0].about == "s-1"
    assert hub.transcript("s") == []


def test_the_transcript_of_a_session_that_ended_this_moment_is_there(store: Store) -> None:
    hub = Hub(store)
    for event in DIALOGUE:
        hub.emit(event)
    assert [type(event) for event in hub.transcript("s")] == [type(event) for event in DIALOGUE]


def test_what_is_old_goes_in_steps_at_every_tick_until_none_is_left(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 500 a minute a busy relay would grow for ever."""
    monkeypatch.setattr("monitor.store.PRUNING", 0.0)
    monkeypatch.setattr(store.writer, "soon", lambda call: call())
    for number in range(1_200):
        store.history.add_transcript(f"s{number}", 1.0, DIALOGUE[-1:])
    store.writer.flush()
    clock = iter((100.0, 101.0, 102.0, 103.0, 104.0))
    hub = Hub(store, clock=lambda: next(clock), keep_history=10.0)
    left = []
    for _ in range(4):
        hub.tick()
        left.append(sum(bool(store.history.transcript(f"s{n}")) for n in range(1_200)))
    assert left == [700, 200, 0, 0]
    assert hub.failures == {}
    store.history.add_transcript("late", 1.0, DIALOGUE[-1:])
    store.writer.flush()
    hub.tick()
    assert store.history.transcript("late"), "with nothing left it looks once a minute"


def test_a_discipline_is_told_of_the_events_that_it_hears(store: Store) -> None:
    heard: dict[str, list[str]] = {"ends": [], "all": []}

    class Ends:
        hears = (ev.Ended, ev.Closed)

        def __call__(self, view: Session, event: ev.Event) -> list[ev.Finding]:
            heard["ends"].append(type(event).__name__)
            return []

    def every(view: Session, event: ev.Event) -> list[ev.Finding]:
        heard["all"].append(type(event).__name__)
        return []

    hub = Hub(store, [Ends(), every])
    for event in DIALOGUE:
        hub.emit(event)
    assert heard["ends"] == ["Ended", "Closed"]
    assert heard["all"] == [type(event).__name__ for event in DIALOGUE]


def test_a_ruler_that_never_has_a_say_is_neither_asked_nor_told(store: Store) -> None:
    class Silent:
        phases: tuple[ev.Phase, ...] = ()

        def hear(self, event: ev.Event) -> None:
            raise AssertionError

        def __call__(self, stage: Stage) -> Ruling:
            raise AssertionError

    class Speaking(Silent):
        phases = ("mail",)

        def hear(self, event: ev.Event) -> None:
            told.append(event)

    told: list[ev.Event] = []
    hub = Hub(store, rulers=[Silent(), Speaking()])
    hub.emit(DIALOGUE[0])
    assert told == [DIALOGUE[0]]
    assert hub.asked == ("mail",)
    assert (hub.asks("mail"), hub.asks("rcpt")) == (True, False)
    hub.add(Draft(list="ban", kind="ip", value="192.0.2.9"), "root")
    assert hub.asks("rcpt"), "lists have a say everywhere"
    hub.rule(stage())
    assert hub.failures == {"Speaking": 1}


def test_a_ruler_is_asked_when_all_that_happened_is_known(store: Store) -> None:
    """Whatever waits to be taken in: else a session could outrun what is ruled about it."""

    class Counting:
        phases: tuple[ev.Phase, ...] = ("mail",)
        heard = 0

        def hear(self, event: ev.Event) -> None:
            self.heard += 1

        def __call__(self, stage: Stage) -> Ruling:
            return Ruling(action="reject", code=550, text=f"{self.heard}")

    later: list[Callable[[], None]] = []
    hub = Hub(store, rulers=[Counting()], soon=later.append)
    for event in DIALOGUE[:3]:
        hub.emit(event)
    assert hub.rule(stage()).text == "3"
    hub.emit(DIALOGUE[3])
    assert hub.decide(stage()).text == "4", "as a worker asks"


def test_the_clock_comes_after_what_happened(store: Store) -> None:
    seen: list[str] = []

    class Watching:
        def __call__(self, view: Session, event: ev.Event) -> list[ev.Finding]:
            seen.append(type(event).__name__)
            return []

        def tick(self, now: float) -> list[ev.Found]:
            seen.append("tick")
            return []

    hub = Hub(store, [Watching()], soon=lambda call: None)
    hub.emit(DIALOGUE[0])
    hub.tick()
    assert seen == ["Opened", "tick"]


def test_a_record_that_cannot_be_kept_costs_no_more_than_itself(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(record: Record) -> None:
        raise RuntimeError("bug")

    monkeypatch.setattr(store.history, "add", full)
    seen: list[ev.AnyEvent] = []
    later: list[Callable[[], None]] = []
    hub = Hub(store, consumers=[seen.extend], soon=later.append)
    for event in DIALOGUE:
        hub.emit(event)
    later.pop()()
    assert seen == DIALOGUE
    assert hub.failures == {"history": 1}
