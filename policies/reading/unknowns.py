"""Resource properties as plain values; values that are unknown in a preview are marked as `UNKNOWN`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pulumi_policy.proxy import UnknownValueError


class Unknown:
    """Type of `UNKNOWN`, a value that is known only during the update."""

    def __repr__(self) -> str:
        return "<unknown until the update>"


UNKNOWN: Final = Unknown()


class UnprovenError(Exception):
    """A figure that a rule needs is unknown or unreadable; the message says which one, and why."""


def plain(value: Any) -> Any:  # noqa: ANN401 - properties are JSON
    """Return *value* without the proxies of the policy SDK, which abort a rule at the first unknown value.

    The engine sends every number as a float; whole numbers become integers.
    """
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_item(value, index) for index in range(len(value))]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def mapping(value: Any) -> dict[str, Any]:  # noqa: ANN401 - properties are JSON
    """Return *value* if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def values(value: Any) -> list[Any]:  # noqa: ANN401 - properties are JSON
    """Return *value* if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def items(value: Any, name: str) -> list[dict[str, Any]]:  # noqa: ANN401 - properties are JSON
    """Return the mappings of the list *name*. Raises UnprovenError when the list or an item is unknown."""
    if value is UNKNOWN or (isinstance(value, list) and any(item is UNKNOWN for item in value)):
        raise UnprovenError(f"its {name} are not known before the update")
    return [item for item in value or [] if isinstance(item, dict)]


def _item(container: Any, key: Any) -> Any:  # noqa: ANN401 - properties are JSON
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN
