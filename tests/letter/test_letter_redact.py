"""Nobody of ours is named in a letter, in whatever way a sender has written it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.letter.redact import GONE, Redactor

OURS = ["here.example", "here.test"]


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(OURS, ["ann@here.example", "bob.b@here.example", "x@there.example"])


@pytest.mark.parametrize(
    "text",
    [
        "RCPT TO:<ann@here.example>",
        "RCPT TO:<ANN@HERE.EXAMPLE> NOTIFY=NEVER",
        "RCPT TO:<ann+news@here.example>",
        'RCPT TO:<"ann smith"@here.example>',
        "<ann@mail.here.example>: Recipient address rejected",
        "ann@here.example.",
        "ann%here.example@relay.test",
        "bounce+ann=here.example@sender.example",
        "bounce-ann=here.example-x@sender.example",
        "prvs=abc=ann@here.example",
        "SRS0=hash=tt=here.example=ann@sender.example",
        "SRS1=hash=sender.example==hash=tt=here.example=ann@sender.example",
        "mailto:ann%40here.example?subject=x",
        "rfc822;ann+40here.example",
        "ann=40here.example",
        "é-ann@here.example",
        "ann@here.test, ann@here.example",
    ],
)
def test_no_form_of_an_address_of_ours_stays(redactor: Redactor, text: str) -> None:
    told = redactor.text(text)
    assert "ann" not in told.lower()
    assert told != text


@pytest.mark.parametrize(
    "text",
    [
        "MAIL FROM:<ann@sender.example>",
        "here.example",
        "250-mx.here.example",
        "ann@nothere.example",
        "ann@here.example.com",
        "ann@here.example-shop.test",
        "SIZE=100 BODY=8BITMIME",
    ],
)
def test_what_is_not_of_ours_stays_as_it_is(redactor: Redactor, text: str) -> None:
    assert redactor.text(text) == text


def test_a_person_keeps_one_number_through_the_letter(redactor: Redactor) -> None:
    assert redactor.text("<ann@here.example>") == "<recipient-1@here.example>"
    assert redactor.text("<bob@here.example>") == "<recipient-2@here.example>"
    assert redactor.text("<Ann@Here.Example>") == "<recipient-1@Here.Example>"
    assert redactor.reply("550 5.1.1 ann: unknown") == "550 5.1.1 recipient-1: unknown"


def test_a_reply_may_name_a_mailbox_bare(redactor: Redactor) -> None:
    assert redactor.reply("550 5.1.1 Mailbox 'x' or bob.b. unknown").endswith(
        "recipient-1. unknown"
    )
    assert redactor.reply("550 annex full") == "550 annex full"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("VRFY ann", f"VRFY {GONE}"),
        ("expn staff", f"expn {GONE}"),
        ("Dear Ann, the results are in", f"Dear {GONE}"),
        ("QUIT", "QUIT"),
        ("EHLO mx.sender.example", "EHLO mx.sender.example"),
        (
            "RCPT TO:<ann@here.example> ORCPT=rfc822;a",
            f"RCPT TO:<recipient-1@here.example> ORCPT={GONE}",
        ),
        ("X" * 99, "X" * 11 + "…"),
    ],
)
def test_commands_lose_what_may_be_about_people(
    redactor: Redactor, command: str, told: str
) -> None:
    assert redactor.command(command) == told


def test_evidence_loses_what_somebody_wrote(redactor: Redactor) -> None:
    told = redactor.evidence(
        {
            "subject": "your results",
            "reply": "550 5.1.1 ann unknown",
            "key": ["192.0.2.0/24", "a@sender.example", "ann@here.example"],
            "commands": ["VRFY ann", "Dear Ann"],
            "lookalike": "\\x0a.\\x0aMAIL FROM:<ann@here.example>",
            "attempts": [{"reply": "450 4.2.0 <ann@here.example>: later"}],
            "bits": 1024,
        }
    )
    assert told["subject"] == GONE
    assert "ann" not in str(told).lower()
    assert told["key"][:2] == ["192.0.2.0/24", "a@sender.example"]
    assert told["bits"] == 1024


def test_without_redaction_everything_is_as_it_was() -> None:
    plain = Redactor(OURS, ["ann@here.example"], enabled=False)
    assert plain.text("<ann@here.example>") == "<ann@here.example>"
    assert plain.command("VRFY ann") == "VRFY ann"
    assert plain.evidence({"subject": "x"}) == {"subject": "x"}


@pytest.mark.parametrize(
    "hostile",
    ["@here.example" * 5_000, "a" * 60_000 + "@here.example", "=here.example" * 5_000 + "@x",
     '"' * 60_000 + "@here.example", "a." * 30_000 + "here.example", "%" * 60_000],
)  # fmt: skip
def test_hostile_text_takes_linear_time(redactor: Redactor, hostile: str) -> None:
    before = time.process_time()
    redactor.text(hostile)
    assert time.process_time() - before < 1


FORMS = (
    "RCPT TO:<{}@here.example>",
    "<x+{}=here.example@sender.example>",
    "SRS0=abcd=tt=here.example={}@sender.example",
    "550 5.1.1 <{}@mail.here.example>: unknown, see https://sender.example/?q={}%40here.example",
    "{}@here.test,{}%here.example@relay.example;{}=40here.example",
    "x<{}@here.example>y <a@sender.example> {}+40here.example",
)
LOCAL = st.from_regex(r"[a-z0-9!#$&'*?^_`{|}~/.+-]{1,40}zq", fullmatch=True)


@settings(max_examples=300, deadline=None)
@given(local=LOCAL, form=st.sampled_from(FORMS), padding=st.text('<>"=+ @.x-', max_size=20))
def test_no_local_part_of_ours_stays_in_any_form(local: str, form: str, padding: str) -> None:
    text = padding + " " + form.format(*[local] * 3)
    told = Redactor(OURS).text(text)
    assert local not in told
