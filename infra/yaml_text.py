"""YAML of configuration files that the program writes: keys in the order given, safe types alone."""

from typing import Any

import yaml

DUMPER: type[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""libyaml's, which writes the same text in a tenth of the time; PyYAML may be built without it."""


def yaml_text(document: object) -> str:
    """Return *document* (mappings, lists and scalars) as YAML. Raises yaml.YAMLError for other types."""
    return str(yaml.dump(document, Dumper=DUMPER, sort_keys=False))
