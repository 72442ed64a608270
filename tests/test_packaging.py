"""What is shipped for operators is valid and as safe as it says."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from monitor.cli import COMMANDS
from monitor.config import load

ROOT = Path(__file__).parent.parent
UNIT = ROOT / "packaging" / "systemd" / "mxtap.service"


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


@pytest.mark.parametrize("file", ["README.md", "ARCHITECTURE.md"])
def test_what_a_document_links_to_exists(file: str) -> None:
    text = (ROOT / file).read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).exists(), target
