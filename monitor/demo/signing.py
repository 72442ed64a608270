"""DKIM and ARC signatures, good ones and odd ones."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping, Sequence

import dkim
from dkim.canonicalization import CanonicalizationPolicy

from monitor.demo.keys import Key

HEADERS = ("from", "to", "subject", "date", "message-id")


def sign(
    message: bytes,
    key: Key,
    domain: str,
    selector: str,
    *,
    algorithm: str = "",
    headers: Sequence[str] = HEADERS,
    tags: Mapping[str, str] | None = None,
) -> bytes:
    """``message`` with one more DKIM-Signature on top, relaxed/relaxed (RFC 6376 3.5).

    ``tags`` are further tags (x=, l=, atps=). Unlike ``dkim.sign`` this does not insist on
    a wise signature: the cast is here to make the others, too.
    """
    signer = dkim.DKIM(message, signature_algorithm=(algorithm or key.algorithm).encode())
    signer.hasher = dkim.HASH_ALGORITHMS[signer.signature_algorithm]
    policy = CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")
    digest = signer.hasher(policy.canonicalize_body(signer.body)).digest()
    fields = {
        "v": "1",
        "a": algorithm or key.algorithm,
        "c": "relaxed/relaxed",
        "d": domain,
        "s": selector,
        "t": str(int(time.time())),
        **(tags or {}),
        "h": ":".join(headers),
        "bh": base64.b64encode(digest).decode(),
        "b": "0" * 60,
    }
    value = signer.gen_header(
        [(tag.encode(), text.encode()) for tag, text in fields.items()],
        tuple(name.encode() for name in headers),
        policy,
        b"DKIM-Signature",
        key.private,
    )
    return b"DKIM-Signature: " + bytes(value) + message


def seal(message: bytes, key: Key, domain: str, selector: str, authserv_id: str) -> bytes:
    """``message`` with one more ARC set on top (RFC 8617 5.1).

    The set holds what the message's Authentication-Results field of ``authserv_id`` says.
    """
    added = dkim.arc_sign(
        message, selector.encode(), domain.encode(), key.pem, authserv_id.encode()
    )
    return b"".join(added) + message
