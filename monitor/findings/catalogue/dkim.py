"""DKIM: signatures, their keys, and whose they are."""

from __future__ import annotations

from monitor.findings.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "dkim.none": Entry(
        "notice",
        "Not signed",
        "Sign mail with DKIM as the domain in the From field.",
        "RFC 6376 6.1",
    ),
    "dkim.pass": Entry("good", "DKIM signature valid", "", "RFC 6376 6.1.3"),
    "dkim.fail-body": Entry(
        "error",
        "DKIM signature broken: the body was changed",
        "Sign last: nothing may change the body behind the signer, footers and filters included.",
        "RFC 6376 6.1.3",
    ),
    "dkim.fail-signature": Entry(
        "error",
        "DKIM signature broken: header or key do not fit",
        "Publish the key that signs, and change no signed header field behind the signer.",
        "RFC 6376 6.1.3",
    ),
    "dkim.malformed": Entry(
        "error",
        "DKIM-Signature field is malformed",
        "Mend the signer: the field lacks a required tag or has a value that is not allowed.",
        "RFC 6376 6.1.1",
    ),
    "dkim.no-key": Entry(
        "error",
        "DKIM key is not in the DNS",
        "Publish the public key at selector._domainkey.domain.",
        "RFC 6376 6.1.2",
    ),
    "dkim.key-revoked": Entry(
        "error",
        "DKIM key is revoked",
        "Sign with a key whose record has not been emptied (p=).",
        "RFC 6376 3.6.1",
    ),
    "dkim.key-malformed": Entry(
        "error",
        "DKIM key record is malformed",
        "Publish the key record anew: its tags or its base64 are broken.",
        "RFC 6376 6.1.2",
    ),
    "dkim.expired": Entry(
        "error",
        "DKIM signature is expired",
        "Deliver before x= is over, or sign with a later one or with none.",
        "RFC 6376 3.5",
    ),
    "dkim.temperror": Entry(
        "notice",
        "DKIM could not be checked for now",
        "Make every name server of the signing domain answer, and in time.",
        "RFC 6376 6.1.2",
    ),
    "dkim.key-short": Entry(
        "error",
        "DKIM key is under 1024 bits",
        "Sign with an RSA key of 2048 bits: shorter than 1024 counts as not signed.",
        "RFC 8301 3.2",
    ),
    "dkim.key-1024": Entry(
        "notice",
        "DKIM key is under 2048 bits",
        "Sign with an RSA key of 2048 bits, which every receiver supports.",
        "RFC 8301 3.2",
    ),
    "dkim.key-unprotected": Entry(
        "info",
        "DKIM key is not protected by DNSSEC",
        "Sign the zone that holds the key with DNSSEC.",
        "RFC 6376 8.5",
    ),
    "dkim.sha1": Entry(
        "error",
        "DKIM signature uses rsa-sha1",
        "Sign with rsa-sha256 or ed25519-sha256: receivers must not accept rsa-sha1.",
        "RFC 8301 3.1",
    ),
    "dkim.length-tag": Entry(
        "warning",
        "DKIM signature covers only a part of the body",
        "Sign without l=: anybody can append to the message, and it stays signed.",
        "RFC 6376 8.2",
    ),
    "dkim.testing": Entry(
        "info",
        "DKIM key is published as a test",
        "Remove t=y from the key record when the test is over.",
        "RFC 6376 3.6.1",
    ),
    "dkim.from-unsigned": Entry(
        "error",
        "DKIM signature leaves out the From field",
        "Sign the From field: a signature without it counts as failed.",
        "RFC 6376 5.4",
    ),
    "dkim.too-many-signatures": Entry(
        "notice",
        "More DKIM signatures than are looked at",
        "Send with a few signatures: receivers check the first ones only.",
        "RFC 6376 6.1",
    ),
    "dkim.author-domain": Entry("good", "Signed by the author's domain", "", "RFC 6376 6.3"),
    "dkim.third-party": Entry(
        "notice",
        "Signed, but not by the author's domain",
        "Sign as the domain in the From field as well.",
        "RFC 6376 6.3",
    ),
    "dkim.atps": Entry("good", "Third-party signer authorised by the author", "", "RFC 6541 4"),
}
