"""Captures of past versions, brought forward line by line.

``STEPS[n]`` makes a line of version ``n`` into one of version ``n + 1``; lines are plain
JSON objects there. Version 1 is the first, and fixtures of every version stay in
``tests/fixtures/captures``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from monitor.capture.format import VERSION
from monitor.events import AnyEvent, decode

Line = dict[str, Any]

STEPS: dict[int, Callable[[Line], Line]] = {}


def decoder(version: int) -> Callable[[bytes], AnyEvent]:
    """What makes an event of a line of ``version``. Raises msgspec.DecodeError when called."""
    if version == VERSION:
        return decode
    steps = [STEPS[past] for past in range(version, VERSION)]

    def forward(line: bytes) -> AnyEvent:
        value: Line = msgspec.json.decode(line, type=Line)
        for step in steps:
            value = step(value)
        return msgspec.convert(value, AnyEvent)  # type: ignore[no-any-return]

    return forward
