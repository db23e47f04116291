"""Patches of the Pulumi SDK that save time while a program registers its resources (`infra/fast_preview.py`)."""

import asyncio
import os
import sys
from collections.abc import Collection
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any, Final

import pulumi
from pulumi.runtime import resource, stack
from pulumi.runtime.proto import source_pb2

from infra import fast_preview

DEBUG: Final = "SYNAPSE_DEBUG"
"""Keeps the SDK's debug lines where it is set; a program cannot read the option `pulumi --debug`."""
SDK_CONSTRUCTORS: Final = 3
"""Constructors of Resource, of CustomResource or ComponentResource, and of the class that the program names."""


def patch() -> None:
    """Apply all patches, unless the switch turns them off."""
    if fast_preview.is_on():
        _drop_debug_lines()
        resource._get_stack_trace = _one_frame  # noqa: SLF001 - the SDK has no option for it
        sdk: Any = stack
        sdk.asyncio = SimpleNamespace(**{**vars(asyncio), "wait": _wait_for_all})


def _drop_debug_lines() -> None:
    """Drop the debug lines of the SDK: several per resource, and the SDK waits for the engine at each of them."""
    if DEBUG not in os.environ:
        pulumi.log.debug = lambda *_, **__: None


def _one_frame() -> source_pb2.StackTrace:
    """Return the line of the program that makes a resource, without the frames that lead to it.

    The SDK reads the source files of some twenty frames for each resource.
    """
    frame = _caller(sys._getframe(1))  # noqa: SLF001 - the SDK reads the same frames
    if frame is None:
        return source_pb2.StackTrace()
    position = source_pb2.SourcePosition(uri=Path(frame.f_code.co_filename).as_uri(), line=frame.f_lineno)
    return source_pb2.StackTrace(frames=[source_pb2.StackFrame(pc=position)])


def _caller(frame: FrameType | None) -> FrameType | None:
    """Return the frame that makes the resource, as the SDK counts: above the constructors of three classes."""
    constructors = 0
    while frame and constructors < SDK_CONSTRUCTORS:
        constructors += frame.f_code.co_name == "__init__"
        frame = frame.f_back
    return frame


async def _wait_for_all(tasks: Collection[asyncio.Task[Any]], *, return_when: str) -> Any:  # noqa: ANN401 - two sets
    """Return once all *tasks* are done or one has failed, in place of `asyncio.wait` for the first one.

    The SDK waits for the first one, and then for all others again, and again. A failure ends the program as early.
    """
    del return_when
    return await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
