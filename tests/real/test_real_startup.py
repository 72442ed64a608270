"""Bad input: each a clear message and the right exit code (1 it failed, 2 wrong usage)."""

from __future__ import annotations

import os
import socket
import sqlite3
import stat
from pathlib import Path

import pytest
from harness_net import free_port
from harness_relay import Relay, mxtap, relaying


def serve(state: Path, *options: str, listen: str = "") -> tuple[int, str]:
    """``mxtap serve`` that should not start: its exit code and what it said."""
    done = mxtap(
        "serve", "--state", str(state), "--listen", listen or f"127.0.0.1:{free_port()}",
        "--upstream", f"127.0.0.1:{free_port()}", *options,
    )  # fmt: skip
    assert "READY" not in done.stdout
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_a_wrong_key_names_itself_and_the_mend(tmp_path: Path) -> None:
    config = tmp_path / "mxtap.toml"
    config.write_text("[greylist]\nmod = 'observe'\n")
    code, said = serve(tmp_path / "state", "-c", str(config))
    assert code == 2
    assert "greylist.mod" in said
    assert "did you mean mode?" in said


def test_a_wrong_value_names_its_key(tmp_path: Path) -> None:
    code, said = serve(tmp_path / "state", listen="127.0.0.1")
    assert code == 2
    assert "listen" in said
    assert "HOST:PORT" in said


def test_no_configuration_file(tmp_path: Path) -> None:
    code, said = serve(tmp_path / "state", "-c", str(tmp_path / "none.toml"))
    assert code == 2
    assert "none.toml" in said


def test_the_port_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = serve(tmp_path / "state", listen=f"127.0.0.1:{port}")
    assert code == 1
    assert str(port) in said
    assert "in use" in said


@pytest.mark.parametrize("content", ["sender.test. IN A not-an-address\n", "((((\n", None])
def test_a_broken_zone(tmp_path: Path, content: str | None) -> None:
    zone = tmp_path / "broken.zone"
    if content is not None:
        zone.write_text(content)
    code, said = serve(tmp_path / "state", "--dns-zone", str(zone))
    assert code == 2
    assert "broken.zone" in said


def test_a_state_folder_of_another_version(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with relaying(state, free_port()) as relay:
        relay.stop()
    [database] = state.glob("*.db")
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE meta SET value = '9999' WHERE key = 'schema'")
    connection.close()
    code, said = serve(state)
    assert code == 1
    assert "version" in said
    assert str(state) in said


def test_a_state_folder_in_use(tmp_path: Path) -> None:
    with relaying(tmp_path / "state", free_port()):
        code, said = serve(tmp_path / "state")
        assert code == 1
        assert "running" in said or "in use" in said


def test_a_state_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, said = serve(tmp_path / "file" / "state")
    assert code in (1, 2)
    assert str(tmp_path / "file") in said


def test_commands_without_a_relay(tmp_path: Path) -> None:
    done = mxtap("attach", "--state", str(tmp_path / "nowhere"))
    assert done.returncode == 1
    assert "mxtap serve" in done.stderr or "no relay" in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_usage(tmp_path: Path) -> None:
    assert mxtap("no-such-command").returncode == 2
    assert mxtap("serve", "--no-such-flag").returncode == 2


def test_the_state_folder_is_its_owners_alone(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with relaying(state, free_port()):
        sockets = [p for p in state.iterdir() if stat.S_ISSOCK(p.stat().st_mode)]
        assert [stat.S_IMODE(p.stat().st_mode) for p in sockets] == [0o600]
        readable = [p.name for p in state.rglob("*") if p.is_file() and p.stat().st_mode & 0o077]
        private = stat.S_IMODE(state.stat().st_mode) & 0o077 == 0
        assert private or not readable


def test_the_certificate_made_at_first_start_is_kept(tmp_path: Path) -> None:
    state = tmp_path / "state"

    def certificates() -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in state.rglob("*.pem")}

    with relaying(state, free_port()) as relay:
        relay.stop()
    first = certificates()
    assert first
    relay = Relay(state, free_port())
    try:
        relay.start()
        assert certificates() == first
        assert os.stat(state).st_uid == os.geteuid()
    finally:
        relay.kill()
