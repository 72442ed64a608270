"""The whole demo without a screen: every sender is judged as it deserves, by the real relay."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from monitor.cli import main
from monitor.demo.cast import CAST
from monitor.demo.sender import Sender
from monitor.demo.troupe import can_bind
from monitor.findings.catalogue import CATALOGUE

MXTAP = str(Path(sys.executable).with_name("mxtap"))
SPEED = "6"  # at more, a sender that retries at once is not fast enough for its clock
SECONDS = "20"

EXPECTED = {
    "Citizen": "spf.pass dkim.pass dkim.author-domain dmarc.pass tls.ok",
    "Patient": "greylist.deferred greylist.passed retry.disciplined",
    "Bulk": "spf.pass dmarc.pass",
    "Umlaut": "spf.pass dmarc.pass",
    "MxListed": "spf.fail spf.mx-not-sender",
    "Stray": "spf.softfail",
    "Undecided": "spf.neutral",
    "OpenDoor": "spf.pass spf.plus-all",
    "Collector": "spf.permerror spf.too-many-lookups",
    "Ghosts": "spf.permerror spf.void-lookups",
    "TwoMinds": "spf.permerror spf.multiple-records",
    "Pointer": "spf.pass spf.ptr-used",
    "Typo": "spf.permerror spf.record-syntax",
    "Bare": "spf.none dkim.none dmarc.none arc.none rdns.none tls.none",
    "Brittle": "spf.temperror dmarc.temperror",
    "OldKey": "dkim.pass dkim.key-1024",
    "ShortKey": "dkim.key-short",
    "Footer": "dkim.fail-body",
    "Tagger": "dkim.fail-signature",
    "Garbled": "dkim.malformed",
    "Unplanted": "dkim.no-key",
    "Revoked": "dkim.key-revoked",
    "Miscopied": "dkim.key-malformed",
    "Looping": "dkim.temperror",
    "Expired": "dkim.expired",
    "Sha1": "dkim.sha1",
    "Lengthy": "dkim.length-tag",
    "Rehearsal": "dkim.testing",
    "Unlocked": "dkim.pass dkim.key-unprotected",
    "Anonymous": "dkim.from-unsigned",
    "Notary": "dkim.pass dkim.too-many-signatures",
    "Service": "dkim.author-domain dmarc.pass",
    "Customer": "dkim.third-party",
    "Licensed": "dkim.atps",
    "Watcher": "dmarc.pass dmarc.policy-none",
    "Outsourced": "dmarc.report-unauthorised",
    "Slip": "dmarc.record-syntax",
    "TwoAuthors": "dmarc.permerror",
    "Spoofer": "dmarc.fail",
    "Forwarder": "dmarc.spf-failed-dkim-saved",
    "MailingList": "dmarc.fail dmarc.list-broke-it dkim.third-party",
    "SealingList": "arc.pass",
    "BrokenSeal": "arc.fail",
    "DmarcReporter": "report.dmarc report.loop",
    "FullReporter": "report.refused",
    "TlsReporter": "report.tls",
    "AbuseDesk": "report.arf",
    "Hasty": "greylist.deferred retry.immediate retry.rapid-fire",
    "OneShot": "greylist.deferred retry.gave-up",
    "Carousel": "retry.host-rotation retry.rotation-no-delay greylist.timer-reset",
    "Deaf": "retry.after-permanent",
    "Stubborn": "conduct.data-after-no-recipients",
    "Oversized": "conduct.ignored-rejection",
    "Dialer": "conduct.early-talker conduct.unannounced-pipelining conduct.no-quit"
    " conduct.helo-syntax",
    "Impostor": "conduct.helo-mismatch",
    "Fumbler": "conduct.bad-sequence conduct.unknown-commands",
    "Smuggler": "conduct.smuggling",
    "Script": "conduct.bare-newline conduct.no-quit",
    "Raw": "conduct.8bit-unannounced conduct.null-byte conduct.line-too-long",
    "WebClient": "conduct.not-smtp",
    "NoSharedCipher": "tls.no-shared-cipher tls.plaintext-fallback",
    "OldProtocol": "tls.handshake-failed tls.plaintext-fallback",
    "Plain": "tls.none",
    "Misdirected": "route.recipient-not-ours route.recipient-no-mx route.recipient-null-mx",
    "NoMx": "route.sender-no-mx",
    "NoReply": "route.sender-null-mx",
    "Unreachable": "route.sender-unreachable",
    "Misnamed": "rdns.mismatch conduct.helo-mismatch",
}
SHOWN = ("spf.", "dkim.", "dmarc.", "arc.", "report.")  # of these, the demo has every code
UNFIT = ("warning", "error")  # what no sender of good manners may hear
GOOD = ("Citizen", "Bulk", "Patient")


class Played(NamedTuple):
    """A demo that is over: what it printed, and its state folder."""

    lines: list[str]
    state: Path


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """A demo of some seconds."""
    if not can_bind():
        pytest.skip("this machine has one loopback address only")
    state = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [MXTAP, "demo", "--headless", "--speed", SPEED, "--for", SECONDS, "--state", str(state)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Played(done.stdout.splitlines(), state)


@pytest.fixture(scope="module")
def heard(played: Played) -> dict[str, dict[str, str]]:
    """What it says: each sender's finding codes, and their severity."""
    return _by_sender(json.loads(line) for line in played.lines)


