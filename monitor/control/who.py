"""Who steers the relay, as the kernel knows it; what a process says of itself does not count."""

from __future__ import annotations

import pwd
import socket
import struct


def user(uid: int) -> str:
    """The name of a user id, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def peer(sock: socket.socket) -> int:
    """The user id behind a connection on a Unix socket."""
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", raw)[1])
