"""Real Redis on a free port, and a proxy to it that can be cut, slowed down or blocked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Self

from redis.asyncio import Redis

from tests.ports import reserved_port
from tools.offline.debian import program

CHANNEL = "synapse:terminal_feed"


class RedisServer:
    """One `redis-server` that ends with the block; it keeps its port while it is stopped."""

    def __init__(self, folder: Path, *arguments: str, password: str = "") -> None:
        self._folder, self._arguments, self._password = folder, arguments, password
        self._process: asyncio.subprocess.Process | None = None
        self._holds = ExitStack()
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def client(self) -> Redis:
        return Redis.from_url(self.url)

    async def start(self) -> None:
        command: tuple[str | Path, ...] = (
            *(program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self._folder),
            *("--save", "", "--appendonly", "no", "--daemonize", "no", *self._arguments),
        )
        self._process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert self._process.stdout is not None
        while b"Ready to accept" not in (line := await self._process.stdout.readline()):
            assert line, "redis-server ended before it was ready"

    async def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.communicate()
            self._process = None

    async def __aenter__(self) -> Self:
        self.port = self._holds.enter_context(reserved_port())
        await self.start()
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.stop()
        self._holds.close()

    @asynccontextmanager
    async def listener(self) -> AsyncIterator[asyncio.Queue[bytes]]:
        """Subscribe to the channel; yield a queue of its messages."""
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        async with self.client() as client, client.pubsub() as channel:
            await channel.subscribe(CHANNEL)
            await channel.get_message(timeout=60)

            async def listen() -> None:
                async for message in channel.listen():
                    if message["type"] == "message":
                        heard.put_nowait(message["data"])

            task = asyncio.create_task(listen())
            try:
                yield heard
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


class Proxy:
    """Proxy to *port*: `delay_s` delays responses; while `is_open` is clear, data is reserved_port back silently."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.delay_s = 0.0
        self.connections = 0
        self.arrived = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *failure: object) -> None:
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def cut(self) -> None:
        """End every connection."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.arrived.set()
        there, back = await asyncio.open_connection("127.0.0.1", self._upstream)
        self._writers |= {writer, back}
        for pair, delays in (((reader, back), False), ((there, writer), True)):
            task = asyncio.create_task(self._pump(*pair, delays=delays))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, delays: bool) -> None:
        try:
            while data := await reader.read(65536):
                await self.is_open.wait()
                if delays:
                    await asyncio.sleep(self.delay_s)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()
            self._writers.discard(writer)
