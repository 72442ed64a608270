"""What is shipped for operators is valid and as safe as it says."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from monitor.cli import COMMANDS
from monitor.config import Settings, load, split_address
from monitor.daemon.files import BESIDES
from monitor.daemon.notify import EVERY
from monitor.relay.listener import COMMIT_GRACE

ROOT = Path(__file__).parent.parent
UNIT = ROOT / "packaging" / "systemd" / "mxtap.service"
SOCKET = UNIT.with_suffix(".socket")


def test_the_example_configuration_is_valid() -> None:
    settings = load(ROOT / "packaging" / "mxtap.toml", environ={})
    assert settings.identity == "xclient"


def test_the_unit_starts_a_command_that_exists() -> None:
    [command] = re.findall(r"^ExecStart=\S*/mxtap (\w+)", UNIT.read_text(), re.MULTILINE)
    assert command in COMMANDS


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_the_units_exposure_is_low() -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(UNIT)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= 2.5


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    for unit in (UNIT, SOCKET):
        (tmp_path / unit.name).write_text(unit.read_text().replace("/usr/bin/mxtap", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / UNIT.name, tmp_path / SOCKET.name],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert [line for line in done.stderr.splitlines() if "mxtap" in line] == []


def values(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)", unit.read_text(), re.MULTILINE)


def test_the_units_fit_the_program() -> None:
    limits = Settings().limits
    assert values(UNIT, "Type") == ["notify"]
    assert values(UNIT, "ExecReload") == ["/bin/kill -HUP $MAINPID"]
    assert float(values(UNIT, "WatchdogSec")[0]) > 2 * EVERY
    assert float(values(UNIT, "TimeoutStopSec")[0]) > limits.drain + COMMIT_GRACE
    assert int(values(UNIT, "LimitNOFILE")[0]) >= 2 * limits.sessions + BESIDES
    assert values(UNIT, "Requires") == [SOCKET.name]


def test_the_socket_needs_no_right_of_the_service() -> None:
    assert values(UNIT, "CapabilityBoundingSet") == [""]
    assert values(UNIT, "AmbientCapabilities") == []
    ports = [split_address(address)[1] for address in values(SOCKET, "ListenStream")]
    assert ports == [25, 25]
    assert values(SOCKET, "Accept") in ([], ["no"])


@pytest.mark.parametrize("file", ["README.md", "ARCHITECTURE.md"])
def test_what_a_document_links_to_exists(file: str) -> None:
    text = (ROOT / file).read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).exists(), target
