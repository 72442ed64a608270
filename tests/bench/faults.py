"""Every fault of ``tests/faults`` with many messages: which were lost, altered, doubled, refused?

    python tests/bench/faults.py [MESSAGES] [WORD...]

MESSAGES (10,000) is the total over all faults; with WORDs, only of those whose name holds one.
A relay of its own for each, of ``MXTAP_TEST_WORKERS`` processes (1). Some need root, to mount a
file system.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "faults"), str(TESTS / "real")]

from scenarios import ANYWHERE, LONG, MOUNTED, OF_ITS_OWN, Scenario, Stage, mounted  # noqa: E402

MESSAGES = 10_000
WORKERS = int(os.environ.get("MXTAP_TEST_WORKERS", "1"))


async def play(scenario: Scenario, count: int, folder: Path) -> tuple[Stage, dict[str, list[str]]]:
    """One fault, and then as many messages again as it takes to see that all is well."""
    async with Stage(folder, seed=count).up(
        scenario.sick, workers=max(scenario.workers, WORKERS)
    ) as stage:
        await scenario.play(stage, count)
        found = stage.ledger.faults()
        if not stage.alive:
            found["died"] = [stage.relay.errors()[-2_000:]]
        return stage, found


def tried(scenario: Scenario, count: int) -> bool:
    """Play it and say how that was; False where something happened that must not."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        if scenario.mount:
            state = Path(folder) / "state" / scenario.mount
            if not stack.enter_context(mounted(state)):
                print(f"{scenario.name:24} not tried: file systems cannot be mounted here")
                return True
        began = time.monotonic()
        try:
            stage, found = asyncio.run(play(scenario, count, Path(folder)))
        except TimeoutError:
            print(f"{scenario.name:24} mail stood still", flush=True)
            return False
        ledger = stage.ledger
        attempts = sum(len(told) for told in ledger.told.values())
        arrivals = sum(len(came) for came in ledger.came.values())
        print(
            f"{scenario.name:24}{len(ledger.sent):9,}{attempts:9,}{arrivals:9,}"
            f"{time.monotonic() - began:8.1f} s  {found or ''}",
            flush=True,
        )
        return not found


def main() -> int:
    """Play all, or those that are asked for; 1 where any was not as it must be."""
    words = [word for word in sys.argv[1:] if not word.isdigit()]
    total = next((int(word) for word in sys.argv[1:] if word.isdigit()), MESSAGES)
    chosen = [
        scenario
        for scenario in (*ANYWHERE, *OF_ITS_OWN, *MOUNTED, *LONG)
        if not words or any(word in scenario.name for word in words)
    ]
    print(f"{'':24}{'messages':>9}{'attempts':>9}{'arrivals':>9}")
    good = [tried(scenario, -(-total // len(chosen))) for scenario in chosen]
    print(f"{good.count(False)} of {len(good)} faults cost mail, or stopped it")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
