"""``mxtap report``: over a state folder that it only reads, and over captures."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conversation import World
from insight_history import history, letter

from monitor import cli
from monitor.capture.file import save
from monitor.store import Store


def _world() -> World:
    world = World()
    for _ in range(3):
        letter(world, "dmarc.pass", spf="good.example", dkim="good.example", secure=True)
        letter(world, "dkim.none", "dmarc.fail", ptr="mx.bad.example")
    return world


@pytest.fixture
def state(tmp_path: Path) -> Path:
    store = Store(tmp_path)
    for record in history(_world()):
        store.history.add(record)
    store.close()
    return tmp_path


def call(state: Path, *words: str) -> int:
    return cli.main(["report", "--state", str(state), "--since", "2027-01-01", *words])


def test_a_line_a_sender_the_worst_first(state: Path, capsys) -> None:
    assert call(state) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines[3:]] == [
        ["bad.example", "3", "D"],
        ["good.example", "3", "A"],
    ]
    assert lines[3].endswith("tls.none -50")


def test_json_has_a_grade_for_each_sender(state: Path, capsys) -> None:
    assert call(state, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert {card["sender"]: card["grade"] for card in told["senders"]} == {
        "good.example": "A",
        "bad.example": "D",
    }
    assert call(state, "--format", "json", "--sender", "good.example") == 0
    assert [c["sender"] for c in json.loads(capsys.readouterr().out)["senders"]] == ["good.example"]


def test_a_sender_in_detail_by_one_of_its_hosts(state: Path, capsys) -> None:
    assert call(state, "--sender", "MX.bad.example.") == 0
    out = capsys.readouterr().out
    assert out.startswith("bad.example: D (50 of 100)")
    assert "dmarc.fail (3 of 3): DMARC fail" in out
    assert "[RFC 9989 5.3.5]" in out
    assert "s6-1" in out  # the newest transaction that shows it


def test_two_senders(state: Path, capsys) -> None:
    assert call(state, "--sender", "bad.example", "--compare", "good.example") == 0
    assert "only bad.example:" in capsys.readouterr().out
    assert call(state, "--sender", "bad.example", "--compare", "good.example", "--format=html") == 0
    assert 'class="pair"' in capsys.readouterr().out
    assert call(state, "--compare", "good.example") == 2


def test_csv_and_html(state: Path, capsys) -> None:
    assert call(state, "--format", "csv") == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert call(state, "--format", "html") == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")


def test_a_sender_that_is_not_there(state: Path, capsys) -> None:
    assert call(state, "--sender", "goof.example") == 1
    assert "did you mean good.example" in capsys.readouterr().err


def test_nothing_within_the_time(state: Path, capsys) -> None:
    assert cli.main(["report", "--state", str(state), "--since", "2027-06-01", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["senders"] == []


def test_the_state_folder_is_only_read(state: Path) -> None:
    before = (state / "mxtap.db").read_bytes()
    assert call(state) == 0
    assert (state / "mxtap.db").read_bytes() == before


def test_there_is_no_history(tmp_path: Path, capsys) -> None:
    assert call(tmp_path / "none") == 1
    assert "no history" in capsys.readouterr().err
    assert not os.path.exists(tmp_path / "none")


def test_a_capture_is_taken_whole(tmp_path: Path, capsys) -> None:
    save(tmp_path / "a.mxtap", _world().events)
    words = ["report", str(tmp_path / "a.mxtap"), "--json", "--state", str(tmp_path)]
    assert cli.main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["records"] == 6
    assert {card["sender"] for card in told["senders"]} == {"good.example", "bad.example"}


def test_no_capture(tmp_path: Path, capsys) -> None:
    assert cli.main(["report", str(tmp_path / "none.mxtap"), "--state", str(tmp_path)]) == 1
    assert capsys.readouterr().err
