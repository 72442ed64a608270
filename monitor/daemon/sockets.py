"""Sockets that the service manager opened and passed on (sd_listen_fds(3)).

The relay then needs no right to bind port 25, and clients that come while it restarts wait in
the kernel's queue instead of being refused.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping

from monitor.config import ConfigError

FIRST = 3  # SD_LISTEN_FDS_START


def inherited(
    environ: MutableMapping[str, str], pid: int, first: int = FIRST
) -> list[socket.socket]:
    """The listening TCP sockets that were passed to process ``pid``; none is usual.

    Takes the variables that tell of them out of ``environ``, so that no child believes them.
    Raises ConfigError for a socket on which no SMTP client can come.
    """
    told = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    names = environ.pop("LISTEN_FDNAMES", "").split(":")
    if told[0] != str(pid):
        return []
    if not told[1].isdigit():
        raise ConfigError(f"environment: LISTEN_FDS = {told[1]!r} is no number of sockets")
    found: list[socket.socket] = []
    for number in range(int(told[1])):
        name = names[number] if number < len(names) and names[number] else str(first + number)
        try:
            os.set_inheritable(first + number, False)
            found.append(_listening(socket.socket(fileno=first + number)))
        except (OSError, ValueError) as error:
            for sock in found:
                sock.close()
            raise ConfigError(
                f"socket {name} of the service manager: {error}; "
                "mxtap takes ListenStream=ADDRESS:PORT with Accept=no"
            ) from None
    return found


def _listening(sock: socket.socket) -> socket.socket:
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or sock.type != socket.SOCK_STREAM:
        raise ValueError("is not a TCP socket")
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise ValueError("does not listen")
    sock.setblocking(False)
    return sock
