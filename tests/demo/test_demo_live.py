"""The whole demo without a screen: every sender is judged as it deserves, by the real relay."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from monitor.demo.cast import CAST
from monitor.demo.troupe import can_bind

SPEED = "40"
SECONDS = "12"

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
    "Anonymous": "dkim.from-unsigned",
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
    "LostReporter": "report.refused",
    "TlsReporter": "report.tls",
    "AbuseDesk": "report.arf",
    "Hasty": "greylist.deferred retry.immediate retry.rapid-fire",
    "Carousel": "retry.host-rotation retry.rotation-no-delay greylist.timer-reset",
    "Deaf": "retry.after-permanent",
    "Stubborn": "conduct.data-after-no-recipients",
    "Oversized": "conduct.ignored-rejection",
    "Dialer": "conduct.early-talker conduct.unannounced-pipelining conduct.no-quit"
    " conduct.helo-syntax",
    "Impostor": "conduct.helo-is-us",
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
GOOD = ("Citizen", "Bulk", "Umlaut")
