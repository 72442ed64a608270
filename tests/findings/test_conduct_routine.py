"""Judges that are not asked about routine steps miss nothing."""

from __future__ import annotations

from conversation import World
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.findings.conduct import JUDGES, Conduct, Made
from monitor.findings.conduct.dialogue import Dialogue

LINES = (
    "EHLO mx.sender.example",
    "EHLO mx.here.example",
    "EHLO bad_name",
    "HELO here.example",
    "MAIL FROM:<a@sender.example>",
    "RCPT TO:<b@here.example>",
    "DATA",
    "BDAT 7 LAST",
    "RSET",
    "STARTTLS",
    "AUTH PLAIN",
    "QUIT",
    "Subject: hello",
    "GET / HTTP/1.1",
    "NOOP \\x00",
    "NOOP " + "x" * 600,
)
REPLIES = ("250 Ok", "250 Ok", "250 Ok", "354 Go ahead", "450 4.2.0 Later", "503 No", "500 No", "")
OFFERS = ((), ("PIPELINING", "8BITMIME"), ("SIZE",))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(LINES), st.sampled_from(REPLIES), st.booleans(), st.booleans()),
        st.tuples(st.sampled_from(("mail", "rcpt", "data", "421", "tls", "fail")), st.booleans()),
        st.tuples(
            st.just("content"),
            st.sampled_from(
                ({}, {"pipelined": True}, {"has_8bit": True}, {"bare_newlines": 1}, {"size": 0})
            ),
        ),
    ),
    max_size=12,
)


def conduct(*, always: bool, begin: str, offers: tuple[str, ...], steps: list, end: str) -> list:
    world = World()
    judge = next(each for each in world.disciplines if isinstance(each, Conduct))
    if always:
        begin_with = judge._begin
        judge._begin = lambda view: suspected(begin_with(view))
    client = world.connect(banner=begin)
    if offers:
        client.ehlo("mx.sender.example", *offers)
    for step in steps:
        match step:
            case (str(line), str(reply), bool(pipelined), bool(bare)):
                replies = (reply,) if reply else ()
                client.say(line, *replies, pipelined=pipelined, bare_newline=bare)
            case ("mail", bool(pipelined)):
                client.mail(pipelined=pipelined)
            case ("rcpt", bool(taken)):
                client.rcpt(reply="250 Ok" if taken else "450 No")
            case ("data", bool(pipelined)):
                client.say("DATA", "354 Go ahead", pipelined=pipelined)
            case ("421", _):
                client.reply("421 4.3.2 Closing")
            case ("tls", _):
                client.secure()
            case ("fail", _):
                client.fail_tls()
            case ("content", dict(facts)):
                client.content(**facts)
    client.close(end)
    return world.found()


def suspected(known: tuple[Dialogue, Made]) -> tuple[Dialogue, Made]:
    known[0].suspect = True
    return known


def one(line: str, reply: str = "250 Ok", *, taken: bool = True) -> dict[str, object]:
    steps = [("mail", False), ("rcpt", taken), (line, reply, False, False)]
    steps += [(line, reply, True, False), (LINES[4], "250 Ok", False, False)]
    return {"begin": "220 here", "offers": OFFERS[1], "steps": steps, "end": "client"}


@example(**one(LINES[1]))
@example(**one(LINES[-1]))
@example(**one(LINES[6], "450 4.2.0 Later", taken=False))
@example(**one(LINES[9]))
@settings(max_examples=100, deadline=None)
@given(
    begin=st.sampled_from(("220 here ESMTP", "220 here ESMTP", "554 No")),
    offers=st.sampled_from(OFFERS),
    steps=STEPS,
    end=st.sampled_from(("quit", "client")),
)
def test_what_is_found_is_what_asking_all_of_them_finds(
    begin: str, offers: tuple[str, ...], steps: list, end: str
) -> None:
    spoken = {"begin": begin, "offers": offers, "steps": steps, "end": end}
    assert conduct(always=False, **spoken) == conduct(always=True, **spoken)


def test_most_of_them_are_not_asked_about_a_client_without_a_fault() -> None:
    world = World()
    judge = next(each for each in world.disciplines if isinstance(each, Conduct))
    client = world.connect()
    client.ehlo()
    talk, judges = judge._sessions["s1"]
    asked: list[str] = []
    for kind in JUDGES:
        judges[kind] = lambda talk, event, name=kind.__name__: asked.append(name) or ()
    client.mail()
    client.rcpt(pipelined=True)
    client.data(pipelined=True)
    client.quit()
    assert not talk.suspect
    assert asked == ["Greeting", "Lines", "NoQuit"]
