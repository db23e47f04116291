"""Label selectors: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from policies.reading.unknowns import UNKNOWN, UnprovenError, items, mapping, values

OPERATORS: Mapping[str, Callable[[Any, Sequence[Any]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
}


def selects(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Return True if *selector* selects *labels*; an empty one selects everything."""
    required, terms = mapping(selector.get("matchLabels")), items(selector.get("matchExpressions"), "matchExpressions")
    return required.items() <= labels.items() and all(
        _operator(term)(labels.get(term["key"]), values(term.get("values"))) for term in terms
    )


def _operator(term: Mapping[str, Any]) -> Callable[[Any, Sequence[Any]], bool]:
    """Return the operator of *term*. Raises UnprovenError for one that is not known yet."""
    if UNKNOWN in (term.get("operator"), term.get("key"), term.get("values")):
        raise UnprovenError("a label selector is not known before the update")
    return OPERATORS[term["operator"]]
