"""Several processes behind one port: each is the whole gateway, the kernel spreads connections over them."""

import asyncio
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Sequence

from synapse_gateway.observe.metrics import DIRECTORY

AGAIN_S = 1.0
"""Seconds before a worker that ended is started again: one that cannot start must not keep a core busy."""
log = logging.getLogger("synapse_gateway.server.workers")


async def supervise(arguments: Sequence[str], count: int) -> int:
    """Keep *count* workers with *arguments* running until SIGTERM or SIGINT; 0 when all of them ended well then."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    with tempfile.TemporaryDirectory(prefix="synapse-metrics-") as folder:
        environment = {**os.environ, DIRECTORY: folder}
        codes = await asyncio.gather(*(_keep(arguments, environment, told) for _ in range(count)))
    return max(codes)


async def _keep(arguments: Sequence[str], environment: dict[str, str], told: asyncio.Event) -> int:
    while True:
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "synapse_gateway", *arguments, env=environment, stdin=asyncio.subprocess.PIPE
        )
        ended, stop = asyncio.create_task(worker.wait()), asyncio.create_task(told.wait())
        await asyncio.wait({ended, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if told.is_set():
            return await _end(worker, ended)
        log.error("a worker ended with code %d; it is started again", ended.result())
        await asyncio.sleep(AGAIN_S)


async def _end(worker: asyncio.subprocess.Process, ended: asyncio.Task[int]) -> int:
    if not ended.done():
        worker.terminate()
    return abs(await ended)
