"""``mxtap run``: a relay as a process of its own, and the UI attached to it."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from monitor.cli import relay_options
from monitor.commands.config import toml
from monitor.config import Settings
from monitor.control.client import SocketFeed
from monitor.daemon import privileges

LOG = "relay.log"
SETTINGS = "run.toml"


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    relay_options(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Start the relay, show the UI, and end the relay unless it is to run on."""
    from monitor.ui.start import run as show

    started = start(settings)
    if isinstance(started, int):
        return started
    outcome = show(SocketFeed(settings.state), settings, owns_relay=True)
    if not outcome.stop_relay:
        print(f"the relay runs on as process {started.pid}; `mxtap attach` shows it again")
        return outcome.code
    started.send_signal(signal.SIGTERM)
    return started.wait() or outcome.code


def start(settings: Settings) -> subprocess.Popen[bytes] | int:
    """Start ``mxtap serve`` with these settings; the process, or its exit code if it failed.

    It lives in a session of its own: no Ctrl-C and no hang-up of this terminal reaches it.
    """
    state = settings.state
    if to := privileges.serve_as(settings):
        privileges.make_folder(state, to)
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    file, log = state / SETTINGS, state / LOG
    with os.fdopen(_open(file, os.O_TRUNC), "w") as out:
        out.write("\n".join(toml(settings)) + "\n")
    with os.fdopen(_open(log, os.O_APPEND), "ab") as errors:
        before = log.stat().st_size
        process = subprocess.Popen(
            [sys.executable, "-m", "monitor.cli", "serve", "-c", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            # Its password is not in what toml() tells.
            env=os.environ | {"MXTAP_DATABASE": settings.database},
        )
    assert process.stdout is not None
    ready = process.stdout.readline()
    process.stdout.close()
    if ready.startswith(b"READY"):
        return process
    code = process.wait()
    sys.stderr.write(log.read_bytes()[before:].decode("utf-8", "backslashreplace"))
    return code or 1


def _open(file: Path, how: int) -> int:
    # Not through a link: the folder may belong to another user than ours.
    return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | how, 0o600)
