"""DKIM: signatures, their keys, and whose they are."""

from __future__ import annotations

from monitor.findings.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "dkim.none": Entry(
        "notice",
        "Not signed",
        "Nothing ties this message to a domain but its address; it cannot be told from a forged "
        "one by signature.",
        "Sign mail with DKIM as the domain in the From field.",
        "RFC 6376 6.1",
    ),
    "dkim.pass": Entry(
        "good",
        "DKIM signature valid",
        "The domain in d= vouches for this message as it arrived.",
        "",
        "RFC 6376 6.1.3",
    ),
    "dkim.fail-body": Entry(
        "error",
        "DKIM signature broken: the body was changed",
        "Something changed the body behind the signer: a list, a virus scanner's footer, a "
        "gateway that wraps lines.",
        "Sign last: nothing may change the body behind the signer, footers and filters included.",
        "RFC 6376 6.1.3",
    ),
    "dkim.fail-signature": Entry(
        "error",
        "DKIM signature broken: header or key do not fit",
        "Header fields were changed on the way, the wrong key is published, or the signature is "
        "forged.",
        "Publish the key that signs, and change no signed header field behind the signer.",
        "RFC 6376 6.1.3",
    ),
    "dkim.malformed": Entry(
        "error",
        "DKIM-Signature field is malformed",
        "The signer's software is broken; every receiver ignores this signature.",
        "Mend the signer: the field lacks a required tag or has a value that is not allowed.",
        "RFC 6376 6.1.1",
    ),
    "dkim.no-key": Entry(
        "error",
        "DKIM key is not in the DNS",
        "The key was rotated away or never published: nobody can verify this signature.",
        "Publish the public key at selector._domainkey.domain.",
        "RFC 6376 6.1.2",
    ),
    "dkim.key-revoked": Entry(
        "error",
        "DKIM key is revoked",
        "The domain took this key back on purpose. Mail that still bears it is late, or signed by "
        "a thief.",
        "Sign with a key whose record has not been emptied (p=).",
        "RFC 6376 3.6.1",
    ),
    "dkim.key-malformed": Entry(
        "error",
        "DKIM key record is malformed",
        "Nobody can verify this signature; often a record that was cut at 255 characters.",
        "Publish the key record anew: its tags or its base64 are broken.",
        "RFC 6376 6.1.2",
    ),
    "dkim.expired": Entry(
        "error",
        "DKIM signature is expired",
        "The message was long on its way, or somebody replays an old one.",
        "Deliver before x= is over, or sign with a later one or with none.",
        "RFC 6376 3.5",
    ),
    "dkim.temperror": Entry(
        "notice",
        "DKIM could not be checked for now",
        "The key could not be fetched in time, so nothing is proved either way.",
        "Make every name server of the signing domain answer, and in time.",
        "RFC 6376 6.1.2",
    ),
    "dkim.key-short": Entry(
        "error",
        "DKIM key is under 1024 bits",
        "A key this short can be computed from its public half: whoever cares to can sign as this "
        "domain.",
        "Sign with an RSA key of 2048 bits: shorter than 1024 counts as not signed.",
        "RFC 8301 3.2",
    ),
    "dkim.key-1024": Entry(
        "notice",
        "DKIM key is under 2048 bits",
        "It verifies today. A key of this size is within reach of those who can pay for it.",
        "Sign with an RSA key of 2048 bits, which every receiver supports.",
        "RFC 8301 3.2",
    ),
    "dkim.key-unprotected": Entry(
        "info",
        "DKIM key is not protected by DNSSEC",
        "Who can forge the DNS answer can sign as this domain; how much that counts depends on "
        "your resolver's way there.",
        "Sign the zone that holds the key with DNSSEC.",
        "RFC 6376 8.5",
    ),
    "dkim.sha1": Entry(
        "error",
        "DKIM signature uses rsa-sha1",
        "Counts as not signed: collisions of SHA-1 can be bought.",
        "Sign with rsa-sha256 or ed25519-sha256: receivers must not accept rsa-sha1.",
        "RFC 8301 3.1",
    ),
    "dkim.length-tag": Entry(
        "warning",
        "DKIM signature covers only a part of the body",
        "What stands behind the signed part may be anybody's, and mail programs show it as one "
        "message.",
        "Sign without l=: anybody can append to the message, and it stays signed.",
        "RFC 6376 8.2",
    ),
    "dkim.testing": Entry(
        "info",
        "DKIM key is published as a test",
        "The domain asks you to treat a failure like no signature at all.",
        "Remove t=y from the key record when the test is over.",
        "RFC 6376 3.6.1",
    ),
    "dkim.from-unsigned": Entry(
        "error",
        "DKIM signature leaves out the From field",
        "The name that your users see is not covered, so the signature proves nothing that they "
        "look at.",
        "Sign the From field: a signature without it counts as failed.",
        "RFC 6376 5.4",
    ),
    "dkim.too-many-signatures": Entry(
        "notice",
        "More DKIM signatures than are looked at",
        "The rest was not looked at, so that a message cannot keep your machine busy.",
        "Send with a few signatures: receivers check the first ones only.",
        "RFC 6376 6.1",
    ),
    "dkim.author-domain": Entry(
        "good",
        "Signed by the author's domain",
        "The domain that your users read in From signed this message.",
        "",
        "RFC 6376 6.3",
    ),
    "dkim.third-party": Entry(
        "notice",
        "Signed, but not by the author's domain",
        "A provider vouches for the message, the author's domain does not: common with "
        "newsletters, and with fraud.",
        "Sign as the domain in the From field as well.",
        "RFC 6376 6.3",
    ),
    "dkim.atps": Entry(
        "good",
        "Third-party signer authorised by the author",
        "The author's domain named this signer as its own in the DNS.",
        "",
        "RFC 6541 4",
    ),
}
