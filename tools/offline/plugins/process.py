"""Server process of a plugin: serve on one port until the engine ends."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import grpc

PARENT_CHECK_S: Final = 0.5
SIGNAL_CHECK_S: Final = 1.0
CALLS: Final = 512  # concurrent calls: each resource that waits to become ready holds one
MESSAGE_BYTES: Final = 400 * 1024 * 1024  # the engine's own limit


def serve(register: Callable[[grpc.Server], object], at_end: Callable[[], object]) -> None:
    """Serve on a free port of loopback, printed as the first line, until a signal or the end of the engine.

    `at_end` is called once before the process ends.
    """
    logging.getLogger("grpc").setLevel(logging.CRITICAL)  # else it prints a traceback for each missing method
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    server = grpc.server(ThreadPoolExecutor(CALLS), options=[("grpc.max_receive_message_length", MESSAGE_BYTES)])
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    watch_parent(ended.set)
    while not ended.wait(SIGNAL_CHECK_S):  # a wait without a timeout would miss a signal to another thread
        pass
    at_end()
    server.stop(grace=None)
    os._exit(0)  # do not wait for threads that wait for a cluster


def watch_parent(gone: Callable[[], object]) -> None:
    """Call `gone` soon after the parent process has ended."""
    parent = os.getppid()

    def watch() -> None:
        never = threading.Event()
        while os.getppid() == parent:
            never.wait(PARENT_CHECK_S)
        gone()

    threading.Thread(target=watch, daemon=True).start()


def engine_address(arguments: list[str]) -> str:
    """Return the engine's address: the last argument of every plugin."""
    return arguments[-1] if len(arguments) > 1 else ""
