"""How a child process of the demo knows that its parent is gone."""

from __future__ import annotations

import asyncio
import signal
import sys


async def parent() -> asyncio.StreamReader:
    """Standard input; SIGTERM ends it, as the parent's end does."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    loop.add_signal_handler(signal.SIGTERM, reader.feed_eof)
    return reader
