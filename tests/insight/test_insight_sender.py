"""Who counts as the sender: what is proved, never what is claimed."""

from __future__ import annotations

import pytest
from conversation import World
from insight_history import history, letter

from monitor.insight.sender import Sender, Senders, senders


def of(**facts: object) -> Senders:
    world = World()
    codes = facts.pop("codes", ())
    letter(world, *codes, **facts)
    return senders(history(world)[-1])


@pytest.mark.parametrize(
    ("facts", "name", "proof"),
    [
        ({"spf": "bounce.a.example", "dkim": "mail.a.example"}, "a.example", "SPF and DKIM"),
        ({"spf": "esp.example", "dkim": "a.example", "ptr": "x.esp.example"}, "esp.example", "SPF"),
        ({"dkim": "a.example", "ptr": "out7.a.example"}, "a.example", "DKIM"),
        ({"ptr": "out7.host.example"}, "host.example", "PTR"),
        ({"ptr": "out7.a.co.uk"}, "a.co.uk", "PTR"),
        ({"ptr": "OUT7.Host.Example."}, "host.example", "PTR"),
        ({"ptr": None}, "192.0.2.0/24", "network"),
        ({"ptr": None, "ip": "2001:db8::1"}, "2001:db8::/64", "network"),
        ({"ptr": "bank.example", "codes": ("rdns.mismatch",)}, "192.0.2.0/24", "network"),
        ({"ptr": None, "sender": "a@bank.example", "helo": "bank.example"}, "192.0.2.0/24",
         "network"),
    ],
)  # fmt: skip
def test_what_is_proved_names_the_sender(facts: dict[str, object], name: str, proof: str) -> None:
    sender = Sender(name, proof)
    assert of(**facts) == Senders(sender, sender)


def test_who_passes_on_answers_for_the_client_and_not_for_the_message() -> None:
    found = of(dkim="author.example", ptr="out.alumni.example")
    assert found == Senders(Sender("alumni.example", "PTR"), Sender("author.example", "DKIM"))


def test_evidence_of_another_form_proves_nothing() -> None:
    found = of(codes=("dkim.pass", "spf.pass"), domain=["a.example"], d=7, ptr=None)
    assert found.author.proof == "network"
