"""``mxtap serve``: the relay alone. SIGTERM and SIGINT drain it."""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal
import sys

from monitor.config import ConfigError, Settings
from monitor.daemon import logs
from monitor.service import Service, ServiceError


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    from monitor.cli import relay_options

    relay_options(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Serve until told to stop."""
    logs.start(settings.log)
    try:
        return asyncio.run(_serve(settings))
    except ServiceError as error:
        print(f"mxtap: {error}", file=sys.stderr)
        return 1


async def _serve(settings: Settings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Service(settings) as service:
        where = " ".join(
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            for host, port in service.listening
        )
        # What start-up made lives as long as the relay: the collector need not stop the loop
        # to look at it again.
        gc.collect()
        gc.freeze()
        print(f"READY {where}", flush=True)
        await stop.wait()
    return 0


__all__ = ["ConfigError", "configure", "run"]
