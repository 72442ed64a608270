"""The soft limit of open files gives way; a hard one is told before it bites."""

from __future__ import annotations

import resource

import pytest

from monitor.config import load
from monitor.daemon.files import BESIDES, enough_for


@pytest.mark.parametrize(
    ("limit", "sessions", "enough", "after"),
    [
        ((1_024, 20_000), 100, True, (1_024, 20_000)),
        ((1_024, 20_000), 2_000, True, (20_000, 20_000)),
        ((1_024, 2_200), 1_000, True, (2_200, 2_200)),
        ((1_024, 2_199), 1_000, False, (2_199, 2_199)),
        ((1_024, 4_096), 2_000, False, (4_096, 4_096)),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), 2_000, True, None),
    ],
)
def test_open_files(
    limit: tuple[int, int],
    sessions: int,
    enough: bool,
    after: tuple[int, int] | None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    limits = [limit]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, given: limits.append(given))
    settings = load(environ={}, flags={"limits": {"sessions": sessions}})
    assert enough_for(settings) is enough
    assert limits[-1] == (after or limit)
    needed = str(2 * sessions + BESIDES)
    assert (f"needs {needed} open files" in caplog.text) is not enough
