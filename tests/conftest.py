"""What all tests share: the rule for tests that need a program of the machine.

Such a test skips where the program is missing. With ``MXTAP_REQUIRE_REAL=1``, as CI sets
it, it fails: there, nothing may go untested unseen.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest
from hypothesis import settings

# A machine that is busy is no fault of ours; speed belongs in tests/bench.
settings.register_profile("mxtap", deadline=None)
settings.load_profile("mxtap")

Require = Callable[[object, str], None]
Needs = Callable[..., None]


@pytest.fixture(scope="session")
def require() -> Require:
    """``require(condition, reason)``: go on only where ``condition`` is true."""

    def check(condition: object, reason: str) -> None:
        if condition:
            return
        if os.environ.get("MXTAP_REQUIRE_REAL") == "1":
            pytest.fail(f"MXTAP_REQUIRE_REAL=1, but {reason}")
        pytest.skip(reason)

    return check


@pytest.fixture(scope="session")
def needs(require: Require) -> Needs:
    """``needs("nsd", "swaks")``: go on only where these programs are installed."""

    def check(*programs: str) -> None:
        for program in programs:
            require(shutil.which(program), f"{program} is not installed")

    return check
