"""Model list of a router: merged shards, and the context size."""

from typing import Any

import pytest

from synapse_gateway.upstream.models.listing import context_tokens, merged


def _part(number: int, state: str, *, failed: bool = False) -> dict[str, Any]:
    return {"id": f"big-{number:05d}-of-00003", "status": {"value": state, **({"failed": True} if failed else {})}}


@pytest.mark.parametrize(
    ("states", "value"),
    [
        (("unloaded", "loading", "loaded"), "loaded"),
        (("unloaded", "sleeping", "loading"), "sleeping"),
        (("unloaded", "loading", "unloading"), "loading"),
        (("unloaded", "unloaded", "unloading"), "unloading"),
        (("unloaded", "unloaded", "unloaded"), "unloaded"),
    ],
)
def test_shards_are_merged(states: tuple[str, ...], value: str) -> None:
    parts = [_part(number, state) for number, state in zip((3, 1, 2), states, strict=True)]
    (one,) = merged(parts)
    assert one == {"id": "big-00001-of-00003", "status": {"value": value}}


def test_a_failed_shard_fails_the_model() -> None:
    (one,) = merged([_part(1, "unloaded"), _part(2, "unloaded", failed=True)])
    assert one["status"] == {"value": "unloaded", "failed": True}


def test_other_models_keep_their_order() -> None:
    entries: list[dict[str, Any]] = [
        {"id": "b"},
        {"id": "a", "status": 7},
        _part(1, "loaded"),
        {"id": "big-00001-of-00002"},
    ]
    assert merged(entries) == entries


@pytest.mark.parametrize(
    ("args", "tokens"),
    [
        (["x", "--ctx-size", "4096", "--ctx-size", "1"], 4096),
        (["--ctx-size"], None),
        (["--ctx-size", "many"], None),
        ([], None),
        ("--ctx-size 4096", None),
    ],
)
def test_the_context_size_is_read_from_the_arguments(args: Any, tokens: int | None) -> None:
    assert context_tokens([{"id": "a"}, {"id": "b", "status": {"args": args}}]) == tokens
