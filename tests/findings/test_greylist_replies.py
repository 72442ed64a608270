"""Whose greylisting a reply is, and how long it asks to wait."""

from __future__ import annotations

import pytest

from monitor.config import ConfigError, load
from monitor.findings.greylist.replies import left, recognise


@pytest.mark.parametrize(
    ("code", "text", "by"),
    [
        (450, "4.2.0 <b@x>: Recipient address rejected: Greylisted, see http://x/", "postgrey"),
        (451, "4.7.1 Greylisting in action, please come back in 00:05:00", "milter-greylist"),
        (451, "4.7.1 Try again later", "rspamd"),
        (450, "4.3.2 Service currently unavailable", "postscreen"),
        (450, "4.7.1 <b@x>: Recipient address rejected: Service is unavailable", "postfix-policy"),
        (451, "4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77)", "exchange"),
        (451, "Temporary failure, please try again later.", "spamd"),
        (451, "Deferred: greylisted", "exim"),
        (451, "You have been graylisted", "greylist"),
    ],
)
def test_it_is_recognised(code, text, by):
    assert recognise(code, text).by == by


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (550, "5.7.1 Greylisted"),
        (250, "2.0.0 Greylisted"),
        (452, "4.2.2 Mailbox full, try again later"),
        (451, "4.3.0 Local error in processing"),
        (421, "4.3.2 This relay is shutting down"),
    ],
)
def test_other_replies_are_not(code, text):
    assert recognise(code, text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("come back in 00:05:00", 300),
        ("try again in 300 seconds", 300),
        ("Greylisted for 5 minutes", 300),
        ("wait 1 hour", 3600),
        ("Greylisted, see http://x/", None),
    ],
)
def test_time_left(text, seconds):
    assert left(text) == seconds


def test_a_bad_pattern_names_its_key():
    with pytest.raises(ConfigError, match=r"greylist\.patterns.*no regular expression"):
        load(environ={}, flags={"greylist": {"patterns": ["ok", "(("]}})
