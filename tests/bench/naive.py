"""aiosmtpd without checks, for comparison: ``naive.py bare PORT`` or ``naive.py proxy PORT SINK``.

``bare`` throws messages away; ``proxy`` hands each on by smtplib, as aiosmtpd's own Proxy does.
"""

from __future__ import annotations

import asyncio
import sys

from aiosmtpd.handlers import Proxy, Sink
from aiosmtpd.smtp import SMTP

LARGEST = 64 * 1024 * 1024


async def serve(handler: object, port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(handler, data_size_limit=LARGEST, loop=loop), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    kind, port, *sink = sys.argv[1:]
    handler = Sink() if kind == "bare" else Proxy("127.0.0.1", int(sink[0]))
    asyncio.run(serve(handler, int(port)))
