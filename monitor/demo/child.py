"""The relay as a child process, which ends with its parent.

The parent writes the settings as one line of JSON on standard input and keeps it open; the
child answers with the address that it listens on, and drains and ends at the end of file.
So not even a parent that is killed leaves a relay behind.
"""

from __future__ import annotations

import asyncio
import sys

import msgspec

from monitor.config import ConfigError, Log, Settings
from monitor.daemon import logs
from monitor.demo.parent import parent
from monitor.service import Service, ServiceError


async def _serve() -> None:
    reader = await parent()
    settings = Settings.model_validate_json(await reader.readline())
    async with Service(settings) as service:
        print(msgspec.json.encode(service.listening[0]).decode(), flush=True)
        await reader.read()


if __name__ == "__main__":
    logs.start(Log(level="warning"))
    try:
        asyncio.run(_serve())
    except (ConfigError, ServiceError) as error:
        sys.exit(str(error))
