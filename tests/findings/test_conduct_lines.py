"""Line ends, line lengths and octets, in commands and in messages."""

from __future__ import annotations

import pytest
from conversation import World


def send(*params: str, **content: object) -> list[str]:
    world = World()
    client = world.connect()
    client.ehlo()
    client.mail("a@sender.example", "250 2.1.0 Ok", *params)
    client.rcpt()
    client.data(**content)
    client.quit()
    return world.codes("conduct")


def test_a_clean_message_has_no_findings():
    assert send(longest_line=998) == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"longest_line": 999}, "conduct.line-too-long"),
        ({"has_null": True}, "conduct.null-byte"),
        ({"has_8bit": True}, "conduct.8bit-unannounced"),
        ({"bare_newlines": 3}, "conduct.bare-newline"),
        ({"lookalike": "\\x0a.\\x0aonly text"}, "conduct.bare-newline"),
        ({"lookalike": "\\x0a.\\x0aMAIL FROM:<x@y>\\x0d\\x0a"}, "conduct.smuggling"),
        ({"lookalike": "\\x0a.\\x0d\\x0aehlo x\\x0d\\x0a"}, "conduct.smuggling"),
    ],
)
def test_faults_of_a_message(content, code):
    assert send(**content) == [code]


@pytest.mark.parametrize("param", ["BODY=8BITMIME", "body=8bitmime", "SMTPUTF8"])
def test_8bit_that_was_announced(param):
    assert send(param, has_8bit=True) == []


def test_a_bare_newline_in_commands_is_told_once():
    world = World()
    client = world.connect()
    client.say("HELO mx.sender.example", "250 hello", bare_newline=True)
    client.say("NOOP", "250 ok", bare_newline=True)
    client.quit()
    assert world.codes("conduct") == ["conduct.bare-newline"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("NOOP " + "x" * 505, []),
        ("NOOP " + "x" * 506, ["conduct.line-too-long"]),
        ("MAIL FROM:<a@b.example> ENVID=" + "x" * 600, []),
        ("MAIL FROM:<a@b.example> ENVID=" + "x" * 2_100, ["conduct.line-too-long"]),
    ],
)
def test_commands_have_a_length(line, expected):
    world = World()
    client = world.connect()
    client.ehlo()
    client.say(line, "250 ok")
    client.quit()
    assert world.codes("conduct") == expected


def test_a_nul_in_a_command():
    world = World()
    client = world.connect()
    client.ehlo()
    client.say("NOOP \\x00", "250 ok")
    client.quit()
    assert world.codes("conduct") == ["conduct.null-byte"]
