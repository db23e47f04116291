"""How a plugin lives and ends: one port, and no longer than the engine that started it."""

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
CALLS: Final = 512  # at once: every resource that waits to become ready holds one
MESSAGE_BYTES: Final = 400 * 1024 * 1024  # as much as the engine accepts


def serve(register: Callable[[grpc.Server], object], at_end: Callable[[], object]) -> None:
    """Serve on a free port of loopback, printed as the first line, until the engine is done with us or gone.

    `at_end` is called once, whichever way it ends.
    """
    logging.getLogger("grpc").setLevel(logging.CRITICAL)  # it prints a traceback for every method we do not have
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
    while not ended.wait(SIGNAL_CHECK_S):  # a signal that another thread is given does not end a wait without an end
        pass
    at_end()
    server.stop(grace=None)
    os._exit(0)  # threads that wait for a cluster must not hold it up


def watch_parent(gone: Callable[[], object]) -> None:
    """Call `gone` soon after the parent has died, however it died."""
    parent = os.getppid()

    def watch() -> None:
        never = threading.Event()
        while os.getppid() == parent:
            never.wait(PARENT_CHECK_S)
        gone()

    threading.Thread(target=watch, daemon=True).start()


def engine_address(arguments: list[str]) -> str:
    """Where the engine listens: the last argument of every plugin."""
    return arguments[-1] if len(arguments) > 1 else ""
