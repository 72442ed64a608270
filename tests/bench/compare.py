"""mxtap beside its peers: the same messages, sink and machine, in turns. See ``--help``.

Rates are of the whole machine, so they need it to be idle; CPU per message hardly does.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import load
from peers import PEERS, Peer, found

MB = 1_000_000
WARM_UP = 100


class Run(NamedTuple):
    """One turn of one peer. ``cpu`` is seconds by process; a message's share is what is told."""

    seconds: float
    cpu: dict[str, float]
    around: dict[str, float]  # generator, sink and resolver

    @property
    def total(self) -> float:
        return sum(self.cpu.values())


def turn(peer: Peer, file: Path, count: int, sessions: int, folder: Path) -> Run:
    """Start a peer, warm it up, send ``count`` messages, and end it."""
    with contextlib.ExitStack() as stack:
        resolver = stack.enter_context(load.resolver(folder))
        port, drain = stack.enter_context(load.sink(folder))
        running = stack.enter_context(peer.start(folder, port))
        load.pour(file, running.port, min(WARM_UP, count), sessions)
        running.settle()
        pids = {**running.pids, "sink": drain, "resolver": resolver}
        before = {name: load.cpu(pid) for name, pid in pids.items()}
        start = time.perf_counter()
        generator = load.pour(file, running.port, count, sessions)
        seconds = time.perf_counter() - start
        running.settle()
        time.sleep(1)  # what is written behind is a cost, too
        spent = {name: load.cpu(pid) - before[name] for name, pid in pids.items()}
        around = {"generator": generator, **{n: spent.pop(n) for n in ("sink", "resolver")}}
        return Run(seconds, spent, around)


def spread(values: list[float], form: str) -> str:
    """The median, and the least and greatest."""
    middle = statistics.median(values)
    return f"{middle:{form}} ({min(values):{form}} to {max(values):{form}})"


def table(runs: dict[str, list[Run]], count: int, each: float, unit: str) -> None:
    """Print a row a peer. ``each`` is what a message counts for, in ``unit``."""
    first = statistics.median(run.total for run in next(iter(runs.values())))
    print(f"\n{'':34}{'messages/s':>26}{f'ms of CPU a {unit}':>28}{'to mxtap':>10}   of which")
    for name, all_of in runs.items():
        rates = spread([count / run.seconds for run in all_of], ".0f")
        cost = spread([run.total / count / each * 1e3 for run in all_of], ".2f")
        ratio = statistics.median(run.total for run in all_of) / first
        parts = {
            key: statistics.median(run.cpu[key] for run in all_of) / count / each * 1e3
            for key in all_of[0].cpu
        }
        parts |= {
            f"[{key}]": statistics.median(run.around[key] for run in all_of) / count / each * 1e3
            for key in all_of[0].around
        }
        listed = ", ".join(f"{key} {value:.2f}" for key, value in parts.items())
        print(f"{name:34}{rates:>26}{cost:>28}{ratio:>9.2f}x   {listed}")


def compare(peers: list[Peer], size: int, count: int, sessions: int, rounds: int) -> None:
    """All of them in turns, ``rounds`` times, with messages of ``size`` octets."""
    runs: dict[str, list[Run]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as place:
        content = load.message(size)
        file = Path(place) / "message"
        file.write_bytes(content.replace(b"\r\n", b"\n"))
        for number in range(rounds):
            for peer in peers if number % 2 == 0 else peers[::-1]:
                folder = Path(tempfile.mkdtemp(dir=place))
                folder.chmod(0o755)
                Path(place).chmod(0o755)
                try:
                    runs[peer.name].append(turn(peer, file, count, sessions, folder))
                except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                    print(f"left out once: {peer.name}: {error}", flush=True)
    print(
        f"\n{count} messages of {len(content):,} octets, DKIM-signed, {sessions} sessions at once,"
        f" one message a session, {rounds} rounds in turns; medians (least to greatest)"
    )
    ordered = {peer.name: runs[peer.name] for peer in peers if runs[peer.name]}
    large = size >= MB
    table(ordered, count, size / MB if large else 1, "MB" if large else "message")


def main() -> None:
    """Find the peers, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", type=int, nargs="*", default=[1, 5, 25], help="sizes in MB")
    parser.add_argument("--only", nargs="*", default=[], help="peers, by a part of their names")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {platform.platform()}, ", end="")
    print(f"Python {platform.python_version()}, load before {os.getloadavg()[0]:.1f}")
    peers = []
    for peer in PEERS:
        missing = [need for need in peer.needs if not found(need)]
        if missing:
            print(f"left out: {peer.name}: no {', '.join(missing)}")
        elif not given.only or any(part in peer.name for part in given.only):
            peers.append(peer)
    if given.messages:
        compare(peers, 4_300, given.messages, load.SESSIONS, given.rounds)
    for megabytes in given.large:
        few = max(4, 60 // megabytes)
        compare(peers, megabytes * MB, few, 4, min(3, given.rounds))
    print("\n[generator], [sink] and [resolver] are not in a peer's sum.")
    print("Not compared: services and appliances, and filters that are not installed here.")


if __name__ == "__main__":
    main()
