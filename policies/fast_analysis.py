"""Patches of the policy SDK that save time while a pack checks resources (`infra/fast_preview.py`).

For each rule the SDK converts the resource again, with its options and its provider. No rule changes its arguments, so
the rules share one conversion. Before that the SDK converts the resource to be changed by rules, which none does. The
engine waits for both, one resource after the other.
"""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, Final

from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import policy

from infra import fast_preview
from policies.reading import objects as reading

MAX_CONVERSIONS: Final = 1024
"""More than the resources of a stack, so that its last check still finds all conversions."""
PARTS: Final = ("_get_resource_options", "_get_provider_resource")
"""Methods of the SDK's server that convert a part of a request."""
Convert = Callable[..., Any]


def patch() -> None:
    """Apply all patches, unless the switch turns them off."""
    if not fast_preview.is_on():
        return
    sdk: Any = policy
    objects: Any = reading
    sdk.json_format = SimpleNamespace(MessageToDict=Memo(sdk.json_format.MessageToDict))
    sdk.deserialize_properties = Memo(sdk.deserialize_properties)
    sdk.unknown_checking_proxy = Memo(sdk.unknown_checking_proxy)
    objects.plain = Memo(objects.plain)
    servicer = sdk._PolicyAnalyzerServicer  # noqa: SLF001 - the SDK has no public access to it
    for name in PARTS:
        setattr(servicer, name, _of_request(Memo(partial(getattr(servicer, name), None))))
    servicer.Remediate = lambda *_: analyzer_pb2.RemediateResponse()


def _of_request(memo: Convert) -> Convert:
    """Return a method of the SDK's server that converts a part of a request with *memo*."""
    return lambda _, request: memo(request)


class Memo:
    """A conversion that keeps its results by the identity of the argument, and keeps the argument alive for that."""

    def __init__(self, convert: Convert) -> None:
        self._convert = convert
        self._results: dict[int, tuple[object, Any]] = {}

    def __call__(self, value: object, *options: object) -> Any:  # noqa: ANN401 - the result of any conversion
        if options:
            return self._convert(value, *options)
        entry = self._results.get(id(value))
        if entry is None:
            if len(self._results) >= MAX_CONVERSIONS:
                self._results.clear()
            entry = self._results[id(value)] = value, self._convert(value)
        return entry[1]
