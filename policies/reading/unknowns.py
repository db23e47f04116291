"""Resource properties as plain values; what a preview cannot know yet is marked, and spoils nothing beside it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pulumi_policy.proxy import UnknownValueError


class Unknown:
    """A value that the engine learns during the update; there is one instance, `UNKNOWN`."""

    def __repr__(self) -> str:
        return "<unknown until the update>"


UNKNOWN: Final = Unknown()


class UnprovenError(Exception):
    """A figure that a rule needs and cannot have; the message says which, and why."""


def plain(value: Any) -> Any:  # noqa: ANN401 - properties are JSON
    """*value* without the policy SDK's proxies, which abort a whole rule at the first unknown they meet.

    The engine sends every number as a float; a whole one is a whole one here.
    """
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_item(value, index) for index in range(len(value))]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def mapping(value: Any) -> dict[str, Any]:  # noqa: ANN401 - properties are JSON
    """*value* if it is a mapping, else an empty one: for parts that a rule can do without."""
    return value if isinstance(value, dict) else {}


def values(value: Any) -> list[Any]:  # noqa: ANN401 - properties are JSON
    """*value* if it is a list, else an empty one: for parts that a rule can do without."""
    return value if isinstance(value, list) else []


def items(value: Any, what: str) -> list[dict[str, Any]]:  # noqa: ANN401 - properties are JSON
    """The mappings of a list. Raises UnprovenError when *what* is unknown, or one of them is."""
    if value is UNKNOWN or (isinstance(value, list) and any(item is UNKNOWN for item in value)):
        raise UnprovenError(f"its {what} are not known before the update")
    return [item for item in value or [] if isinstance(item, dict)]


def _item(container: Any, key: Any) -> Any:  # noqa: ANN401 - properties are JSON
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN
