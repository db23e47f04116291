"""Each resource is converted once for all rules: the policy SDK does it again for each of them."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from pulumi_policy import policy

from policies.reading import objects

REMEMBERED = 1024
"""Conversions: more than a stack has, so that its last check finds them too."""
Convert = Callable[..., Any]


class Once:
    """A conversion that remembers its answers; an argument is known by its identity, and kept so that this holds."""

    def __init__(self, convert: Convert) -> None:
        self._convert = convert
        self._known: dict[int, tuple[object, Any]] = {}

    def __call__(self, value: object, *how: object) -> Any:  # noqa: ANN401 - whatever the conversion gives
        if how:
            return self._convert(value, *how)
        known = self._known.get(id(value))
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[id(value)] = value, self._convert(value)
        return known[1]


def remember() -> None:
    """Let the SDK and the rules share what a resource was converted to. No rule changes what it is given."""
    shared: Any = policy
    rules: Any = objects
    shared.json_format = SimpleNamespace(MessageToDict=Once(shared.json_format.MessageToDict))
    shared.deserialize_properties = Once(shared.deserialize_properties)
    shared.unknown_checking_proxy = Once(shared.unknown_checking_proxy)
    rules.plain = Once(rules.plain)
