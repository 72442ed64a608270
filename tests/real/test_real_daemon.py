"""``mxtap serve`` as a service manager runs it: its sockets, its notices, its signals, its user."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness_net import Dialogue, free_port, listens, wait_until
from harness_postfix import Postfix
from harness_relay import MXTAP, Relay, environment

Needs = Callable[..., None]
Require = Callable[[object, str], None]


class Manager:
    """The receiving end of sd_notify."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(15)

    def hears(self, wanted: str) -> dict[str, str]:
        """Wait for a message that has this line; all its lines by key."""
        while True:
            lines = self.socket.recv(4096).decode().splitlines()
            if wanted in lines:
                return dict(line.partition("=")[::2] for line in lines)


@pytest.fixture
def manager() -> Iterator[Manager]:
    with tempfile.TemporaryDirectory() as folder:
        manager = Manager(Path(folder) / "notify")
        with manager.socket:
            yield manager


def told(manager: Manager) -> dict[str, str]:
    """What a service manager puts into the environment."""
    return {
        "NOTIFY_SOCKET": str(manager.path),
        "WATCHDOG_USEC": "200000",
        "MXTAP_LISTEN": "127.0.0.1:0",
    }


@contextlib.contextmanager
def serving(state: Path, *words: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """``mxtap serve`` in front of nothing, by the command line of ``words`` where given."""
    options = ["--state", str(state), "--upstream", f"127.0.0.1:{free_port()}"]
    with (state.with_name("said")).open("w") as said:
        process = subprocess.Popen(
            [*words, MXTAP, "serve", *options], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True,
            env=environment() | environ,
        )  # fmt: skip
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(15)
        process.stdout.close()


def test_the_manager_hears_of_each_step(tmp_path: Path, manager: Manager) -> None:
    with serving(tmp_path / "state", **told(manager)) as process:
        ready = manager.hears("READY=1")
        assert "0 sessions" in ready["STATUS"]
        assert "does not answer" in ready["STATUS"]
        manager.hears("WATCHDOG=1")
        manager.hears("WATCHDOG=1")
        process.send_signal(signal.SIGTERM)
        assert int(manager.hears("STOPPING=1")["EXTEND_TIMEOUT_USEC"]) > 10_000_000
        assert process.wait(15) == 0


def test_a_relay_that_hangs_sends_no_keep_alive(tmp_path: Path, manager: Manager) -> None:
    with serving(tmp_path / "state", **told(manager)) as process:
        manager.hears("WATCHDOG=1")
        process.send_signal(signal.SIGSTOP)
        manager.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            manager.hears("nothing more")


def test_a_hangup_renews_the_certificate_and_keeps_the_old_one_where_it_is_bad(
    tmp_path: Path, manager: Manager
) -> None:
    with serving(tmp_path / "state", **told(manager)) as process:
        manager.hears("READY=1")
        file = tmp_path / "state" / "tls" / "cert.pem"
        good = file.read_bytes()
        file.write_text("no certificate")
        process.send_signal(signal.SIGHUP)
        assert int(manager.hears("RELOADING=1")["MONOTONIC_USEC"]) > 0
        assert "cert.pem: cannot be used" in manager.hears("READY=1")["STATUS"]
        assert "the one from before stays in use" in (tmp_path / "said").read_text()
        file.write_bytes(good)
        process.send_signal(signal.SIGHUP)
        assert "cert.pem" not in manager.hears("READY=1")["STATUS"]
        assert process.poll() is None


def test_a_socket_of_systemd_is_served(needs: Needs, tmp_path: Path) -> None:
    needs("systemd-socket-activate")
    port = free_port()
    words = ("systemd-socket-activate", "-l", f"127.0.0.1:{port}", "--fdname=smtp")
    passed = [f"-E{key}={value}" for key, value in environment().items()]
    with serving(tmp_path / "state", *words, *passed, MXTAP_LISTEN="127.0.0.1:1") as process:
        # The connection that starts it is served as well.
        wait_until(lambda: listens(port), 15)
        with Dialogue(port) as client:
            assert client.reply().startswith(b"421 4.3.2 ")
        assert process.stdout.readline() == f"READY 127.0.0.1:{port}\n"


def test_no_body_and_no_secret_is_logged_and_no_line_is_forged(
    postfix: Postfix, start_relay: Callable[..., Relay]
) -> None:
    options = ("--set", "log.level=debug", "--set", "log.format=json")
    relay = start_relay(postfix.port, *options)
    with Dialogue(relay.port) as client:
        client.reply()
        client.say(b'EHLO x\x1b[2J\xff{"level":"error"}')
        client.say(b"AUTH PLAIN c2VjcmV0LXBhc3N3b3Jk")
        client.say(b"STARTTLS nonsense")
        client.say(b'MAIL FROM:<"\x1b]0;title\x07"@x>')
    with Dialogue(relay.port) as client:
        client.envelope(b"x@sink.test")
        client.send(b"Subject: =?utf-8?b?=ff?=\r\nDKIM-Signature: v=1; b=\x00;;\r\n\r\n")
        client.send(b"body-of-the-message\r\n.\r\n")
        assert client.reply().startswith(b"250")
    assert relay.run("ban", "helo", "forged.test", "--reason", "x\n{}").returncode == 0
    relay.wait_events(2)
    assert relay.stop() == 0
    said = relay.errors()
    for secret in ("c2VjcmV0", "secret", "body-of-the-message"):
        assert secret not in said
    lines = [json.loads(line) for line in said.splitlines()]
    assert {line["logger"].partition(".")[0] for line in lines} == {"monitor"}
    assert said.isascii()
    assert "error" not in {line["level"] for line in lines}


def test_root_binds_and_goes(require: Require) -> None:
    require(os.geteuid() == 0, "only root can become another")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        state = Path(folder) / "state"
        relay = Relay(state, free_port(), "--set", "user=nobody")
        try:
            relay.start()
            status = Path(f"/proc/{relay.pid}/status").read_text().splitlines()
            facts = dict(line.split(":\t", 1) for line in status if ":\t" in line)
            assert facts["Uid"].split() == ["65534"] * 4
            assert facts["Gid"].split() == ["65534"] * 4
            assert int(facts["CapPrm"], 16) == int(facts["CapEff"], 16) == 0
            assert {path.stat().st_uid for path in [state, *state.rglob("*")]} == {65534}
            assert relay.stop() == 0
        finally:
            relay.kill()
