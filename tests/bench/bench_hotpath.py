"""What one message costs the relay, in figures that other jobs on the machine do not change.

    python tests/bench/bench_hotpath.py [cpu] [calls] [instructions]

The message, generator, sink and resolver of ``tests/bench/run``. ``cpu``: milliseconds of all
threads, in user mode and in the kernel, which only an idle machine tells well. ``calls``: function
calls of the loop's thread, by cProfile, and which there are most of. ``instructions``: of all
threads, in user mode, by valgrind's cachegrind. Each is the difference of a long run and a short
one, so that starting and ending are not in it. Needs root, for the resolver's port.
"""

from __future__ import annotations

import contextlib
import pstats
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import load
from harness_net import free_port, listens, wait_until

TOP = 60  # functions that are listed
PYTHON = (sys.executable,)
VALGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


@contextlib.contextmanager
def around(folder: Path) -> Iterator[tuple[Path, int]]:
    """The message's file and the sink's port."""
    folder.chmod(0o755)
    file = folder / "message"
    file.write_bytes(load.message(4_300).replace(b"\r\n", b"\n"))
    with load.resolver(folder), load.sink(folder) as (sink, _):
        yield file, sink


@contextlib.contextmanager
def relay(folder: Path, sink: int, *python: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A relay run by ``python``, a command, and its port."""
    port = free_port()
    words = [
        "-m", "monitor.cli", "serve", "--state", tempfile.mkdtemp(dir=folder),
        "--listen", f"127.0.0.1:{port}", "--upstream", f"127.0.0.1:{sink}",
        "--dns", f"{load.DNS}:53", "--set=log.level=error",
        "--set=limits.sessions_per_ip=1000", "--set=limits.sessions_per_network=1000",
    ]  # fmt: skip
    with load.running(folder, *python, *words) as process:
        wait_until(lambda: listens(port), 120)
        yield process, port


def cpu(count: int) -> dict[str, float]:
    """Milliseconds a message."""
    with (
        tempfile.TemporaryDirectory() as name,
        around(Path(name)) as (file, sink),
        relay(Path(name), sink, *PYTHON) as (process, port),
    ):
        load.pour(file, port, count // 5)
        time.sleep(1)
        before = _times(process.pid)
        load.pour(file, port, count)
        time.sleep(1)  # what is written behind is part of it
        after = _times(process.pid)
    user, system = (1e3 * (b - a) / count for a, b in zip(before, after, strict=True))
    return {"user": user, "kernel": system, "together": user + system}


def _times(pid: int) -> tuple[float, float]:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(words[11]) / load.TICKS, int(words[12]) / load.TICKS


def calls(count: int) -> Counter[str]:
    """Function calls a message, by function."""

    def run(messages: int, folder: Path, file: Path, sink: int) -> Counter[str]:
        out = folder / f"profile-{messages}"
        with relay(folder, sink, *PYTHON, "-m", "cProfile", "-o", str(out)) as (_, port):
            load.pour(file, port, messages)
            time.sleep(1)
        stats = pstats.Stats(str(out)).stats  # type: ignore[attr-defined]
        return Counter({_named(*key): value[1] for key, value in stats.items()})

    return _difference(run, count)


def instructions(count: int) -> Counter[str]:
    """Instructions a message in user mode."""

    def run(messages: int, folder: Path, file: Path, sink: int) -> Counter[str]:
        with relay(folder, sink, *VALGRIND, *PYTHON) as (_, port):
            load.pour(file, port, messages)
            time.sleep(2)
        said = (folder / "valgrind.log").read_text()
        refs = re.findall(r"I\s+refs:\s+([\d,]+)", said)[-1]
        return Counter({"instructions": int(refs.replace(",", ""))})

    return _difference(run, count)


def _difference(run: Callable[[int, Path, Path, int], Counter[str]], count: int) -> Counter[str]:
    short = count // 5
    with tempfile.TemporaryDirectory() as name, around(Path(name)) as (file, sink):
        less = run(short, Path(name), file, sink)
        more = run(count, Path(name), file, sink)
    more.subtract(less)
    return Counter({what: round(number / (count - short), 2) for what, number in more.items()})


def _named(file: str, line: int, function: str) -> str:
    path = Path(file)
    return f"{path.parent.name}/{path.name}:{line} {function}" if line else function


def main(wanted: list[str]) -> None:
    """Print what was asked for."""
    if "cpu" in wanted or not wanted:
        print("ms a message:", {what: round(ms, 3) for what, ms in cpu(2_000).items()})
    if "calls" in wanted:
        found = calls(1_000)
        print(f"function calls a message: {sum(found.values()):.0f}")
        for what, number in found.most_common(TOP):
            print(f"{number:8.1f}  {what}")
    if "instructions" in wanted:
        print(f"instructions a message: {instructions(500)['instructions'] / 1e6:.3f} million")


if __name__ == "__main__":
    main(sys.argv[1:])
