"""Root is refused outside of a container, and given up for good where a user is set."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.config import ConfigError, Settings
from monitor.daemon import privileges
from monitor.daemon.privileges import Account, account, contained, make_folder, refuse_root

Require = Callable[[object, str], None]


@pytest.mark.parametrize(
    ("uid", "asked", "container", "refused"),
    [
        (0, False, False, True),
        (0, True, False, False),
        (0, False, True, False),
        (1000, False, False, False),
    ],
)
def test_who_may_serve(uid: int, asked: bool, container: bool, refused: bool) -> None:
    settings = Settings(allow_root=asked)
    if refused:
        with pytest.raises(ConfigError, match=r"user = NAME.*--allow-root"):
            refuse_root(uid, settings, container)
    else:
        refuse_root(uid, settings, container)


@pytest.mark.parametrize("command", ["serve", "run"])
def test_root_is_wrong_usage(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("MXTAP_ALLOW_ROOT", raising=False)
    monkeypatch.setattr(privileges, "contained", lambda: False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert main([command, "--state", str(tmp_path), "--listen", "127.0.0.1:0"]) == 2
    assert "will not serve as root" in capsys.readouterr().err
    assert not list(tmp_path.iterdir()), "nothing was touched"


def machine(root: Path, *, pid: bytes = b"", marks: tuple[str, ...] = ()) -> Path:
    """A file system with process 1's environment and marks in it."""
    (root / "proc" / "1").mkdir(parents=True)
    (root / "proc" / "1" / "environ").write_bytes(pid)
    for mark in marks:
        (root / mark).parent.mkdir(parents=True, exist_ok=True)
        (root / mark).write_text("podman")
    return root


@pytest.mark.parametrize(
    ("pid", "marks", "expected"),
    [
        (b"PATH=/bin\0HOME=/\0", (), False),
        (b"PATH=/bin\0container=lxc\0", (), True),
        (b"not_container=lxc\0", (), False),
        (b"container=\0", (), False),
        (b"container=none\0", (), False),
        (b"", ("run/.containerenv",), True),
        (b"", (".dockerenv",), True),
        (b"", ("run/host/container-manager",), True),
    ],
)
def test_a_container_is_told_by_its_manager(
    tmp_path: Path, pid: bytes, marks: tuple[str, ...], expected: bool
) -> None:
    assert contained(machine(tmp_path, pid=pid, marks=marks), {}) is expected


@pytest.mark.parametrize("kind", ["pid", "user"])
def test_a_container_is_told_by_its_namespaces(tmp_path: Path, kind: str) -> None:
    root = machine(tmp_path)
    (root / "proc/self/ns").mkdir(parents=True)
    (root / "proc/self/ns" / kind).write_text("")  # an inode that is not the machine's own
    assert contained(root, {})


def test_the_settings_name_an_account_that_exists() -> None:
    assert account(Settings()) is None
    found = account(Settings(user="nobody", group="daemon"))
    assert found is not None
    assert (found.name, found.uid) == ("nobody", 65534)
    for settings, told in (
        (Settings(user="no-such-user"), "user = no-such-user"),
        (Settings(user="nobody", group="no-such-group"), "group = no-such-group"),
        (Settings(group="daemon"), "set user as well"),
    ):
        with pytest.raises(ConfigError, match=told):
            account(settings)


def test_a_state_folder_of_another_names_the_mend(tmp_path: Path) -> None:
    me = Account("me", os.geteuid(), os.getegid())
    make_folder(tmp_path / "a" / "state", me)
    make_folder(tmp_path / "a" / "state", me)
    with pytest.raises(ConfigError, match="chown -R other"):
        make_folder(tmp_path / "a" / "state", Account("other", os.geteuid() + 1, 0))


DROP = """
import os, sys
from monitor.daemon.privileges import Account, become
become(Account("nobody", 65534, int(sys.argv[1])))
print(os.getresuid(), os.getresgid(), os.getgroups())
for back in (lambda: os.setuid(0), lambda: os.setgroups([0]), lambda: open("/etc/shadow")):
    try:
        back()
    except OSError:
        print("no")
"""


def test_root_is_given_up_for_good(require: Require) -> None:
    require(os.geteuid() == 0, "only root can become another")
    done = subprocess.run(
        [sys.executable, "-c", DROP, "65534"], capture_output=True, text=True, check=True
    )
    ids, *tries = done.stdout.splitlines()
    assert ids == "(65534, 65534, 65534) (65534, 65534, 65534) [65534]"
    assert tries == ["no", "no", "no"]


def test_a_way_back_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    to = Account("nobody", 65534, 65534)
    for call in ("initgroups", "setresgid", "setresuid", "setgroups"):
        monkeypatch.setattr(os, call, lambda *args: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(ConfigError, match="still open"):
        privileges.become(to)
    monkeypatch.setattr(os, "getresuid", lambda: (65534,) * 3)
    monkeypatch.setattr(os, "getresgid", lambda: (65534,) * 3)
    with pytest.raises(ConfigError, match="still open"):
        privileges.become(to)
