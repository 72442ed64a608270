"""A replay tells what was told live: from the recorded findings, and from findings made anew."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from capture_sessions import START, day, session

from monitor import events as ev
from monitor.assembler import Assembler, Output
from monitor.capture.file import save
from monitor.capture.folder import CaptureFolder
from monitor.capture.place import place
from monitor.capture.reel import of_events
from monitor.capture.rules import restored, rules_of
from monitor.capture.sheet import Sheet
from monitor.capture.sources import disciplines
from monitor.commands import replay
from monitor.config import Capture as CaptureSettings
from monitor.config import ConfigError, Settings
from monitor.findings.views import Session
from monitor.record import Record


def everything(view: Session, event: ev.Event) -> Iterable[ev.Finding]:
    """A discipline that finds something at every event."""
    if not isinstance(event, ev.Found):
        yield ev.Finding(code=f"x.{type(event).__name__}", severity="info", title="")


def assembled(events: Iterable[ev.AnyEvent], judges: list) -> tuple[list, list[Output]]:  # type: ignore[type-arg]
    assembler = Assembler(judges)
    passed: list[ev.AnyEvent] = []
    outputs: list[Output] = []
    for event in events:
        more, made = assembler.feed(event)
        passed += more
        outputs += made
    return passed, outputs


def test_what_was_passed_on_gives_the_same_records_again() -> None:
    bare = [event for event in session(2, at=START + 5) if not hasattr(event, "transaction")]
    for events in (list(day(3)), [e for e in bare if not isinstance(e, ev.Found)]):
        passed, live = assembled(events, [everything])
        again, replayed = assembled(passed, [])
        assert replayed == live
        assert again == passed


def arguments(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    replay.configure(parser)
    return parser.parse_args(["--headless", *given])


def played(capsys: pytest.CaptureFixture[str], *given: object) -> tuple[list[Record], str]:
    assert replay.run(arguments(*map(str, given)), Settings(state=Path("/nonexistent"))) == 0
    told = capsys.readouterr()
    return [msgspec.json.decode(line, type=Record) for line in told.out.splitlines()], told.err


def test_headless_prints_the_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path / "b.mxtap", session(9, at=START + 100))
    save(tmp_path / "a.mxtap", day(3))
    records, problems = played(capsys, tmp_path)
    assert [record.id for record in records] == ["T0", "T1", "T2", "T9"]
    assert [f.code for f in records[0].findings] == ["spf.fail"]
    assert problems == ""


def test_it_begins_where_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path / "a.mxtap", day(10))
    path = tmp_path / "a.mxtap"
    assert [r.id for r in played(capsys, path, "--from", "+7s")[0]] == ["T7", "T8", "T9"]
    assert [r.id for r in played(capsys, path, "--from", "80%")[0]] == ["T8", "T9"]
    assert [r.id for r in played(capsys, path, "--filter", "id:S4")[0]] == ["T4"]
    with pytest.raises(ConfigError, match="no place"):
        replay.run(arguments(str(path), "--from", "soon"), Settings())
    with pytest.raises(ConfigError, match="--filter"):
        replay.run(arguments(str(path), "--filter", "form:x"), Settings())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("+90s", 90),
        ("+1.5m", 90),
        ("50%", 500),
        ("2026-03-01T12:00:05Z", 5),
        ("2026-03-01T13:00:05+01:00", 5),
        ("2026-03-01 12:00:05", 5),
        ("12:00:05", 5),
    ],
)
def test_places(text: str, seconds: float) -> None:
    assert place(text, of_events("x", day(2, apart=999.0))) == START + seconds


def test_a_damaged_capture_is_shown_as_far_as_it_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "a.mxtap", day(500))
    octets = (tmp_path / "a.mxtap").read_bytes()
    (tmp_path / "a.mxtap").write_bytes(octets[: len(octets) // 2])
    records, problems = played(capsys, tmp_path / "a.mxtap")
    assert records == [] or 0 < len(records) < 500
    assert "cut off" in problems


def test_what_is_no_capture_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x").write_bytes(b"hello")
    for path, says in ((tmp_path / "x", "not a capture"), (tmp_path / "y", "cannot be read")):
        assert replay.run(arguments(str(path)), Settings()) == 1
        assert says in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert replay.run(arguments(str(tmp_path / "empty")), Settings()) == 1
    assert "there is no capture in" in capsys.readouterr().err


def test_recheck_finds_the_same_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events, live = assembled(day(3, severity=None), disciplines(Settings()))
    save(tmp_path / "a.mxtap", events)
    records, told = played(capsys, tmp_path / "a.mxtap", "--recheck")
    assert records == live
    assert any(record.findings for record in records)
    assert "0 subjects differ" in told


def test_recheck_goes_by_the_settings_of_then(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    then = Settings(name="a.example")  # the client claims to be the relay itself
    events, live = assembled(session(0, severity=None), disciplines(then))
    folder = CaptureFolder(tmp_path, CaptureSettings(disk_floor=0), rules=rules_of(then))
    sheet = Sheet()
    for event in events:
        sheet.add(event)
    folder.write(sheet)
    folder.close()
    records, _ = played(capsys, tmp_path, "--recheck")
    assert records == live
    assert "conduct.helo-is-us" in {f.code for f in records[0].findings}


def test_settings_from_a_file_are_taken_with_care() -> None:
    now = Settings(name="now")
    assert restored(now, rules_of(Settings(name="then"))).name == "then"
    greedy = {"checks": {"deadline": 9_999, "signatures": 3}, "state": "/", "listen": ["a"]}
    taken = restored(now, greedy)
    assert (taken.checks.signatures, taken.checks.deadline) == (3, 5)
    assert (taken.state, taken.listen) == (now.state, now.listen)
    for wrong in ({"retry": {"soon": "no"}}, {"name": {}}, {"conduct": {"other": 1}}):
        with pytest.raises(ValueError, match="settings of then"):
            restored(now, wrong)


def test_recheck_looks_refused_recipients_up_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events, _ = assembled(session(0, severity=None), disciplines(Settings()))
    at = next(i for i, event in enumerate(events) if isinstance(event, ev.Content))
    asked = [
        ev.Asked(session="S0", at=START, transaction="T0", name="b.example", type=kind, status=is_)
        for kind, is_ in (("MX", "nodata"), ("A", "nxdomain"), ("AAAA", "nxdomain"))
    ]
    code = "route.recipient-no-mx"
    about = ev.Finding(code=code, severity="warning", title="as it was called then")
    spf = ev.Finding(code="spf.none", severity="info", title="")
    told = [
        ev.Found(session="S0", at=START + 0.6, about="T0", findings=(each,))
        for each in (spf, about)
    ]
    save(tmp_path / "a.mxtap", [*events[:at], *asked, *told, *events[at:]])
    (record,), says = played(capsys, tmp_path / "a.mxtap", "--recheck")
    (found,) = [f for f in record.findings if f.code == code]
    assert found.detail == "b.example has no MX record and no address"
    assert "no longer route" not in says


def test_recheck_tells_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events, _ = assembled(day(1, severity=None), disciplines(Settings()))
    wrong = ev.Finding(code="conduct.no-such", severity="error", title="")
    about = ev.Found(session="S0", at=START + 0.85, about="T0", findings=(wrong,))
    save(tmp_path / "a.mxtap", [*events[:-1], about, events[-1]])
    records, told = played(capsys, tmp_path / "a.mxtap", "--recheck")
    assert "T0: no longer conduct.no-such (error)" in told
    assert all(f.code != "conduct.no-such" for record in records for f in record.findings)


def test_recheck_keeps_what_it_cannot_make_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    banned = ev.Finding(code="list.banned", severity="notice", title="")
    signed = ev.Finding(code="dkim.pass", severity="good", title="")  # but the content is gone
    events, _ = assembled(session(0, severity=None), disciplines(Settings()))
    at = next(i for i, event in enumerate(events) if isinstance(event, ev.Content))
    found = ev.Found(session="S0", at=START + 0.7, about="T0", findings=(banned, signed))
    save(tmp_path / "a.mxtap", [*events[: at + 1], found, *events[at + 1 :]])
    (record,), told = played(capsys, tmp_path / "a.mxtap", "--recheck")
    assert {"list.banned", "dkim.pass"} <= {f.code for f in record.findings}
    assert "0 subjects differ" in told
