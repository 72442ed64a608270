"""What if: each rule against scripted histories."""

from __future__ import annotations

import msgspec
import pytest
from conversation import START, World
from hypothesis import given
from hypothesis import strategies as st
from insight_history import DAY, HOUR, history, letter

from monitor import events as ev
from monitor.config import Greylist
from monitor.findings.catalogue import finding
from monitor.findings.greylist.whitelist import Whitelist
from monitor.insight.render.answer import written
from monitor.insight.whatif.answer import Answer, Told
from monitor.insight.whatif.transport import suites
from monitor.insight.whatif.trial import Trial
from monitor.insight.whatif.words import FORMS, Given, drafts_of, scenario
from monitor.policy.canonical import canonical
from monitor.policy.entry import Entry
from monitor.record import moment


def answer(world: World, *words: str, **given: object) -> Answer:
    options = Given(**given)
    trial = Trial([scenario(word, options) for word in words], options.in_force)
    told = history(world)
    for record in told:
        trial.learn(record)
    for who, spoken in trial.wants():
        trial.hear(who, spoken, [e for e in world.events if e.session == spoken.session])
    for record in told:
        trial.judge(record)
    return trial.answer(START, world.now)


def only(world: World, word: str, **given: object) -> Told:
    [told] = answer(world, word, **given).scenarios
    return told


def counts(told: Told) -> dict[str, int]:
    return {kind: outcome.messages for kind, outcome in told.outcomes.items() if outcome.messages}


def entry(list_: str, kind: str, value: str) -> Entry:
    return Entry(id=1, list=list_, kind=kind, value=canonical(kind, value), created=moment(START))


# -- authentication


@pytest.mark.parametrize(
    ("policy", "reject", "quarantine"),
    [
        ("reject", {"lost": 1}, {"quarantined": 1}),
        ("quarantine", {"quarantined": 1}, {"quarantined": 1}),
        ("none", {}, {}),
        (None, {}, {}),
    ],
)
def test_dmarc_does_what_the_authors_domain_asks(policy, reject, quarantine) -> None:
    world = World()
    letter(world, "dmarc.fail", policy=policy)
    letter(world, "dmarc.pass", policy=policy)
    assert counts(only(world, "dmarc=reject")) == reject
    assert counts(only(world, "dmarc=quarantine")) == quarantine


def test_what_was_refused_anyway_is_not_lost_once_more() -> None:
    world = World()
    letter(world, "dmarc.fail", "spf.fail", policy="reject", reply="550 5.7.1 No")
    told = answer(
        world, "dmarc", "spf", "dkim-bits", "mta-sts", "greylist", "tls", "ban:ip=192.0.2.1"
    )
    assert told.messages == 0
    assert [counts(one) for one in told.scenarios] == [{}] * 7


def test_spf_fail_is_refused_whatever_dkim_says() -> None:
    world = World()
    letter(world, "spf.fail", "dmarc.pass")
    letter(world, "spf.softfail")
    told = only(world, "spf=fail")
    assert counts(told) == {"lost": 1}
    assert told.notes == {"of the author all the same, by DKIM": 1}


@pytest.mark.parametrize(
    ("keys", "lost"),
    [
        ([("rsa-sha256", 1_024)], 1),
        ([("rsa-sha256", 1_024), ("rsa-sha256", 2_048)], 0),
        ([("rsa-sha256", 1_024), ("ed25519-sha256", 256)], 0),
        ([("rsa-sha256", None)], 0),
        ([], 0),
    ],
)
def test_one_key_that_is_long_enough_saves_a_message(keys, lost) -> None:
    world = World()
    client = world.connect()
    client.ehlo()
    client.mail()
    client.found(*(finding("dkim.pass", d="a.example", algorithm=a, bits=b) for a, b in keys))
    client.rcpt()
    client.data()
    client.quit()
    assert counts(only(world, "dkim-bits=2048")).get("lost", 0) == lost
    assert counts(only(world, "dkim-bits=1024")) == {}


# -- transport


def test_plaintext_is_lost_of_those_alone_that_are_known_to_validate() -> None:
    world = World()
    letter(world, ptr="mx.old.example")
    letter(world, ptr="mx.strict.example")
    letter(world, ptr="mx.safe.example", secure=True)
    letter(world, ptr="mx.told.example")
    # The report comes behind the mail, and counts for it all the same.
    letter(world, "report.tls", ptr="mx.strict.example", secure=True, policy_type="sts")
    letter(world, "report.tls", ptr="mx.old.example", secure=True, policy_type="tlsa")
    told = only(world, "mta-sts", validating=["told.example"])
    assert counts(told) == {"lost": 2, "at-risk": 1}
    assert {a.sender: a.messages for a in told.senders} == {
        "strict.example": {"lost": 1},
        "told.example": {"lost": 1},
        "old.example": {"at-risk": 1},
    }


