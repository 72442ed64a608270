"""The parsers' properties, driven by coverage: which octets reach which lines.

    python tests/bench/fuzz.py [SECONDS]
    python tests/bench/fuzz.py TARGET [SECONDS]

The properties are those of the suite, which hypothesis feeds there; here atheris does (which is no
dependency: ``pip install atheris``). Without TARGET each has SECONDS (60), in turn. An octet string
that breaks a property is left as ``crash-…`` in the current folder.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import atheris

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "relay"), str(TESTS / "findings"), str(TESTS)]

with atheris.instrument_imports(include=["monitor", "test_findings_octets", "test_relay_parsers"]):
    import test_findings_octets as findings
    import test_relay_parsers as relay

MAX = 8_192  # octets


class Target(NamedTuple):
    """A property, and octets to begin with."""

    holds: Callable[..., None]
    seeds: tuple[bytes, ...]


TARGETS = {
    "paths": Target(
        relay.test_an_address_has_no_control_and_stands_in_the_line,
        (b'MAIL FROM:<"a b"@x.test> SIZE=1 BODY=8BITMIME', b"RCPT TO:<@r.test:a@[127.0.0.1]>"),
    ),
    "replies": Target(
        relay.test_a_reply_is_the_same_at_every_split,
        (b"\x05250-x.test\r\n250 SIZE 1\r\n", b"\x00354 go on\r\n250 2.0.0 ok\r\n"),
    ),
    "messages": Target(
        findings.test_signatures_and_authors,
        (findings.SEALED + findings.sign(findings.MESSAGE),),
    ),
    "keys": Target(findings.test_keys, (findings.record(findings.rsa_key()).encode(),)),
    "reports": Target(findings.test_reports, (findings.REPORT,)),
    "packing": Target(findings.test_packing, (gzip.compress(findings.XML), b"PK\x03\x04")),
}


def main(name: str, seconds: int) -> None:
    """Fuzz one target; libFuzzer ends the process, with a code other than 0 for a find."""
    holds = TARGETS[name].holds.hypothesis.inner_test  # type: ignore[attr-defined]

    def one(data: bytes) -> None:
        if name == "replies":
            holds(data[1:], data[0] if data else 0)  # where it is split
        else:
            holds(data)

    corpus = Path(tempfile.mkdtemp(prefix="mxtap-fuzz-"))
    for number, seed in enumerate(TARGETS[name].seeds):
        (corpus / str(number)).write_bytes(seed)
    options = [f"-max_total_time={seconds}", f"-max_len={MAX}", "-verbosity=1"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


def every(seconds: str) -> int:
    """Each target in a process of its own; 1 where one was broken."""
    ended = [subprocess.run([sys.executable, __file__, name, seconds]) for name in TARGETS]
    return int(any(process.returncode for process in ended))


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(every(sys.argv[1] if len(sys.argv) > 1 else "60"))
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 60)
