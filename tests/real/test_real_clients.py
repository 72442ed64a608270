"""Clients as people have them: swaks, openssl s_client, and what the screen says of TLS."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from harness_postfix import Postfix
from harness_relay import Relay

Needs = Callable[..., None]


def run(*command: str, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, input=said, capture_output=True, text=True, timeout=60, check=False
    )


def swaks(relay: Relay, *options: str) -> subprocess.CompletedProcess[str]:
    return run(
        "swaks", "--server", "127.0.0.1", "--port", str(relay.port), "--helo", "mail.sender.test",
        "--from", "a@sender.test", "--to", "x@sink.test", *options,
    )  # fmt: skip


def test_swaks_in_plaintext(needs: Needs, postfix: Postfix, relay: Relay) -> None:
    needs("swaks")

    done = swaks(relay)
    postfix.settle()

    assert done.returncode == 0, done.stdout
    assert f"220 mx.{'sink.test'} ESMTP Postfix" in done.stdout, "the upstream's own banner"
    assert "XCLIENT" not in done.stdout
    assert "CHUNKING" not in done.stdout
    assert postfix.inbox.recipients() == ["x@sink.test"]
    [told] = relay.wait_events(1)
    assert "tls.none" in {f["code"] for f in told["findings"]}


def test_swaks_with_starttls(needs: Needs, postfix: Postfix, relay: Relay) -> None:
    needs("swaks")

    done = swaks(relay, "--tls")
    postfix.settle()

    assert done.returncode == 0, done.stdout
    assert "TLS started" in done.stdout
    assert postfix.inbox.recipients() == ["x@sink.test"]
    [told] = relay.wait_events(1)
    assert told["client"]["tls"]["protocol"] == "TLSv1.3"
    assert "tls.ok" in {f["code"] for f in told["findings"]}


def test_openssl_s_client(needs: Needs, postfix: Postfix, relay: Relay) -> None:
    needs("openssl")
    letter = (
        "EHLO mail.sender.test\nMAIL FROM:<a@sender.test>\nrcpt to:<x@sink.test>\n"
        "DATA\nSubject: by openssl\n\nhello\n.\nquit\n"
    )

    done = subprocess.run(
        ["bash", "-c", 'while read -r line; do printf "%s\\r\\n" "$line"; sleep 0.2; done |'
         ' openssl s_client -quiet -starttls smtp -ign_eof -connect "$0"',
         f"127.0.0.1:{relay.port}"],
        input=letter, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    postfix.settle()

    assert "221 " in done.stdout, done.stdout + done.stderr
    [message] = postfix.inbox.messages()
    assert b"Subject: by openssl\r\n" in message
    [told] = relay.wait_events(1)
    assert told["client"]["tls"]["protocol"] == "TLSv1.3"


def test_a_handshake_without_a_shared_cipher_is_told(
    needs: Needs, postfix: Postfix, relay: Relay
) -> None:
    needs("openssl")

    done = run(
        "openssl", "s_client", "-starttls", "smtp", "-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0",
        "-connect", f"127.0.0.1:{relay.port}",
    )  # fmt: skip

    assert done.returncode != 0
    [told] = relay.wait_events(1)
    assert told["mail_from"] is None
    [finding] = [f for f in told["findings"] if f["code"] == "tls.no-shared-cipher"]
    assert "TLS_RSA_WITH_NULL_SHA256" in str(finding["evidence"]) or "NULL-SHA256" in str(
        finding["evidence"]
    )
