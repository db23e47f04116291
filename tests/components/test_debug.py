"""The engine is spared what nobody reads, unless somebody does."""

import pulumi
import pytest

from stacks import debug


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the engine is told of, while the SDK's own function is in its place again after the test."""
    heard: list[str] = []
    monkeypatch.setattr(pulumi.log, "get_engine", lambda: heard)
    monkeypatch.setattr(pulumi.log, "_log", lambda engine, _, message, *__: engine.append(message))
    monkeypatch.setattr(pulumi.log, "debug", pulumi.log.debug)
    return heard


def test_the_sdk_speaks_to_nobody(told: list[str]) -> None:
    pulumi.log.debug("before")
    debug.leave_out()
    pulumi.log.debug("after")
    pulumi.log.info("for everybody")
    assert told == ["before", "for everybody"]


def test_it_speaks_to_who_asks(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(debug.KEEP, "1")
    debug.leave_out()
    pulumi.log.debug("after")
    assert told == ["after"]
