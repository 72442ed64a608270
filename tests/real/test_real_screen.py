"""The screen, in a real terminal, on a real relay."""

from __future__ import annotations

import os
import pty
import shlex
import smtplib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness_net import Dialogue, wait_until
from harness_postfix import Postfix
from harness_relay import MXTAP, Relay, environment

SENDER = "127.0.0.9"


class Terminal:
    """A tmux server of its own with one pane."""

    def __init__(self, socket: Path, *, term: str = "screen-256color") -> None:
        self._socket = socket
        self._term = term

    def tmux(self, *command: str) -> str:
        done = subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", str(self._socket), *command],
            capture_output=True, text=True, timeout=20, check=False,
            env=environment() | {"TERM": "xterm-256color", "LANG": "C.UTF-8"},
        )  # fmt: skip
        return done.stdout

    def run(self, *command: str, size: tuple[int, int] = (80, 24)) -> None:
        line = f"env TERM={self._term} LANG=C.UTF-8 {shlex.join(command)}; echo exit=$?; sleep 60"
        columns, rows = map(str, size)
        self.tmux("new-session", "-d", "-x", columns, "-y", rows, line)

    def text(self) -> str:
        return self.tmux("capture-pane", "-p")

    def keys(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def shows(self, text: str, seconds: float = 20) -> None:
        try:
            wait_until(lambda: text in self.text(), seconds)
        except TimeoutError:
            pytest.fail(f"{text!r} is not on the screen:\n{self.text()}")

    def close(self) -> None:
        self.tmux("kill-server")


@pytest.fixture
def terminal(needs: Callable[..., None], tmp_path: Path) -> Iterator[Terminal]:
    needs("tmux")
    made = Terminal(tmp_path / "tmux")
    yield made
    made.close()


def send(relay: Relay, subject: str = "s") -> None:
    with smtplib.SMTP("127.0.0.1", relay.port, source_address=(SENDER, 0)) as client:
        client.sendmail("a@sender.test", ["x@sink.test"], f"Subject: {subject}\r\n\r\nhello\r\n")


def test_a_ban_from_the_screen_holds_at_once_and_for_good(
    postfix: Postfix, relay: Relay, terminal: Terminal
) -> None:
    terminal.run(MXTAP, "attach", "--state", str(relay.state))
    send(relay)
    terminal.shows("a@sender.test")
    with Dialogue(relay.port, SENDER) as client:
        client.reply()
        client.say(b"EHLO client.sender.test")

        terminal.keys("b")
        terminal.shows("enter confirms")
        terminal.keys("Enter")
        wait_until(lambda: SENDER in relay.run("lists").stdout, 15)

        assert client.say(b"MAIL FROM:<a@sender.test>")[:1] == b"5"

    relay.kill()
    relay.start()
    assert SENDER in relay.run("lists").stdout


def test_undo(postfix: Postfix, relay: Relay, terminal: Terminal) -> None:
    terminal.run(MXTAP, "attach", "--state", str(relay.state))
    send(relay)
    terminal.shows("a@sender.test")
    terminal.keys("b")
    terminal.shows("enter confirms")
    terminal.keys("Enter")
    wait_until(lambda: SENDER in relay.run("lists").stdout, 15)
    terminal.keys("u")
    wait_until(lambda: SENDER not in relay.run("lists").stdout, 15)
    send(relay)


def test_the_screen_finds_the_relay_again(
    postfix: Postfix, relay: Relay, terminal: Terminal
) -> None:
    terminal.run(MXTAP, "attach", "--state", str(relay.state))
    send(relay)
    terminal.shows("a@sender.test")
    relay.stop()
    relay.start()
    with smtplib.SMTP("127.0.0.1", relay.port) as client:
        client.sendmail("later@sender.test", ["x@sink.test"], b"Subject: s\r\n\r\nhello\r\n")
    terminal.shows("later@sender.test")


def test_hostile_text_reaches_no_terminal(
    postfix: Postfix, relay: Relay, terminal: Terminal
) -> None:
    terminal.run(MXTAP, "attach", "--state", str(relay.state), size=(120, 40))
    with Dialogue(relay.port, SENDER) as client:
        client.reply()
        client.say(b"EHLO [/bold]\x1b]0;owned\x07")
        client.say(b"EHLO client.sender.test")
        client.say(b"MAIL FROM:<[@click=app.exit]@sender.test>")
        client.say(b"MAIL FROM:<a@sender.test>")
        client.say(b"RCPT TO:<x@sink.test>")
        client.say(b"DATA")
        client.send(b"Subject: \x1b[2J[/bold]\x1b]0;owned\x07\r\n\r\nhello\r\n.\r\n")
        client.reply()
    terminal.shows("a@sender.test")
    terminal.keys("Enter")
    assert "owned" not in terminal.tmux("display-message", "-p", "#{pane_title}")
    assert "exit=" not in terminal.text()


@pytest.mark.parametrize("term", ["vt100", "dumb", "linux"])
def test_a_terminal_without_colours(
    postfix: Postfix, relay: Relay, terminal: Terminal, term: str
) -> None:
    """Usable, or refused with a sentence; never a traceback."""
    terminal._term = term
    terminal.run(MXTAP, "attach", "--state", str(relay.state))
    send(relay)
    wait_until(lambda: "a@sender.test" in terminal.text() or "exit=" in terminal.text(), 20)
    assert "Traceback" not in terminal.text()


def test_quitting_leaves_the_terminal_and_the_relay_as_they_were(
    postfix: Postfix, relay: Relay, terminal: Terminal
) -> None:
    terminal.run(MXTAP, "attach", "--state", str(relay.state))
    send(relay)
    terminal.shows("a@sender.test")
    terminal.keys("q")
    terminal.shows("exit=0")
    send(relay)


def test_the_screen_ends_with_its_terminal_though_no_signal_tells_it(
    postfix: Postfix, relay: Relay
) -> None:
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [MXTAP, "attach", "--state", str(relay.state)],
        stdin=its, stdout=its, stderr=its, env=environment() | {"TERM": "xterm-256color"},
        start_new_session=True,  # so that it is not this process's controlling terminal
    )  # fmt: skip
    os.close(its)
    try:
        shown = b""
        while b"Waiting" not in shown:
            shown += os.read(ours, 65536)
        os.close(ours)
        assert process.wait(20) == 129
    finally:
        process.kill()
        process.wait(10)
