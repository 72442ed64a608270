"""Whatever fails around mxtap, or in it: no message is lost, altered, doubled or refused for it.

Many more messages through the same faults: ``python tests/bench/faults.py``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from scenarios import ANYWHERE, MOUNTED, OF_ITS_OWN, Scenario, Stage, mounted

pytestmark = pytest.mark.asyncio(loop_scope="module")
COUNT = 16


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def one(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """One relay that goes through it all."""
    async with Stage(tmp_path_factory.mktemp("faults")).up() as stage:
        yield stage


async def bears(stage: Stage, scenario: Scenario) -> None:
    """Play it: nothing happens to any message, and the relay lives on."""
    await scenario.play(stage, COUNT)
    assert stage.faults() == {}
    assert stage.alive


@pytest.mark.parametrize("scenario", ANYWHERE, ids=str)
async def test_a_fault_around_it(one: Stage, scenario: Scenario) -> None:
    await bears(one, scenario)


@pytest.mark.parametrize("scenario", OF_ITS_OWN, ids=str)
async def test_a_fault_in_it(tmp_path: Path, scenario: Scenario) -> None:
    async with Stage(tmp_path).up(scenario.sick, workers=scenario.workers) as stage:
        await bears(stage, scenario)


@pytest.mark.parametrize("scenario", MOUNTED, ids=str)
async def test_a_file_system_of_its_own(tmp_path: Path, scenario: Scenario) -> None:
    with mounted(tmp_path / "state" / scenario.mount) as done:
        if not done:
            pytest.skip("file systems cannot be mounted here")
        async with Stage(tmp_path).up() as stage:
            await bears(stage, scenario)
