"""TLS: agreed, refused, weak, fallen back from, and what MTA-STS would make of it."""

from __future__ import annotations

import pytest
from conversation import World

from monitor.findings import tls
from monitor.findings.memory import Bounded


def deliver(world: World, client=None, **content: object) -> None:
    client = client or world.connect()
    client.ehlo()
    client.mail()
    client.rcpt()
    client.data(**content)
    client.quit()


def failed(world: World, **facts: object) -> None:
    client = world.connect()
    client.ehlo()
    client.fail_tls(**facts)
    client.close("tls")


def test_good_tls_is_told_with_every_transaction():
    world = World()
    client = world.connect()
    client.ehlo()
    client.secure()
    deliver(world, client)
    assert world.codes("tls") == ["tls.ok"]
    assert world.found("tls.ok")[0].evidence["cipher"] == "TLS_AES_128_GCM_SHA256"


def test_plaintext_though_starttls_was_offered():
    world = World()
    deliver(world)
    assert world.severity("tls.none") == "notice"
    assert world.found("tls.none")[0].evidence == {"offered": True}
    assert world.severity("tls.mta-sts-would-refuse") == "notice"
    assert world.found("tls.mta-sts")[0].evidence["risk"] == "unknown"


def test_plaintext_where_starttls_was_not_offered():
    world = World()
    client = world.connect()
    client.ehlo("mx.sender.example", "PIPELINING")
    client.mail()
    client.quit()
    assert world.severity("tls.none") == "info"
    assert "tls.mta-sts-would-refuse" not in world.codes(), "nothing was delivered"


def test_refused_mail_tells_nothing_of_mta_sts():
    world = World()
    deliver(world, reply="550 5.7.1 Spam")
    assert "tls.mta-sts-would-refuse" not in world.codes()


CIPHERS = {"offered_ciphers": ("RC4-MD5",), "accepted_ciphers": ("TLS_AES_128_GCM_SHA256",)}
VERSIONS = {"offered_protocols": ("TLSv1",), "accepted_protocols": ("TLSv1.2", "TLSv1.3")}


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"reason": "[SSL: NO_SHARED_CIPHER] no shared cipher (_ssl.c:1006)"}, "no-shared-cipher"),
        ({"reason": "handshake failure", **CIPHERS}, "no-shared-cipher"),
        ({"reason": "unsupported protocol", **VERSIONS}, "handshake-failed"),
        ({"reason": "NO_SHARED_CIPHER", **VERSIONS, **CIPHERS}, "handshake-failed"),
        ({"reason": "alert", "alert": "unknown_ca"}, "handshake-failed"),
        (
            {"reason": "eof", "offered_ciphers": None, "accepted_ciphers": ("A",)},
            "handshake-failed",
        ),
    ],
)
def test_why_a_handshake_failed(facts, code):
    world = World()
    failed(world, **facts)
    assert world.codes("tls") == [f"tls.{code}"]


def test_no_shared_cipher_lists_both_sides():
    world = World()
    failed(world, reason="no shared cipher", **CIPHERS)
    evidence = world.found("tls.no-shared-cipher")[0].evidence
    assert evidence["offered_ciphers"] == ["RC4-MD5"]
    assert evidence["accepted_ciphers"] == ["TLS_AES_128_GCM_SHA256"]
    assert evidence["offered_protocols"] is None, "what could not be read is not made up"


def test_plaintext_after_a_failed_handshake_in_another_session():
    world = World()
    failed(world)
    world.wait(590)
    deliver(world)
    (found,) = world.found("tls.plaintext-fallback")
    assert found.evidence["same_session"] is False
    assert found.evidence["failed_session"] == "s1"
    assert world.severity("tls.mta-sts-would-refuse") == "warning"


def test_plaintext_after_a_failed_handshake_in_the_same_session():
    world = World()
    client = world.connect()
    client.ehlo()
    client.fail_tls()
    deliver(world, client)
    assert world.found("tls.plaintext-fallback")[0].evidence["same_session"] is True


def test_what_is_no_fallback():
    world = World()
    failed(world)
    world.wait(601)
    deliver(world)
    failed(world)
    deliver(world, world.connect("192.0.2.2"))
    secured = world.connect()
    secured.ehlo()
    secured.secure()
    deliver(world, secured)
    assert "tls.plaintext-fallback" not in world.codes()


def test_failures_that_are_remembered_are_bounded():
    world = World(Bounded(2))
    for last in (1, 2, 3):
        client = world.connect(f"192.0.2.{last}")
        client.ehlo()
        client.fail_tls()
        client.close("tls")
    deliver(world, world.connect("192.0.2.1"))
    assert "tls.plaintext-fallback" not in world.codes()
    deliver(world, world.connect("192.0.2.3"))
    assert "tls.plaintext-fallback" in world.codes()


def test_a_failed_handshake_is_remembered_through_a_restart():
    world = World()
    client = world.connect()
    client.ehlo()
    client.fail_tls()
    client.close("tls")
    world.start()
    deliver(world)
    assert "tls.plaintext-fallback" in world.codes()


@pytest.mark.parametrize("protocol", ["TLSv1", "TLSv1.1"])
def test_old_protocols(protocol):
    world = World()
    client = world.connect()
    client.ehlo()
    client.secure(protocol, "ECDHE-RSA-AES256-SHA", 256)
    deliver(world, client)
    assert world.codes("tls") == ["tls.ok", "tls.old-protocol"]


@pytest.mark.parametrize(
    "cipher",
    [
        "RC4-SHA",
        "ECDHE-RSA-RC4-SHA",
        "DES-CBC3-SHA",
        "ECDHE-RSA-DES-CBC3-SHA",
        "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
        "TLS_RSA_WITH_DES_CBC_SHA",
        "NULL-SHA256",
        "EXP-RC2-CBC-MD5",
        "IDEA-CBC-SHA",
        "RC4-MD5",
    ],
)
def test_weak_ciphers(cipher):
    assert tls.weakness(cipher, 128)


@pytest.mark.parametrize(
    "cipher",
    [
        "TLS_AES_256_GCM_SHA384",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "AECDH-AES256-SHA",
        "AES128-SHA",
    ],
)
def test_ciphers_that_are_not_weak(cipher):
    assert not tls.weakness(cipher, 128)


def test_few_bits_are_weak():
    assert tls.weakness("SOMETHING-NEW", 56) == "56 bits"
