"""Root's rights: refused where nothing contains them, or given up for good after the bind."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from monitor.config import ConfigError, Settings

# The inode numbers of the machine's own namespaces (include/linux/proc_ns.h).
_INITIAL = {"pid": 0xEFFFFFFC, "user": 0xEFFFFFFD}
_MARKS = ("run/.containerenv", ".dockerenv", "run/systemd/container", "run/host/container-manager")


class Account(NamedTuple):
    """Whom the relay runs as."""

    name: str
    uid: int
    gid: int


def serve_as(settings: Settings) -> Account | None:
    """The account to take on before serving, None to stay who we are. Raises ConfigError."""
    to = account(settings)
    refuse_root(to.uid if to else os.geteuid(), settings, contained())
    return to


def account(settings: Settings) -> Account | None:
    """The account of the settings ``user`` and ``group``; None to stay who we are.

    Raises ConfigError for one that does not exist.
    """
    if not settings.user:
        if settings.group:
            raise ConfigError(f"group = {settings.group}: set user as well")
        return None
    try:
        user = pwd.getpwnam(settings.user)
    except KeyError:
        raise ConfigError(f"user = {settings.user}: there is no such user") from None
    try:
        gid = grp.getgrnam(settings.group).gr_gid if settings.group else user.pw_gid
    except KeyError:
        raise ConfigError(f"group = {settings.group}: there is no such group") from None
    return Account(user.pw_name, user.pw_uid, gid)


def refuse_root(uid: int, settings: Settings, contained: bool) -> None:
    """Raise ConfigError where the relay would serve the world with root's rights."""
    if uid == 0 and not contained and not settings.allow_root:
        raise ConfigError(
            "will not serve as root: set user = NAME, which is taken on after the port is bound, "
            "or start it as another user with systemd's socket (packaging/systemd); "
            "--allow-root accepts the risk by hand"
        )


def contained(root: Path = Path("/"), environ: Mapping[str, str] = os.environ) -> bool:
    """True in a container: root there is not the machine's.

    As systemd-detect-virt has it, a mark of the container's manager; or a namespace of
    processes or of users that is not the machine's own.
    """
    if any((root / mark).exists() for mark in _MARKS):
        return True
    if _manager(root, environ) not in ("", "none"):
        return True
    for kind, initial in _INITIAL.items():
        try:
            if (root / "proc/self/ns" / kind).stat().st_ino != initial:
                return True
        except OSError:
            continue
    return False


def _manager(root: Path, environ: Mapping[str, str]) -> str:
    """The variable ``container`` of process 1, which its manager sets."""
    if os.getpid() == 1:
        return environ.get("container", "")
    try:
        told = (root / "proc/1/environ").read_bytes()
    except OSError:
        return ""
    found = (part.partition(b"=")[2] for part in told.split(b"\0") if part[:10] == b"container=")
    return next(found, b"").decode("utf-8", "replace")


def make_folder(state: Path, to: Account) -> None:
    """See that the state folder is there and belongs to ``to``. Raises ConfigError."""
    try:
        if not state.exists():
            state.mkdir(parents=True, mode=0o700)
            os.chown(state, to.uid, to.gid)
        owner = state.stat().st_uid
    except OSError as error:
        raise ConfigError(f"state = {state}: {error.strerror}") from None
    if owner != to.uid:
        raise ConfigError(
            f"state = {state}: belongs to user id {owner}, not to {to.name}; "
            f"chown -R {to.name} {state}"
        )


def become(to: Account) -> None:
    """Take on the account, for good. Raises ConfigError where that is not so afterwards."""
    if os.geteuid() == to.uid:
        return
    try:
        os.initgroups(to.name, to.gid)
        os.setresgid(to.gid, to.gid, to.gid)
        os.setresuid(to.uid, to.uid, to.uid)
    except PermissionError:
        raise ConfigError(f"user = {to.name}: only root can take on another user") from None
    if not _for_good(to):
        raise ConfigError(f"user = {to.name}: the way back to root is still open")


def _for_good(to: Account) -> bool:
    if os.getresuid() != (to.uid,) * 3 or os.getresgid() != (to.gid,) * 3:
        return False
    return _fails(partial(os.setresuid, 0, 0, 0)) and _fails(partial(os.setgroups, [0]))


def _fails(call: Callable[[], None]) -> bool:
    try:
        call()
    except OSError:
        return True
    return False
