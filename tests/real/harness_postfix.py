"""A private Postfix: its own configuration, queue and log, on loopback, with no system service.

The port that mxtap talks to is set up by ``packaging/postfix``, the recipe of the README, so
that what the tests prove is what an operator gets.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import smtplib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness_net import free_port, wait_until

RECIPE = Path(__file__).resolve().parents[2] / "packaging" / "postfix"
DOMAIN = "sink.test"
MAX_STOP = 20.0  # seconds for the master to end
_TOP = re.compile(rb"\A(?:(?:Return-Path|X-Original-To|Delivered-To): [^\n]*\n)*")
_RECEIVED = re.compile(rb"Received: [^\n]*\n(?:[ \t][^\n]*\n)*")

MAIN = """
compatibility_level = 3.6
queue_directory = {root}/spool
data_directory = {root}/data
maillog_file = {root}/mail.log
maillog_file_prefixes = {root}
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.{domain}
mydestination =
alias_maps =
local_recipient_maps =
smtpd_peername_lookup = no
disable_dns_lookups = yes
message_size_limit = 60000000
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {root}/mail
virtual_mailbox_maps = static:inbox/
virtual_mailbox_limit = 0
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
default_transport = discard
in_flow_delay = 0
"""

# Beside the recipe's port: one as a careless operator leaves it, one that is slow to answer
# the dot, postscreen with a test that it makes itself, and what delivery needs. Fields as in
# master(5).
MASTER = """
{naive} inet n - n - - smtpd
  -o mynetworks=127.0.0.0/8
{slow} inet n - n - - smtpd
  -o smtpd_authorized_xclient_hosts=127.0.0.0/8
  -o mynetworks=
  -o smtpd_end_of_data_restrictions=sleep,3
{screen} inet n - n - 1 postscreen
  -o postscreen_access_list=
  -o postscreen_cache_map=
  -o postscreen_greet_wait=1s
  -o postscreen_pipelining_enable=yes
smtpd pass - - n - - smtpd
  -o smtpd_authorized_xclient_hosts=127.0.0.0/8
dnsblog unix - - n - 0 dnsblog
tlsproxy unix - - n - 0 tlsproxy
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
anvil unix - - n - 1 anvil
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


class Mailbox:
    """What was delivered."""

    def __init__(self, folder: Path) -> None:
        self._new = folder / "new"

    def raw(self) -> list[bytes]:
        """Every message as it lies in the Maildir."""
        if not self._new.is_dir():
            return []
        return [path.read_bytes() for path in sorted(self._new.iterdir())]

    def messages(self) -> list[bytes]:
        """Every message as its sender sent it: Postfix's own fields taken off, CRLF lines."""
        return [sent(raw) for raw in self.raw()]

    def recipients(self) -> list[str]:
        """The recipient of every delivery, as it was given in RCPT."""
        found = []
        for raw in self.raw():
            match = re.search(rb"^X-Original-To: ([^\n]*)$", raw, re.MULTILINE)
            found.append(match.group(1).decode() if match else "")
        return found

    def clear(self) -> None:
        """Forget everything that was delivered so far."""
        if self._new.is_dir():
            for path in self._new.iterdir():
                path.unlink()


def sent(raw: bytes) -> bytes:
    """A delivered message without what Postfix put in front of it, with CRLF lines."""
    rest = raw[_TOP.match(raw).end() :]
    received = _RECEIVED.match(rest)
    return rest[received.end() if received else 0 :].replace(b"\n", b"\r\n")


class Postfix:
    """A running Postfix. ``port`` is the recipe's; ``naive``, ``slow``, ``screen`` beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = root / "etc"
        self.port, self.naive, self.slow, self.screen = (free_port() for _ in range(4))
        self.inbox = Mailbox(root / "mail" / "inbox")
        self._master: subprocess.Popen[bytes] | None = None
        self._write()

    def _write(self) -> None:
        nobody = pwd.getpwnam("nobody")
        owner = pwd.getpwnam("postfix")
        self.root.chmod(0o755)
        for name, uid in (("etc", 0), ("spool", 0), ("data", owner.pw_uid), ("mail", -1)):
            folder = self.root / name
            folder.mkdir()
            os.chown(folder, nobody.pw_uid if uid == -1 else uid, -1)
        main = (
            MAIN.format(root=self.root, domain=DOMAIN, uid=nobody.pw_uid, gid=nobody.pw_gid)
            + (RECIPE / "main.cf").read_text()
        )
        (self.config / "main.cf").write_text(main)
        recipe = (RECIPE / "master.cf").read_text()
        assert "127.0.0.1:10025" in recipe
        master = recipe.replace("127.0.0.1:10025", f"127.0.0.1:{self.port}")
        beside = {name: f"127.0.0.1:{getattr(self, name)}" for name in ("naive", "slow", "screen")}
        master += MASTER.format(**beside)
        (self.config / "master.cf").write_text(master)

    def start(self) -> None:
        """Start, and wait until the recipe's port greets. Raises RuntimeError with the log."""
        with (self.root / "start.log").open("ab") as log:
            self._master = subprocess.Popen(
                ["postfix", "-c", str(self.config), "start-fg"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_until(self._greets, 30)
        except TimeoutError:
            raise RuntimeError((self.root / "start.log").read_text() + self.log()) from None

    def _greets(self) -> bool:
        if self._master.poll() is not None:
            raise TimeoutError
        with contextlib.suppress(OSError):
            smtplib.SMTP("127.0.0.1", self.port, timeout=5).quit()
            return True
        return False

    def stop(self) -> None:
        """Stop the master and everything that it started."""
        if self._master is None:
            return
        subprocess.run(
            ["postfix", "-c", str(self.config), "stop"],
            check=False,
            capture_output=True,
            timeout=MAX_STOP,
        )
        try:
            self._master.wait(MAX_STOP)
        except subprocess.TimeoutExpired:
            os.killpg(self._master.pid, signal.SIGKILL)
            self._master.wait(MAX_STOP)
        self._master = None

    def log(self) -> str:
        """Everything logged so far."""
        path = self.root / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def queued(self) -> int:
        """How many messages are in the queue, whatever their state."""
        names = ("maildrop", "incoming", "active", "deferred")
        spool = self.root / "spool"
        return sum(1 for name in names for path in (spool / name).rglob("*") if path.is_file())

    def settle(self, seconds: float = 60) -> None:
        """Wait until the queue is empty: all that was accepted has been delivered."""
        wait_until(lambda: self.queued() == 0, seconds)


@contextlib.contextmanager
def running() -> Iterator[Postfix]:
    """A Postfix for the time of the block. Its folder must be open to its own users."""
    root = Path(tempfile.mkdtemp(prefix="mxtap-postfix-"))
    postfix = Postfix(root)
    try:
        postfix.start()
        yield postfix
    finally:
        postfix.stop()
        shutil.rmtree(root, ignore_errors=True)
