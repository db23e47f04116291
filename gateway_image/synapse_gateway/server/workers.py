"""Worker processes that share one port: each is a complete gateway, the kernel distributes connections over them."""

import asyncio
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Sequence

from synapse_gateway.observe.metrics import DIRECTORY

RESTART_DELAY_S = 1.0
"""Seconds before a worker that ended is restarted: one that cannot start must not keep a core busy."""
log = logging.getLogger("synapse_gateway.server.workers")


async def supervise(arguments: Sequence[str], count: int) -> int:
    """Keep *count* workers with *arguments* running until SIGTERM or SIGINT; return 0 if all then ended well."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with tempfile.TemporaryDirectory(prefix="synapse-metrics-") as folder:
        environment = {**os.environ, DIRECTORY: folder}
        codes = await asyncio.gather(*(_keep_running(arguments, environment, stop) for _ in range(count)))
    return max(codes)


async def _keep_running(arguments: Sequence[str], environment: dict[str, str], stop: asyncio.Event) -> int:
    while True:
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "synapse_gateway", *arguments, env=environment, stdin=asyncio.subprocess.PIPE
        )
        ended, stopped = asyncio.create_task(worker.wait()), asyncio.create_task(stop.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if stop.is_set():
            return await _terminate(worker, ended)
        log.error("a worker ended with code %d; restarting it", ended.result())
        await asyncio.sleep(RESTART_DELAY_S)


async def _terminate(worker: asyncio.subprocess.Process, ended: asyncio.Task[int]) -> int:
    if not ended.done():
        worker.terminate()
    return abs(await ended)
