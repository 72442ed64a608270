"""No test here sees the user's own themes, keys or terminal."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual's pilot waits for an idle CPU; tests settle by messages instead."""

    async def at_once(*_: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr("textual.pilot.wait_for_idle", at_once)
    monkeypatch.setattr("textual._wait.wait_for_idle", at_once)
    monkeypatch.setattr("textual.app.wait_for_idle", at_once)
