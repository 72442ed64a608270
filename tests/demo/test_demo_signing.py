"""The cast's signatures, judged by dkimpy over the demo's own zone."""

from __future__ import annotations

import dkim
import dns.zone
import pytest

from monitor.demo.cast import CAST
from monitor.demo.cast.arc import BrokenSeal, SealingList
from monitor.demo.cast.dkim import (
    Anonymous,
    Customer,
    Expired,
    Footer,
    Garbled,
    Lengthy,
    Licensed,
    Looping,
    Miscopied,
    OldKey,
    Rehearsal,
    Revoked,
    Sha1,
    ShortKey,
    Tagger,
    Unplanted,
)
from monitor.demo.cast.dmarc import Forwarder, MailingList
from monitor.demo.cast.good import Bulk, Citizen, Patient
from monitor.demo.keys import Keys
from monitor.demo.sender import Sender, World
from monitor.demo.zone import zone

VALID = (
    Bulk, Citizen, Customer, Forwarder, Lengthy, Licensed, MailingList, OldKey, Patient,
    Rehearsal, SealingList, Sha1,
)  # fmt: skip
INVALID = (
    Expired, Footer, Garbled, Looping, Miscopied, Revoked, ShortKey, Tagger, Unplanted,
)  # fmt: skip


@pytest.fixture(scope="module")
def lookup(keys: Keys):
    parsed = dns.zone.from_text(zone(CAST, keys), origin=".", relativize=False, check_origin=False)

    def txt(name: bytes, timeout: int = 5) -> bytes | None:
        rdataset = parsed.get_rdataset(name.decode(), "TXT")
        return b"".join(rdataset[0].strings) if rdataset else None

    return txt


@pytest.mark.parametrize("sender", VALID, ids=lambda sender: sender.__name__)
def test_the_signature_on_top_is_valid(sender: type[Sender], world: World, lookup) -> None:
    assert dkim.DKIM(sender(world).mail().content).verify(dnsfunc=lookup)


@pytest.mark.parametrize("sender", INVALID, ids=lambda sender: sender.__name__)
def test_the_signature_on_top_is_not_valid(sender: type[Sender], world: World, lookup) -> None:
    # dkim.verify says False where DKIM.verify raises.
    assert not dkim.verify(sender(world).mail().content, dnsfunc=lookup)


def test_from_is_not_among_the_signed_fields(world: World) -> None:
    signature = Anonymous(world).mail().content.partition(b"\r\nFrom:")[0]
    assert b"h=to:subject:date:message-id;" in signature


def test_a_citizen_signs_twice(world: World, lookup) -> None:
    message = dkim.DKIM(Citizen(world).mail().content)
    assert [message.verify(idx=n, dnsfunc=lookup) for n in (0, 1)] == [True, True]


def test_a_list_breaks_the_authors_signature(world: World, lookup) -> None:
    message = dkim.DKIM(MailingList(world).mail().content)
    assert message.verify(idx=0, dnsfunc=lookup)
    with pytest.raises(dkim.ValidationError, match="body hash"):
        message.verify(idx=1, dnsfunc=lookup)


@pytest.mark.parametrize(("sender", "result"), [(SealingList, b"pass"), (BrokenSeal, b"fail")])
def test_a_chain_is_what_it_says(sender: type[Sender], result: bytes, world: World, lookup) -> None:
    assert dkim.arc_verify(sender(world).mail().content, dnsfunc=lookup)[0] == result
