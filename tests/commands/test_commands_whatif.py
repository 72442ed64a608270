"""``mxtap whatif``: over a state folder with its lists and transcripts, and over captures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conversation import World
from insight_history import history, letter

from monitor import cli
from monitor import events as ev
from monitor.capture.file import save
from monitor.policy.entry import Draft
from monitor.store import Store

OLD, NEW = "AES128-SHA", "ECDHE-RSA-AES128-GCM-SHA256"


def _world() -> World:
    world = World()
    letter(world, "dmarc.fail", policy="reject")
    letter(world, "spf.fail", ip="198.51.100.1", ptr="mx.b.example")
    client = world.connect("203.0.113.1", ptr="mx.c.example")
    client.ehlo()
    client._emit(ev.Secured, side="client", protocol="TLSv1.2", cipher=OLD, bits=128,
                 offered_ciphers=(OLD, NEW))  # fmt: skip
    client.ehlo()
    client.mail()
    client.rcpt()
    client.data()
    client.quit()
    return world


@pytest.fixture
def state(tmp_path: Path) -> Path:
    world = _world()
    store = Store(tmp_path)
    for record in history(world):
        store.history.add(record)
        said = [e for e in world.events if e.session == record.session]
        store.history.add_transcript(record.session, record.ended.timestamp(), said)
    store.entries.add(Draft(list="allow", kind="ip", value="198.51.100.1"), "root")
    store.entries.add(Draft(list="ban", kind="ip", value="203.0.113.1"), "root")
    store.close()
    return tmp_path


def call(state: Path, *words: str) -> int:
    return cli.main(["whatif", *words, "--state", str(state), "--since", "2027-01-01"])


def told(capsys) -> dict[str, dict[str, int]]:
    found = json.loads(capsys.readouterr().out)
    return {
        one["scenario"]: {
            kind: o["messages"] for kind, o in one["outcomes"].items() if o["messages"]
        }
        for one in found["scenarios"]
    }


def test_json(state: Path, capsys) -> None:
    words = ("dmarc=reject", "spf", "mta-sts", f"tls={NEW}", "greylist=300/pool")
    assert call(state, *words, "--validates", "mail.b.example", "--json") == 0
    assert told(capsys) == {
        "dmarc=reject": {"lost": 1},
        "spf": {"lost": 1},
        "mta-sts": {"lost": 1, "at-risk": 1},
        f"tls={NEW}": {},  # its transcript shows that it offers another suite as well
        "greylist=300/pool": {"delayed": 2},  # the third is allowed
    }


def test_text_tells_what_is_wanted(state: Path, capsys) -> None:
    assert call(state, "spf", "dmarc") == 0
    out = capsys.readouterr().out
    assert "3 messages came in" in out
    assert "b.example                    1 lost, 1 wanted; the last 2027-" in out
    assert out.count("together") == 1


def test_bans_of_a_file_and_those_in_force(state: Path, capsys) -> None:
    (state / "bans").write_text("net 192.0.2.0/24\nnet 198.51.100.0/24\n")
    assert call(state, "bans", "--bans", str(state / "bans"), "--json") == 0
    assert told(capsys) == {"bans": {"lost": 1}}  # the other one is allowed by its address
    assert call(state, "bans", "ban:helo=mx.sender.example", "--json") == 0
    assert told(capsys) == {"bans": {"lost": 1}, "ban:helo=mx.sender.example": {"lost": 1}}
    (state / "bans").write_text("wing 1\n")
    assert call(state, "bans", "--bans", str(state / "bans")) == 2
    assert "line 1" in capsys.readouterr().err
    assert call(state, "bans", "--bans", str(state / "none")) == 2


def test_a_word_that_is_no_scenario(state: Path, capsys) -> None:
    assert call(state, "dmarc=maybe") == 2
    assert "dmarc=quarantine" in capsys.readouterr().err


def test_there_is_no_history(tmp_path: Path, capsys) -> None:
    assert call(tmp_path / "none", "spf") == 1
    assert "no history" in capsys.readouterr().err


def test_the_state_folder_is_only_read(state: Path) -> None:
    before = (state / "mxtap.db").read_bytes()
    assert call(state, "spf", f"tls={NEW}") == 0
    assert (state / "mxtap.db").read_bytes() == before


def test_a_capture(tmp_path: Path, capsys) -> None:
    save(tmp_path / "a.mxtap", _world().events)
    words = ["whatif", "dmarc", f"tls={NEW}", "--capture", str(tmp_path / "a.mxtap"), "--json"]
    assert cli.main([*words, "--state", str(tmp_path)]) == 0
    assert told(capsys) == {"dmarc": {"lost": 1}, f"tls={NEW}": {}}
