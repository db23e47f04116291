"""Conditions of the annotation `pulumi.com/waitFor`: `condition=NAME[=VALUE]` and `jsonpath={PATH}[=VALUE]`."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from tools.offline.plugins.kubernetes.awaiting.rule import Progress, Rule, Wait
from tools.offline.plugins.kubernetes.errors import KubernetesError, UnsupportedError
from tools.offline.plugins.kubernetes.objects import annotation, at
from tools.offline.plugins.values import Object

WAIT_FOR: Final = "pulumi.com/waitFor"
STEP: Final = re.compile(r"""\.([\w/-]+)|\[(\d+)\]|\['([^']+)'\]|\[\?\(@\.(\w+)\s*==\s*["']([^"']*)["']\)\]|(\[\*\])""")
JSON_PATH: Final = re.compile(r"\{\s*\$?(.*?)\s*\}(?:=(.+))?")
Condition = Callable[[Object], bool]


class ExpressionRule(Rule):
    """All expressions of the annotation hold; they replace the rule of the kind."""

    is_read = False

    def __init__(self, wait: Wait) -> None:
        super().__init__(wait)
        self._conditions = list(_conditions(annotation(wait.applied, WAIT_FOR)))

    def look(self, live: Object) -> Progress:
        return Progress(is_ready=all(holds(live) for holds in self._conditions))

    def timeout_message(self, name: str) -> str:
        return "timed out waiting for the condition"

    cancel_message = timeout_message


def _conditions(text: str) -> Iterator[Condition]:
    try:
        values = json.loads(text)
    except ValueError:
        values = [text]
    for value in values if isinstance(values, list) else [text]:
        yield _condition(str(value))
    if values == []:
        raise KubernetesError("at least one condition must be specified")


def _condition(text: str) -> Condition:
    kind, _, rest = text.partition("=")
    if kind == "condition":
        name, _, status = rest.partition("=")
        return lambda live: _has_condition(live, name, status or "True")
    if kind != "jsonpath":
        raise KubernetesError(f'expected a "jsonpath=" or "condition=" prefix, got "{text}"')
    match = JSON_PATH.fullmatch(rest)
    if match is None:
        raise KubernetesError(f"format should be {{.path}}=value or {{.path}}, got {json.dumps(rest)}")
    steps, value = _steps(match[1]), match[2]
    return lambda live: _matches(live, steps, value)


def _has_condition(live: Object, name: str, status: str) -> bool:
    for each in at(live, "status", "conditions", default=[]):
        if str(each.get("type")).lower() == name.lower():
            observed = each.get("observedGeneration", at(live, "status", "observedGeneration"))
            is_stale = observed is not None and observed < at(live, "metadata", "generation", default=0)
            return not is_stale and str(each.get("status")).lower() == status.lower()
    return False


def _steps(path: str) -> list[re.Match[str]]:
    steps = list(STEP.finditer(path))
    if "".join(step[0] for step in steps) != path:
        raise UnsupportedError(
            f"{WAIT_FOR}: got the JSONPath {path}; accepted by the stand-in: fields, indexes, [*] and "
            '[?(@.field=="value")]; the official plugin knows all of JSONPath'
        )
    return steps


def _matches(live: Object, steps: list[re.Match[str]], value: str | None) -> bool:
    values: list[Any] = [live]
    for step in steps:
        values = [each for item in values for each in _selected(item, step)]
    if not values:
        return False
    text = str(values[0]).lower() if isinstance(values[0], bool) else str(values[0])
    return value is None or text == value


def _selected(item: Any, step: re.Match[str]) -> list[Any]:  # noqa: ANN401 (any JSON)
    field, index, quoted, key, expected, every = step.groups()
    if (name := field or quoted) is not None:
        return [item[name]] if isinstance(item, dict) and name in item else []
    if not isinstance(item, list):
        return []
    if index is not None:
        return item[int(index) : int(index) + 1]
    return item if every else [each for each in item if str(each.get(key)) == expected]