def test_failed_handshakes_are_counted_apart_from_messages() -> None:
    world = World()
    client = world.connect()
    client.ehlo()
    client.fail_tls()
    client.close("tls")
    told = only(world, "mta-sts")
    assert (counts(told), told.notes) == ({}, {"failed handshakes": 1})


def _offering(
    world: World, *offered: str, ip: str = "192.0.2.1", ptr: str = "mx.a.example"
) -> None:
    client = world.connect(ip, ptr=ptr)
    client.ehlo()
    client.say("STARTTLS", "220 2.0.0 Ready")
    client._emit(ev.Secured, side="client", protocol="TLSv1.2", cipher=offered[0], bits=128,
                 offered_ciphers=offered)  # fmt: skip
    client.ehlo()
    client.mail()
    client.rcpt()
    client.data()
    client.quit()


OLD, NEW = "AES128-SHA", "ECDHE-RSA-AES128-GCM-SHA256"


def test_who_offers_another_suite_is_not_touched() -> None:
    world = World()
    _offering(world, OLD, NEW)
    _offering(world, OLD, ip="192.0.2.9", ptr="mx.b.example")
    told = only(world, f"tls={NEW}")
    assert counts(told) == {"at-risk": 1}
    assert told.senders[0].sender == "b.example"


def test_who_fell_back_before_would_come_in_plaintext() -> None:
    world = World()
    letter(world, "tls.plaintext-fallback", ptr="mx.b.example")
    _offering(world, OLD, ptr="mx.b.example")
    assert counts(only(world, f"tls={NEW}")) == {"plaintext": 1}


def test_without_the_offer_nothing_is_sure() -> None:
    world = World()
    letter(world, secure=True)
    told = only(world, f"tls={NEW},TLS_AES_256_GCM_SHA384")
    assert counts(told) == {"at-risk": 1}
    assert told.notes == {"it is not known what the client offers": 1}
    assert counts(only(world, f"tls={NEW}")) == {}  # TLS 1.3 is taken unless it is named


def test_failed_handshakes_may_succeed_with_another_list() -> None:
    world = World()
    for _ in range(2):
        client = world.connect()
        client.ehlo()
        client.fail_tls(offered_ciphers=(OLD,), accepted_ciphers=(NEW,))
        client.close("tls")
    assert only(world, f"tls={OLD}:{NEW}").notes == {"failed handshakes that would succeed": 2}


def test_a_cipher_list_is_read_as_openssl_reads_it() -> None:
    assert suites("ECDHE+AESGCM") > {NEW, "TLS_AES_128_GCM_SHA256"}
    assert suites("TLS_AES_128_GCM_SHA256") == {"TLS_AES_128_GCM_SHA256"}
    assert suites(f"{NEW}:TLS_AES_128_GCM_SHA256") == {NEW, "TLS_AES_128_GCM_SHA256"}
    with pytest.raises(ValueError, match="none of these"):
        suites("NO-SUCH-CIPHER")


# -- bans


@pytest.mark.parametrize(
    ("word", "lost"),
    [
        ("ban:ip=192.0.2.1", 2),
        ("ban:net=192.0.2.0/24", 3),
        ("ban:domain=sender.example", 3),
        ("ban:sender=a@sender.example", 3),
        ("ban:helo=mx.sender.example", 3),
        ("ban:dkim=signer.example", 1),
        ("ban:ip=198.51.100.1", 0),
    ],
)
def test_a_ban_meets_what_the_relay_would_have_refused(word: str, lost: int) -> None:
    world = World()
    letter(world)
    letter(world, dkim="signer.example")
    letter(world, ip="192.0.2.7")
    assert counts(only(world, word)).get("lost", 0) == lost


def test_an_allowance_holds_only_from_the_stage_on_that_proves_it() -> None:
    """The more specific entry wins, but who is refused at connect never comes to show it."""
    world = World()
    client = world.connect()
    client.ehlo()
    client.mail()
    client.found(
        finding("dmarc.pass", author="sender.example"), finding("dkim.pass", d="s.example")
    )
    client.rcpt()
    client.data()
    client.quit()
    allowed = [entry("allow", "sender", "a@sender.example")]
    assert counts(only(world, "ban:dkim=s.example", in_force=allowed)) == {}
    told = only(world, "ban:net=192.0.2.0/24", in_force=allowed)
    assert counts(told) == {"lost": 1}
    assert told.outcomes["lost"].wanted == 1
    known = [entry("allow", "ip", "192.0.2.1")]
    assert counts(only(world, "ban:net=192.0.2.0/24", in_force=known)) == {}


