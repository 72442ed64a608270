"""aiosmtpd's own test-suite, which its package brings along, with a relay in between.

Its clients speak to mxtap, and mxtap to the server that each test sets up. What comes out
otherwise than without a relay is listed here with the reason, and nothing else may.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MODULES = (
    "test_smtp",
    "test_starttls",
    "test_handlers",
    "test_lmtp",
    "test_server",
    "test_smtpsmuggling",  # last: where it fails it leaves smtplib patched
)
# Of these, tests that look at the controller itself, not at what it says.
NOT_OVER_THE_WIRE = ("TestController", "TestUnixSocketController")
TIMEOUT = 120  # seconds; it takes about 20

# By reason, the tests that come out otherwise; a name that ends in * stands for all that
# begin so.
EXPECTED = {
    "AUTH is not relayed: it would let a client speak in mxtap's name": (
        "test_handlers.py::TestHooks::test_hook_AUTH",
        "test_smtp.py::TestAuthMechanisms::*",
        "test_smtp.py::TestAuthenticator::*",
        "test_smtp.py::TestRequiredAuthentication::test_data_authenticated",
        "test_smtp.py::TestRequiredAuthentication::test_data_norcpt_authenticated",
        "test_smtp.py::TestRequiredAuthentication::test_help_authenticated",
        "test_smtp.py::TestRequiredAuthentication::test_mail_authenticated",
        "test_smtp.py::TestRequiredAuthentication::test_rcpt_nomail_authenticated",
        "test_smtp.py::TestRequiredAuthentication::test_vrfy_authenticated",
        "test_smtp.py::TestSMTPAuth::*",
        "test_starttls.py::TestRequireTLSAUTH::*",
    ),
    "a path outside RFC 5321 4.1.2 (comments, escapes without quotes, half-quoted local parts) "
    "is refused: no list could match it": (
        "test_smtp.py::TestSMTP::test_mail_valid_address[15]",
        "test_smtp.py::TestSMTP::test_mail_valid_address[16]",
        "test_smtp.py::TestSMTP::test_mail_valid_address[17]",
        "test_smtp.py::TestSMTP::test_mail_valid_address[18]",
        "test_smtp.py::TestSMTP::test_mail_valid_address[28]",
        "test_smtp.py::TestSMTP::test_mail_valid_address[29]",
        "test_smtp.py::TestSMTP::test_mail_valid_address[30]",
        "test_smtp.py::TestSMTP::test_mail_valid_address[31]",
        "test_smtp.py::TestSMTP::test_rcpt_valid_address[15]",
        "test_smtp.py::TestSMTP::test_rcpt_valid_address[16]",
        "test_smtp.py::TestSMTP::test_rcpt_valid_address[17]",
        "test_smtp.py::TestSMTP::test_rcpt_valid_address[18]",
        "test_smtp.py::TestSMTP::test_rcpt_valid_address[28]",
        "test_smtp.py::TestSMTP::test_rcpt_valid_address[29]",
        "test_smtp.py::TestSMTP::test_rcpt_valid_address[30]",
        "test_smtp.py::TestSMTP::test_rcpt_valid_address[31]",
    ),
    "a path without a local part or domain is 501, a syntax error, not aiosmtpd's 553": (
        "test_smtp.py::TestSMTP::test_mail_esmtp_invalid_address[*",
        "test_smtp.py::TestSMTP::test_mail_invalid_address[*",
        "test_smtp.py::TestSMTP::test_rcpt_invalid_address[*",
    ),
    "a message with a bare CR or LF is refused": (
        "test_smtp.py::TestStrictASCII::test_data",
        "test_smtpsmuggling.py::TestSmuggling::test_smtp_smuggling",
    ),
    "EHLO offers mxtap's own SIZE, and hides keywords that mxtap cannot carry": (
        "test_handlers.py::TestHooks::test_hook_EHLO_deprecated",
        "test_handlers.py::TestHooks::test_hook_EHLO_new",
        "test_smtp.py::TestSMTPWithController::test_esmtp_no_size_limit",
    ),
    "an unknown verb never reaches the upstream, LMTP's LHLO included": (
        "test_lmtp.py::test_lhlo",
        "test_smtp.py::TestLimits::test_limit_bogus",
    ),
    "STARTTLS is mxtap's own: the upstream's hooks and session never see it, and without TLS "
    "it is not implemented (502)": (
        "test_starttls.py::TestNoTLS::test_disabled_tls",
        "test_starttls.py::TestStartTLS::test_failed_handshake",
        "test_starttls.py::TestTLSEnding::test_eof_received",
        "test_starttls.py::TestTLSEnding::test_tls_handshake_failing",
    ),
    "aiosmtpd takes no XCLIENT, so it sees mxtap's port in place of the client's": (
        "test_handlers.py::TestDebugging::*",
    ),
    "an upstream that breaks off is 451 to the client, who stays connected": (
        "test_smtp.py::TestSMTPWithController::test_exception_handler_multiple_connections_lost",
    ),
    "an upstream that closed between transactions is connected to anew": (
        "test_smtp.py::TestTimeout::test_timeout",
    ),
    "a client that closes its side after a command still hears the reply": (
        "test_smtp.py::TestSleepingHandler::test_close_after_helo",
    ),
    "a relay that stops in mid-message says 421 first": ("test_smtp.py::TestSMTP::test_data_354",),
}


@pytest.fixture(scope="module")
def outcomes(
    tmp_path_factory: pytest.TempPathFactory, require: Callable[[object, str], None]
) -> dict[str, str]:
    """Why each test of the suite failed, "" where it passed."""
    require(importlib.util.find_spec("pytest_mock"), "pytest-mock, which it needs, is missing")
    for module in MODULES:
        found = importlib.util.find_spec(f"aiosmtpd.tests.{module}")
        require(found, f"the aiosmtpd that is installed has no aiosmtpd.tests.{module}")
    folder = tmp_path_factory.mktemp("aiosmtpd")
    written = folder / "outcomes.json"
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-c", "pytest.ini",
            "-p", "no:cacheprovider", "-p", "harness_aiosmtpd", "--outcomes", str(written),
            "--pyargs", *(f"aiosmtpd.tests.{module}" for module in MODULES),
        ],
        cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT,
        env={**os.environ, "PYTHONPATH": f"{HERE}:{HERE.parent / 'relay'}"}, check=False,
    )  # fmt: skip
    assert written.exists(), done.stdout[-2_000:] + done.stderr[-2_000:]
    told: dict[str, str] = json.loads(written.read_text())
    return {name: why for name, why in told.items() if name.split("::")[1] not in NOT_OVER_THE_WIRE}


def _expected(name: str) -> bool:
    return any(
        name == listed or (listed.endswith("*") and name.startswith(listed[:-1]))
        for tests in EXPECTED.values()
        for listed in tests
    )


def test_the_suite_ran(outcomes: dict[str, str]) -> None:
    assert len(outcomes) > 300


def test_nothing_differs_but_what_is_listed(outcomes: dict[str, str]) -> None:
    differs = {name: why for name, why in outcomes.items() if why and not _expected(name)}
    assert not differs, "\n\n".join(f"{name}\n{why}" for name, why in differs.items())


def test_all_that_is_listed_differs(outcomes: dict[str, str]) -> None:
    assert [name for name, why in outcomes.items() if _expected(name) and not why] == []
    names = outcomes.keys()
    unknown = [
        listed
        for tests in EXPECTED.values()
        for listed in tests
        if listed not in names
        and not (listed.endswith("*") and any(n.startswith(listed[:-1]) for n in names))
    ]
    assert unknown == []