def _by_sender(told: Iterable[dict[str, Any]]) -> dict[str, dict[str, str]]:
    senders = {ip: sender.__name__ for sender in CAST for ip in sender.hosts.values()}
    said_by: dict[str, str] = {}  # a transaction's or session's id to its sender
    codes: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for record in told:
        if "client" in record:
            name = senders[record["client"]["ip"]]
            said_by[record["id"]] = said_by[record["session"]] = name
        else:
            name = said_by.get(record["about"], "")
        codes[name].update({found["code"]: found["severity"] for found in record["findings"]})
    return codes


@pytest.mark.parametrize("sender", CAST, ids=lambda sender: sender.__name__)
def test_a_sender_is_found_out(sender: type[Sender], heard: dict[str, dict[str, str]]) -> None:
    wanted = set(EXPECTED.get(sender.__name__, "").split())
    assert sender.__name__ in heard
    assert wanted <= set(heard[sender.__name__])


def test_every_code_of_authentication_and_reports_has_its_sender() -> None:
    expected = {code for codes in EXPECTED.values() for code in codes.split()}
    assert {code for code in CATALOGUE if code.startswith(SHOWN)} <= expected


@pytest.mark.parametrize("name", GOOD)
def test_nothing_is_said_against_a_good_sender(name: str, heard: dict[str, dict[str, str]]) -> None:
    assert not [code for code, severity in heard[name].items() if severity in UNFIT]


@pytest.fixture(scope="module")
def grades(played: Played) -> dict[str, dict[str, Any]]:
    """The report cards of it, by sender."""
    words = [MXTAP, "report", "--state", str(played.state), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True)
    return {card["sender"]: card for card in json.loads(done.stdout)["senders"]}


def test_grades_tell_good_senders_from_bad_ones(grades: dict[str, dict[str, Any]]) -> None:
    for name in ("citizen.example", "letters.example", "patient.example"):
        card = grades[name]
        assert card["grade"] == "A", name
        assert {told["grade"] for told in card["subjects"].values()} <= {"A", None}, name


@pytest.mark.parametrize(
    ("sender", "subject", "letters"),
    [
        ("hasty.example", "retry", "F"),
        ("carousel.example", "retry", "F"),
        ("spoofer.example", "authentication", "F"),
        ("127.0.29.0/24", "authentication", "F"),  # Bare: nothing names it
        ("oldkey.example", "authentication", "B"),
        ("smuggler.example", "conduct", "F"),
        ("127.0.121.0/24", "conduct", "F"),  # Dialer
        ("oldcipher.example", "tls", "F"),
        ("plain.example", "tls", "D"),
        ("unreachable.example", "routing", "F"),
        ("misnamed.example", "routing", "B"),
    ],
)
def test_each_fault_of_the_cast_is_graded(
    sender: str, subject: str, letters: str, grades: dict[str, dict[str, Any]]
) -> None:
    told = grades[sender]["subjects"][subject]
    assert told["grade"] == letters
    assert all(point["evidence"] for point in told["points"])


def test_its_capture_tells_the_same_on_another_day_without_network(
    played: Played, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object) -> None:
        raise OSError("there is no network")

    today = time.time
    monkeypatch.setattr("time.time", lambda: today() + 100 * 86_400)
    monkeypatch.setattr("socket.socket.connect", no_network)
    monkeypatch.setattr("socket.socket.sendto", no_network)
    replay = ["replay", str(played.state / "captures"), "--headless"]
    assert main(replay) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[: len(played.lines)] == played.lines, "behind them is what its end cut off"
    assert main([*replay, "--recheck"]) == 0
    anew = capsys.readouterr()
    assert anew.out.splitlines() == told
    assert "0 subjects differ" in anew.err


def test_no_check_failed(heard: dict[str, dict[str, str]]) -> None:
    assert not [name for name, codes in heard.items() if "relay.check-failed" in codes]


def test_the_company_ends_with_its_parent(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor.demo.company", str(tmp_path), SPEED, "0"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == b"READY\n"
        process.stdin.close()
        assert process.wait(30) == 0
    with (
        pytest.raises(OSError, match=r"refused|No such file"),
        socket.socket(socket.AF_UNIX) as door,
    ):
        door.connect(str(tmp_path / "control.sock"))


@pytest.mark.parametrize("words", [["--speed", "0"], ["--state", __file__]])
def test_wrong_use_is_told(words: list[str]) -> None:
    done = subprocess.run(
        [MXTAP, "demo", "--headless", *words], capture_output=True, text=True, timeout=30,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert words[0] in done.stderr
    assert "Traceback" not in done.stderr


def test_a_signal_ends_it_in_order(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [MXTAP, "demo", "--headless", "--speed", SPEED, "--state", str(tmp_path / "state")],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["v"] == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert (tmp_path / "state" / "demo.zone").is_file()  # --state keeps it
