"""A pytest plugin that puts a relay in front of each server of aiosmtpd's own test-suite.

``pytest -p harness_aiosmtpd --pyargs aiosmtpd.tests.test_smtp``: the suite's controllers
start as ever, on another port; their clients connect to a relay with that upstream. Tests
without a controller never speak over a wire, and are left out. A reply that says it is
mxtap's own is held to its code only. What each test came to is written to the file of
``--outcomes`` as JSON: a reason by test, "" where it passed.
"""

from __future__ import annotations

import asyncio
import importlib.resources
import json
import sys
import tempfile
import threading
from collections.abc import Coroutine, Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.testing import helpers
from aiosmtpd.testing.statuscodes import StatusCode
from fakes import Relay
from harness_net import free_port

OUTCOMES: dict[str, str] = {}


class Front:
    """The relays, on an event loop of their own: the tests' clients block."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._relays: dict[Controller, Relay] = {}
        self._state = tempfile.TemporaryDirectory()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def open(self, controller: Controller, upstream: int) -> int:
        """Put a relay in front of ``controller``; the port that it listens on."""
        tls = {"enabled": "tls_context" in controller.SMTP_kwargs}
        state = tempfile.mkdtemp(dir=self._state.name)
        relay = Relay(Path(state), upstream=f"127.0.0.1:{upstream}", tls=tls)
        self._relays[controller] = relay
        self._run(relay.start())
        return relay.listener.addresses[0][1]

    def close(self, controller: Controller) -> None:
        """Take the relay in front of ``controller`` away, if there is one."""
        if relay := self._relays.pop(controller, None):
            self._run(relay.stop())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


FRONT = Front()
START, STOP = Controller.start, Controller.stop


def _start(controller: Controller) -> None:
    controller.hostname, controller.port = "127.0.0.1", free_port()
    START(controller)
    controller.port = FRONT.open(controller, controller.port)


def _stop(controller: Controller, no_assert: bool = False) -> None:
    FRONT.close(controller)
    STOP(controller, no_assert)


def _same(expected: StatusCode, reply: object) -> bool:
    if isinstance(reply, tuple) and len(reply) == 2 and b"mxtap: " in reply[1]:
        return bool(expected.code == reply[0])
    return tuple.__eq__(expected, reply)


def _file(package: str, name: str) -> str:
    return str(importlib.resources.files(package) / name)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--outcomes", type=Path, required=True)


def pytest_configure() -> None:
    Controller.start, Controller.stop = _start, _stop
    StatusCode.__eq__ = _same
    # Its patience is for one server, not for two in a row on a busy machine.
    helpers.send_recv.__defaults__ = (b"\r\n", 0.3)
    helpers.catchup_delay.__defaults__ = (0.2,)
    # All that the suite takes of setuptools, which need not be there.
    sys.modules["pkg_resources"] = SimpleNamespace(resource_filename=_file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [
        item
        for item in items
        if any(name.endswith("_controller") for name in getattr(item, "fixturenames", ()))
    ]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, pytest.TestReport]:
    report: pytest.TestReport = yield
    name = f"{item.path.name}::{item.nodeid.partition('::')[2]}"
    OUTCOMES.setdefault(name, "")
    if report.outcome == "failed":
        OUTCOMES[name] += report.longreprtext
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    session.config.getoption("outcomes").write_text(json.dumps(OUTCOMES))
