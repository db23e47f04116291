"""Patches that save time while a program registers its resources: with and without them, it registers the same."""

import asyncio
import contextvars
from collections.abc import Coroutine
from pathlib import Path
from types import FrameType
from typing import Any

import pulumi
import pytest
from pulumi.runtime import resource, stack
from pulumi.runtime.proto import source_pb2
from pulumi.runtime.settings import SETTINGS

from infra import fast_preview
from stacks import fast_registration
from stacks.rendering import record

Traces = list[source_pb2.StackTrace]


@pytest.fixture(autouse=True)
def undo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo the patches after each test."""
    for owner, name in ((pulumi.log, "debug"), (resource, "_get_stack_trace"), (stack, "asyncio")):
        monkeypatch.setattr(owner, name, getattr(owner, name))


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the lines that the engine receives."""
    received: list[str] = []
    monkeypatch.setattr(pulumi.log, "get_engine", lambda: received)
    monkeypatch.setattr(pulumi.log, "_log", lambda engine, _, message, *__: engine.append(message))
    return received


def test_debug_lines_of_the_sdk_are_dropped(lines: list[str]) -> None:
    pulumi.log.debug("before")
    fast_registration.patch()
    pulumi.log.debug("after")
    pulumi.log.info("information")
    assert lines == ["before", "information"]


@pytest.mark.parametrize(("variable", "value"), [(fast_registration.DEBUG, "1"), (fast_preview.SWITCH, "0")])
def test_debug_lines_can_be_kept(lines: list[str], monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    fast_registration.patch()
    pulumi.log.debug("after")
    assert lines == ["after"]


class Part(pulumi.ComponentResource):
    def __init__(self, name: str) -> None:
        super().__init__("test:parts:Part", name)


def program() -> None:
    Part("part")


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> Traces:
    """Return the stack traces that are sent with resources, of whichever function is in force as a program runs."""
    sent: Traces = []
    of_position = resource._get_source_position

    def keep(trace: source_pb2.StackTrace) -> source_pb2.SourcePosition | None:
        sent.append(trace)
        return of_position(trace)

    monkeypatch.setattr(resource, "_get_source_position", keep)
    return sent


def test_the_engine_is_sent_the_line_that_makes_a_resource(traces: Traces) -> None:
    record(program)
    theirs = traces[-1]
    fast_registration.patch()
    record(program)
    ours = traces[-1]
    assert [frame.pc for frame in ours.frames] == [theirs.frames[0].pc]
    assert ours.frames[0].pc.uri == Path(__file__).as_uri()
    assert len(theirs.frames) > 1


def test_a_resource_without_three_constructors_has_no_line() -> None:
    frame: FrameType | None = None
    assert fast_registration._caller(frame) is None


async def _late(turns: int, ended: list[int] | None = None) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)
    if ended is not None:
        ended.append(turns)


async def _failed() -> None:
    raise ValueError("no such value")


async def _end_of_program(*outputs: Coroutine[Any, Any, None]) -> None:
    """Wait for *outputs* as the SDK does when the code of a program has run."""
    SETTINGS.outputs.update(map(asyncio.ensure_future, outputs))
    await stack.wait_for_rpcs()


def finish(*outputs: Coroutine[Any, Any, None]) -> None:
    contextvars.Context().run(asyncio.run, _end_of_program(*outputs))


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the number of outputs at each wait."""
    sizes: list[int] = []
    wait = asyncio.wait

    async def counted(tasks: Any, **options: Any) -> Any:
        sizes.append(len(tasks))
        return await wait(tasks, **options)

    monkeypatch.setattr(asyncio, "wait", counted)
    return sizes


def test_outputs_are_awaited_together(waits: list[int]) -> None:
    finish(*(_late(10 * number) for number in range(1, 5)))
    assert waits == [4, 3, 2, 1]
    waits.clear()
    fast_registration.patch()
    finish(*(_late(10 * number) for number in range(1, 5)))
    assert waits == [4]


def test_a_failed_output_ends_the_program_before_the_others() -> None:
    ended: list[int] = []
    fast_registration.patch()
    with pytest.raises(ValueError, match="no such value"):
        finish(_late(1000, ended), _failed())
    assert ended == []
