"""The log: two forms, and nothing that a client says can forge a line of it."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import tempfile
from collections.abc import Iterator

import pytest

from monitor.config import Log
from monitor.daemon import logs

FORGED = "x\r\n2026-01-01T00:00:00.000Z ERROR monitor.service: forged\x1b[2J\u202e\x85y\u2028z"
BEGINS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ ")


@pytest.fixture
def ours() -> Iterator[logging.Logger]:
    root, ours = logging.getLogger(), logging.getLogger("monitor")
    before = root.handlers[:], root.level, ours.level
    yield logging.getLogger("monitor.test")
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


def told(settings: Log, ours: logging.Logger) -> str:
    stream = io.StringIO()
    logs.start(settings, stream)
    ours.info("client %s", FORGED)
    try:
        raise ValueError(FORGED)
    except ValueError:
        ours.exception("failed")
    return stream.getvalue()


def test_a_text_line_cannot_be_forged(ours: logging.Logger) -> None:
    out = told(Log(), ours)
    lines = out.split("\n")[:-1]
    assert lines == out.splitlines(), "no other line break is left"
    records = [line for line in lines if not line.startswith(logs.INDENT)]
    assert [BEGINS.sub("", line).partition(" ")[0] for line in records] == [
        "monitor.test:",
        "monitor.test:",
    ]
    assert all(BEGINS.match(line) for line in records)
    assert all(char.isprintable() for line in lines for char in line)
    assert "ValueError" in out


def test_a_json_line_is_one_record(ours: logging.Logger) -> None:
    first, second = (json.loads(line) for line in told(Log(format="json"), ours).splitlines())
    assert (first["level"], first["logger"]) == ("info", "monitor.test")
    assert first["message"].startswith("client x\\x0d\\x0a2026")
    assert BEGINS.match(first["time"] + " INFO ")
    assert "ValueError" in second["exception"]
    assert "\x1b" not in first["message"] + second["exception"]


def test_lengths_are_bounded(ours: logging.Logger) -> None:
    stream = io.StringIO()
    logs.start(Log(), stream)
    ours.warning("%s", "x" * 1_000_000)
    try:
        raise ValueError("y\n" * 100_000 + "z" * 1_000_000)
    except ValueError:
        ours.exception("failed")
    assert len(stream.getvalue()) < logs.MAX_MESSAGE * 10


def test_the_level_is_ours_and_libraries_only_warn(ours: logging.Logger) -> None:
    stream = io.StringIO()
    logs.start(Log(level="debug"), stream)
    ours.debug("fine detail")
    library = logging.getLogger("mail.log")
    library.info("b'DATA with a secret'")
    library.warning("trouble")
    assert "fine detail" in stream.getvalue()
    assert "secret" not in stream.getvalue()
    assert "trouble" in stream.getvalue()
    logs.start(Log(level="error"), stream)
    ours.warning("too quiet")
    assert "too quiet" not in stream.getvalue()


def test_the_journal_is_told_priorities_and_no_time(
    ours: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryFile("w+") as stream:
        found = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        logs.start(Log(), stream)
        ours.error("first")
        monkeypatch.setenv("JOURNAL_STREAM", "1:1")
        logs.start(Log(), stream)
        ours.error("second")
        stream.seek(0)
        first, second = stream.read().splitlines()
    assert first == "<3>ERROR monitor.test: first"
    assert BEGINS.match(second)
