"""Label selectors: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from policies.known import items, mapping

OPERATORS: Mapping[str, Callable[[Any, Sequence[Any]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
}


def selects(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Whether *selector* picks what has *labels*; an empty one picks everything."""
    wanted, terms = mapping(selector.get("matchLabels")), items(selector.get("matchExpressions"), "matchExpressions")
    return wanted.items() <= labels.items() and all(
        OPERATORS[term["operator"]](labels.get(term["key"]), term.get("values") or []) for term in terms
    )
