"""``mxtap letter``: to standard output or to a new file, and never to anybody."""

from __future__ import annotations

import email
import json
from pathlib import Path

import pytest
from conversation import World
from insight_history import history, letter

from monitor import cli
from monitor.capture.file import save
from monitor.store import Store

ZONE = "bad.example. MX 10 mx.bad.example.\n"


@pytest.fixture
def world() -> World:
    world = World()
    for _ in range(3):
        letter(world, "dkim.none", "dmarc.fail", ptr="mx.bad.example", author="sender.example")
    return world


@pytest.fixture
def state(tmp_path: Path, world: World) -> Path:
    store = Store(tmp_path)
    for record in history(world):
        store.history.add(record)
        said = [event for event in world.events if event.session == record.session]
        store.history.add_transcript(record.session, world.now, said)
    store.close()
    (tmp_path / "zone").write_text(ZONE)
    return tmp_path


def call(state: Path, *words: str) -> int:
    options = ["--state", str(state), "--dns-zone", str(state / "zone"), "--since", "2027-01-01"]
    return cli.main(["letter", *options, "--set", "name=mx.here.example", *words])


def test_it_is_shown_with_its_recipients(state: Path, capsys) -> None:
    assert call(state, "mx.bad.example") == 0
    out = capsys.readouterr().out
    assert out.startswith("To: postmaster@bad.example, abuse@bad.example\n")
    assert "From: postmaster@mx.here.example\n" in out
    assert "DMARC fail" in out
    assert "C: RCPT TO:<recipient-1@here.example>" in out
    assert "b@here.example" not in out


def test_every_form(state: Path, capsys) -> None:
    assert call(state, "bad.example", "--format", "markdown") == 0
    assert capsys.readouterr().out.startswith("# Mail from bad.example at mx.here.example")
    assert call(state, "bad.example", "--format", "eml", "--from", "me@here.example") == 0
    assert email.message_from_string(capsys.readouterr().out)["From"] == "me@here.example"
    assert call(state, "bad.example", "--json") == 0
    assert json.loads(capsys.readouterr().out)["to"][0] == "postmaster@bad.example"


def test_in_full(state: Path, capsys) -> None:
    assert call(state, "bad.example", "--full") == 0
    assert "C: RCPT TO:<b@here.example>" in capsys.readouterr().out


def test_a_file_is_for_its_owner_and_never_overwritten(state: Path, capsys) -> None:
    path = state / "letter.eml"
    assert call(state, "bad.example", "--format", "eml", "--output", str(path)) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    written = path.read_bytes()
    assert call(state, "bad.example", "--output", str(path)) == 1
    assert path.read_bytes() == written
    assert "is there already" in capsys.readouterr().err


def test_of_a_capture(tmp_path: Path, world: World, capsys) -> None:
    save(tmp_path / "x.mxtap", iter(world.events))
    path = str(tmp_path / "x.mxtap")
    (tmp_path / "zone").write_text(ZONE)
    options = ["--state", str(tmp_path), "--dns-zone", str(tmp_path / "zone")]
    assert cli.main(["letter", "bad.example", "--capture", path, *options]) == 0
    assert "3 times" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["good.example"], 1, "good.example sent nothing"),
        (["nonsense"], 1, "neither a domain"),
        (["bad.example", "--from", "x\nBcc: y@z.example"], 2, "is not an address"),
    ],
)
def test_what_cannot_be_written(state: Path, capsys, words, code, told) -> None:
    assert call(state, *words) == code
    assert told in capsys.readouterr().err
