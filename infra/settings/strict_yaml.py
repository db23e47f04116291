"""YAML of a stack file: a key that stands twice is an error, as it is for Pulumi; PyYAML keeps the last one."""

from collections.abc import Hashable
from typing import Any

import yaml


class StrictLoader(yaml.SafeLoader):
    """Loader that refuses duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - as PyYAML
        seen: dict[object, yaml.Mark] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                before = seen[key.value].line + 1
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value} stands twice, first in line {before}", key.start_mark
                )
            seen[key.value] = key.start_mark
        return super().construct_mapping(node, deep)


def load(text: str) -> Any:  # noqa: ANN401 - YAML holds anything
    """Return the document. Raises yaml.YAMLError."""
    return yaml.load(text, StrictLoader)  # noqa: S506 - it is a SafeLoader


def reason(error: yaml.YAMLError) -> str:
    """Return the error as one line, with the line of the file where it has one."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return " ".join(str(problem).split()) + (f" (line {mark.line + 1})" if mark else "")