def test_bans_from_lines_and_from_the_lists() -> None:
    drafts = drafts_of(["# of last week", "", "net 192.0.2.0/24 tarpit", "helo x.example  # y"])
    assert [(d.kind, d.value, d.action) for d in drafts] == [
        ("net", "192.0.2.0/24", "tarpit"),
        ("helo", "x.example", "reject"),
    ]
    world = World()
    letter(world)
    assert counts(only(world, "bans", bans=drafts)) == {"delayed": 1}
    assert counts(only(world, "bans", in_force=[entry("ban", "ip", "192.0.2.1")])) == {"lost": 1}
    for bad in ("net", "wing 1", "net 192.0.2.0/24 smile", "net a b c"):
        with pytest.raises(ValueError, match="line 1"):
            drafts_of([bad])


# -- greylisting


def send(world: World, sender: str = "a@sender.example", ip: str = "192.0.2.1", **more) -> None:
    world.attempt(ip, sender=sender, spf="sender.example", **more)


def test_a_first_message_is_delayed_and_the_next_is_known() -> None:
    world = World()
    send(world)
    world.wait(HOUR)
    send(world)
    told = only(world, "greylist=300/pool")
    assert counts(told) == {"delayed": 1}
    assert told.delay
    assert told.delay.longest == 900  # assumed of who was never seen to retry


def test_a_second_message_before_the_retry_waits_too() -> None:
    world = World()
    send(world)
    world.wait(120)
    send(world)
    assert counts(only(world, "greylist=300/pool")) == {"delayed": 2}
    assert counts(only(world, "greylist=60/pool")) == {"delayed": 1}


def _retrying(world: World, number: int, *hosts: str, pause: float = 400, tries: int = 2) -> None:
    """Deferred by the upstream's own greylist, and tried again."""
    for n in range(tries):
        last = n == tries - 1
        reply = "250 2.0.0 Queued" if last else "450 4.2.0 Greylisted"
        send(world, f"{number}@sender.example", hosts[n % len(hosts)], reply=reply)
        world.wait(pause)


def test_a_sender_retries_as_it_was_seen_to() -> None:
    world = World()
    for number in range(3):
        _retrying(world, number, "192.0.2.1", pause=400)
    send(world, "new@sender.example")
    told = only(world, "greylist=300/pool", greylist=Greylist(auto_allow=0))
    assert counts(told) == {"delayed": 1}  # what waited for the upstream need not wait again
    assert told.delay
    assert told.delay.median == pytest.approx(400, abs=5)


def test_who_retries_from_other_hosts_waits_longer_where_the_address_is_the_key() -> None:
    hosts = ["192.0.2.1", "198.51.100.1", "203.0.113.1"]
    world = World()
    for number in range(3):
        _retrying(world, number, *hosts, pause=400, tries=4)
    world.wait(DAY)
    send(world, "new@sender.example", hosts[0])
    rules = Greylist(auto_allow=0)

    def newest(word: str) -> float:
        told = only(world, word, greylist=rules)
        assert told.delay
        return told.delay.longest

    assert newest("greylist=300/pool") == pytest.approx(400, abs=5)
    assert newest("greylist=300/address") == pytest.approx(1_200, abs=10)


def test_who_never_tries_again_is_lost_where_deliveries_agree_and_at_risk_before() -> None:
    world = World()
    send(world, "new@sender.example")
    for number, expected in enumerate(("at-risk", "at-risk", "lost")):
        send(world, f"{number}@sender.example", reply="450 4.2.0 Greylisted")
        world.wait(2 * DAY)
        assert counts(only(world, "greylist=300/pool")) == {expected: 1}


def test_who_gives_up_before_the_delay_is_over_is_lost() -> None:
    world = World()
    send(world, "new@sender.example")
    for number in range(3):
        for _ in range(3):
            send(world, f"{number}@sender.example", reply="450 4.2.0 Greylisted")
            world.wait(60)
        world.wait(2 * DAY)
    assert counts(only(world, "greylist=300/pool")) == {"lost": 1}
    assert counts(only(world, "greylist=60/pool")) == {"delayed": 1}


