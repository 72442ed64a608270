"""Real programs around a real relay: one Postfix for all tests, a relay for each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import harness_postfix
import pytest
from harness_postfix import Postfix
from harness_relay import Relay, StartRelay, relaying

ZONE = """
sender.test.         300 IN MX 10 mail.sender.test.
sender.test.         300 IN TXT "v=spf1 ip4:127.0.0.0/8 -all"
_dmarc.sender.test.  300 IN TXT "v=DMARC1; p=reject"
mail.sender.test.    300 IN A 127.0.0.1
sink.test.           300 IN MX 10 mx.sink.test.
mx.sink.test.        300 IN A 127.0.0.1
1.0.0.127.in-addr.arpa. 300 IN PTR mail.sender.test.
"""


@pytest.fixture(scope="session")
def the_postfix(
    needs: Callable[..., None], require: Callable[[object, str], None]
) -> Iterator[Postfix]:
    """The Postfix of this run."""
    needs("postfix", "smtp-source")
    require(os.geteuid() == 0, "Postfix's master needs root")
    with harness_postfix.running() as running:
        yield running


@pytest.fixture
def postfix(the_postfix: Postfix) -> Postfix:
    """The Postfix of this run, its queue and mailbox empty."""
    the_postfix.settle()
    the_postfix.inbox.clear()
    return the_postfix


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    """A zone file; a test may write more lines to it before the relay starts."""
    path = tmp_path / "zone"
    path.write_text(ZONE)
    return path


@pytest.fixture
def start_relay(tmp_path: Path, zone: Path) -> Iterator[StartRelay]:
    """``start_relay(port, *options)``: a relay in front of that port, ended with the test."""
    with ExitStack() as stack:

        def start(upstream: int, *options: str, state: Path | None = None) -> Relay:
            folder = state or tmp_path / "state"
            return stack.enter_context(
                relaying(folder, upstream, "--dns-zone", str(zone), *options)
            )

        yield start


@pytest.fixture
def relay(postfix: Postfix, start_relay: StartRelay) -> Relay:
    """A relay in front of Postfix, set up by the README's recipe."""
    return start_relay(postfix.port)
