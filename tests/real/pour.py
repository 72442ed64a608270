"""Clients that pour blank lines, all at once, from a process of their own.

``python pour.py PORT CLIENTS MEGABYTES`` prints the reply of each to the end of its message.
"""

from __future__ import annotations

import asyncio
import sys

PIECE = b"\r\n" * 32_768


async def pour(port: int, megabytes: int) -> str:
    """One client; its last reply."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.readline()
    for line in (
        b"HELO pour.test",
        b"MAIL FROM:<a@sender.test>",
        b"RCPT TO:<x@sink.test>",
        b"DATA",
    ):
        writer.write(line + b"\r\n")
        answer = await reader.readline()
        assert answer[:1] in b"23", answer
    for _ in range(megabytes * 16):
        writer.write(PIECE)
        await writer.drain()
    writer.write(b".\r\n")
    answer = await reader.readline()
    writer.close()
    return answer.decode().rstrip()


async def main(port: int, clients: int, megabytes: int) -> None:
    """Pour, and print."""
    print(*await asyncio.gather(*(pour(port, megabytes) for _ in range(clients))), sep="\n")


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:4])))
