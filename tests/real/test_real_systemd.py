"""The units that are shipped, under a systemd of their own: what they promise holds."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness_net import wait_until
from harness_systemd import SOCKET, UNIT, Machine, booted, forbidden, sockets, status

Needs = Callable[..., None]
Require = Callable[[object, str], None]
SOON = 30.0  # seconds; a loaded machine is slow


@pytest.fixture(scope="module")
def machine(
    needs: Needs, require: Require, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """One for all these tests, the service and its upstream started."""
    needs("unshare", "nsenter", "setpriv", "pivot_root", "systemctl", "smtp-sink")
    require(Path("/lib/systemd/systemd").exists(), "systemd is not installed")
    require(os.geteuid() == 0, "a systemd of its own needs root")
    if reason := forbidden(tmp_path_factory.mktemp("trial")):
        pytest.skip(f"no systemd of its own can be booted here: {reason}")
    with booted(tmp_path_factory.mktemp("machine")) as machine:
        machine.run("systemctl", "start", "upstream.service", UNIT)
        yield machine


def main_process(machine: Machine) -> Path:
    [process] = machine.processes()
    return process


def deliver(machine: Machine, subject: str) -> None:
    with machine.client() as client:
        client.envelope(b"x@sink.test")
        client.send(f"Subject: {subject}\r\n\r\nhello\r\n.\r\n".encode())
        assert client.reply().startswith(b"250 ")


def arrived(machine: Machine, subject: str) -> int:
    return sum(f"Subject: {subject}\n".encode() in message for message in machine.mail())


def restarts(machine: Machine) -> int:
    """How often systemd started it anew of its own accord, not for a client."""
    return int(machine.show()["NRestarts"])


def test_port_25_is_systemds_and_the_service_has_it_from_there(machine: Machine) -> None:
    listening = machine.listening(25)
    assert len(listening) == 2
    assert listening <= sockets(machine.first)
    assert listening <= sockets(main_process(machine))
    assert machine.show(SOCKET)["ActiveState"] == "active"


def confined(process: Path) -> None:
    """Nobody in particular, without any right, who can get none."""
    facts = status(process)
    assert "0" not in facts["Uid"].split() + facts["Gid"].split()
    assert {int(facts[key], 16) for key in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert facts["NoNewPrivs"] == "1"
    assert facts["Seccomp"] == "2"


def test_the_service_has_no_rights_and_a_state_folder_of_its_own(machine: Machine) -> None:
    process = main_process(machine)
    confined(process)
    state = machine.root / "var" / "lib" / "private" / "mxtap"
    assert state.stat().st_mode & 0o777 == 0o700
    assert state.stat().st_uid == int(status(process)["Uid"].split()[0])
    assert (state / "mxtap.db").exists()


def test_mail_goes_through_and_arrives_once(machine: Machine) -> None:
    deliver(machine, "through")
    assert arrived(machine, "through") == 1


def test_a_reload_leaves_it_active_and_tells_its_status(machine: Machine) -> None:
    process = main_process(machine)
    deliver(machine, "status")
    machine.run("systemctl", "reload", UNIT)
    wait_until(lambda: "the certificate was read anew" in machine.said(), SOON)
    wait_until(lambda: machine.show()["ActiveState"] == "active", SOON)
    assert main_process(machine) == process
    assert " 0 accepted" not in machine.show()["StatusText"]


def test_nobody_is_refused_while_a_killed_one_is_replaced(machine: Machine) -> None:
    before = restarts(machine)
    os.kill(int(main_process(machine).name), signal.SIGKILL)
    deliver(machine, "killed")
    assert arrived(machine, "killed") == 1
    assert restarts(machine) > before


def test_the_watchdog_replaces_one_that_hangs(machine: Machine) -> None:
    before, process = restarts(machine), main_process(machine)
    os.kill(int(process.name), signal.SIGSTOP)
    wait_until(lambda: not process.exists(), SOON)
    deliver(machine, "hung")
    assert arrived(machine, "hung") == 1
    assert restarts(machine) > before
    assert "Watchdog timeout" in machine.said()


def test_it_stops_well_and_the_next_client_starts_it(machine: Machine) -> None:
    machine.run("systemctl", "stop", UNIT)
    stopped = machine.show()
    assert (stopped["ActiveState"], stopped["Result"]) == ("inactive", "success")
    assert stopped["ExecMainStatus"] == "0"
    assert machine.processes() == []
    deliver(machine, "stopped")
    assert arrived(machine, "stopped") == 1


def test_workers_are_confined_as_well(machine: Machine) -> None:
    config = machine.root / "etc" / "mxtap" / "mxtap.toml"
    config.write_text(config.read_text() + "workers = 2\n")
    machine.run("systemctl", "restart", UNIT)
    processes = machine.processes()
    assert len(processes) == 3
    for process in processes:
        confined(process)
    deliver(machine, "workers")
    assert arrived(machine, "workers") == 1