def test_a_pool_that_passed_often_enough_is_not_asked() -> None:
    world = World()
    for number in range(8):
        send(world, f"{number}@sender.example")
        world.wait(HOUR)
    assert counts(only(world, "greylist=300/pool")) == {"delayed": 5}


def test_who_is_allowed_or_whitelisted_is_not_asked() -> None:
    world = World()
    send(world)
    letter(world, "list.allowed", ip="198.51.100.1", ptr=None)
    assert counts(only(world, "greylist=60/pool")) == {"delayed": 1}
    whitelist = Whitelist(clients="192.0.2.1")
    assert counts(only(world, "greylist=60/pool", whitelist=whitelist)) == {}
    allowed = [entry("allow", "ip", "192.0.2.1")]
    assert counts(only(world, "greylist=60/pool", in_force=allowed)) == {}


def test_a_callback_verification_is_not_held_up() -> None:
    world = World()
    client = world.connect()
    client.ehlo()
    client.mail("")
    client.rcpt()
    client.quit()
    assert counts(only(world, "greylist=60/pool")) == {}


# -- together, wanted, words


def test_a_message_counts_once_by_the_worst_that_happens_to_it() -> None:
    world = World()
    letter(world, "dmarc.fail", "spf.fail", policy="quarantine")
    letter(world, "dmarc.fail", policy="quarantine", ptr="mx.b.example")
    told = answer(world, "dmarc", "spf", "greylist=300/pool", "mta-sts")
    assert told.together == {
        "lost": 1,
        "at-risk": 1,
        "quarantined": 0,
        "plaintext": 0,
        "delayed": 0,
    }


def test_what_the_operator_allowed_is_told_as_wanted() -> None:
    world = World()
    letter(world, "spf.fail")
    letter(world, "spf.fail", ip="198.51.100.1", ptr=None)
    told = only(world, "spf", in_force=[entry("allow", "net", "192.0.2.0/24")])
    assert msgspec.to_builtins(told.outcomes["lost"]) == {"messages": 2, "senders": 2, "wanted": 1}
    assert {a.sender: a.wanted for a in told.senders} == {"sender.example": 1, "198.51.100.0/24": 0}


@pytest.mark.parametrize(
    "word",
    ["", "x", "dmarc=none", "spf=soft", "dkim-bits=many", "dkim-bits=1", "greylist=x",
     "greylist=60/x", "greylist=9999999", "tls=XYZ", "ban:", "ban:ip", "ban:ip=", "ban:ip=x",
     "ban:wing=1", "mta-sts=1", "bans", "bans=x"],
)  # fmt: skip
def test_a_word_that_is_no_scenario_is_told(word: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        scenario(word, Given())


def test_every_form_that_is_told_is_understood() -> None:
    fill = {"SECONDS": "300", "CIPHERS": NEW, "KIND": "net", "VALUE": "192.0.2.0/24"}
    for form in FORMS:
        word = form
        for blank, value in fill.items():
            word = word.replace(blank, value)
        made = scenario(word, Given(in_force=[entry("ban", "ip", "192.0.2.1")]))
        assert made.name == word
        assert made.title


def test_the_form_of_the_json_is_stable() -> None:
    world = World()
    letter(world, "spf.fail")
    told = msgspec.to_builtins(answer(world, "spf", "greylist=60/pool"))
    assert set(told) == {"v", "since", "until", "records", "messages", "scenarios", "together"}
    one = told["scenarios"][1]
    assert set(one) == {
        "scenario",
        "title",
        "outcomes",
        "delay",
        "affected",
        "senders",
        "notes",
        "assumptions",
    }
    kinds = {"lost", "at-risk", "quarantined", "plaintext", "delayed"}
    assert set(one["outcomes"]) == set(told["together"]) == kinds
    assert set(one["outcomes"]["lost"]) == {"messages", "senders", "wanted"}
    assert set(one["delay"]) == {"median", "most", "longest"}
    assert set(one["senders"][0]) == {
        "sender",
        "messages",
        "wanted",
        "at",
        "transaction",
        "session",
    }


@given(st.text(max_size=40))
def test_hostile_text_never_reaches_a_terminal(text: str) -> None:
    world = World()
    letter(world, "spf.fail")
    told = answer(world, "spf")
    [one] = told.scenarios
    [sender] = one.senders
    sender = msgspec.structs.replace(sender, sender=text, transaction=text)
    one = msgspec.structs.replace(one, senders=(sender,), scenario=text)
    lines = list(written(msgspec.structs.replace(told, scenarios=(one,)), 10))
    assert all(line.isprintable() for line in lines)
