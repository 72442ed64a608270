"""``mxtap serve``: the relay alone. SIGTERM and SIGINT drain it, SIGHUP renews its certificate."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys

from monitor.config import ConfigError, Settings
from monitor.daemon import files, heap, logs, privileges
from monitor.daemon.notify import Manager
from monitor.daemon.sockets import inherited
from monitor.health import shown
from monitor.relay.listener import COMMIT_GRACE, ListenError, bind
from monitor.service import Service, ServiceError

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    from monitor.cli import relay_options

    relay_options(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Serve until told to stop."""
    logs.start(settings.log)
    files.enough_for(settings)
    try:
        sockets = _take_up(settings)
        return asyncio.run(_serve(settings, sockets))
    except (ListenError, ServiceError) as error:
        print(f"mxtap: {error}", file=sys.stderr)
        return 1


def _take_up(settings: Settings) -> list[socket.socket]:
    """The sockets to serve on, and the user to serve as. Raises ConfigError, ListenError."""
    to = privileges.serve_as(settings)
    sockets = inherited(os.environ, os.getpid())
    if to is not None:
        sockets = sockets or bind(settings.listen)
        privileges.make_folder(settings.state, to)
        privileges.become(to)
    return sockets


async def _serve(settings: Settings, sockets: list[socket.socket]) -> int:
    stop, reload = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    manager = Manager(os.environ)
    async with Service(settings, sockets) as service:
        where = " ".join(shown(address) for address in service.listening)
        heap.settle()
        print(f"READY {where}", flush=True)
        log.info("serving on %s", where)
        manager.ready(service.health.summary())
        telling = asyncio.create_task(
            manager.keep_told(lambda: service.alive, service.health.summary)
        )
        reloading = asyncio.create_task(_reload(reload, service, manager))
        await stop.wait()
        log.info("draining: %d sessions", service.health.front.sessions)
        telling.cancel()
        reloading.cancel()
        manager.stopping(settings.limits.drain + COMMIT_GRACE)
    return 0


async def _reload(asked: asyncio.Event, service: Service, manager: Manager) -> None:
    while await asked.wait():
        asked.clear()
        manager.reloading()
        await service.reload()
        manager.ready(service.health.summary())


__all__ = ["ConfigError", "configure", "run"]
