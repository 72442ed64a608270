"""What a client was told, what the relay recorded, and what a real Postfix delivered: the same.

For long, by hand: ``MXTAP_TEST_EXAMPLES=2000``.
"""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter
from collections.abc import Callable

from harness_net import wait_until
from harness_postfix import Postfix, sent
from harness_relay import Relay
from hypothesis import HealthCheck, given, settings
from smtp_sessions import Heard, Session, hold, sessions

EXAMPLES = int(os.environ.get("MXTAP_TEST_EXAMPLES", "15"))
_ids = itertools.count(1).__next__
_TO = re.compile(rb"^X-Original-To: ([^\n]*)$", re.MULTILINE)


def test_postfix_delivers_what_the_client_was_told(
    postfix: Postfix, start_relay: Callable[..., Relay]
) -> None:
    relay = start_relay(postfix.port, "--set", "tls.enabled=false")
    told: list[Heard] = []
    ended = Counter[str]()

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(session=sessions(_ids))
    def example(session: Session) -> None:
        postfix.inbox.clear()
        heard = hold(relay.port, session)
        told.append(heard)
        _delivered(postfix, heard)
        if not session.blast and heard.whole:
            assert not any(content.safe for content in heard.refused)

    example()
    taken = [taken for heard in told for taken in heard.taken]
    assert len(taken) > EXAMPLES / 4, "too little of it was mail"

    def recorded() -> bool:
        ended.clear()
        for record in relay.events():
            if record["verdict"]["by"] == "upstream" and record["verdict"]["phase"] == "eod":
                ended[record["mail_from"]] += record["verdict"]["code"] == 250
        return ended == Counter(t.sender.decode() for t in taken)

    wait_until(recorded, 15)


def _delivered(postfix: Postfix, heard: Heard) -> None:
    """What is in the mailbox is what the client heard 2xx for, and nothing else."""
    expected = Counter(
        (rcpt, taken.content.sent)
        for taken in heard.taken
        for rcpt in set(taken.rcpts)  # Postfix delivers once to each
        if rcpt.endswith(b"@sink.test")
    )
    postfix.settle()
    raws = postfix.inbox.raw()
    arrived = Counter((_TO.search(raw)[1], sent(raw)) for raw in raws)
    assert arrived == expected
