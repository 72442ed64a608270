"""The relay as a child process, which ends with its parent.

The parent writes the settings as one line of JSON on standard input and keeps it open; the
child answers with the address that it listens on, and drains and ends at the end of file.
So not even a parent that is killed leaves a relay behind.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

import msgspec

from monitor.config import Settings
from monitor.service import Service


async def serve() -> None:
    """Serve until standard input ends."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    settings = Settings.model_validate_json(await reader.readline())
    loop.add_signal_handler(signal.SIGTERM, reader.feed_eof)
    async with Service(settings) as service:
        print(msgspec.json.encode(service.listening[0]).decode(), flush=True)
        await reader.read()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(serve())
