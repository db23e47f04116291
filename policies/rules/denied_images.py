"""Versions that are known to be harmful do not run: LiteLLM 1.82.7 and 1.82.8 on PyPI were malicious."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from policies.reading.claims import Container, containers
from policies.reading.objects import Object
from policies.reading.pods import pods
from policies.reading.unknowns import values
from policies.rule import Config, object_rule

DENIED: Mapping[str, tuple[str, ...]] = {"litellm": ("1.82.7", "1.82.8")}
SCHEMA: Mapping[str, dict[str, Any]] = {
    "denied": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
        "description": "More of them: a part of the image's or package's name -> versions, tags or digests.",
    }
}


def _check(found: Object, config: Config) -> Iterator[str]:
    denied = _denied(config.get("denied", {}))
    for pod in pods(found):
        for container in containers(pod.spec):
            for name, version in denied:
                if _runs(container, name, version):
                    yield f"container {container.get('name')} runs {name} {version}, which is denied; use another one"


def _denied(more: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    pairs = ((name, version) for table in (DENIED, more) for name, versions in table.items() for version in versions)
    return list(dict.fromkeys(pairs))


def _runs(container: Container, name: str, version: str) -> bool:
    """Whether its image is of that version, or its command or environment installs it."""
    whole = rf"(?<![\d.]){re.escape(version)}(?!\.?\d)"
    image = str(container.get("image", "")).rpartition("/")[2]
    in_image = name in image and re.search(whole, image)
    installed = re.search(rf"{re.escape(name)}(\[[\w,-]*\])?\s*={{2,3}}\s*{whole}", " ".join(_words(container)))
    return bool(in_image or installed)


def _words(container: Container) -> list[str]:
    return [str(entry) for field in ("command", "args", "env") for entry in values(container.get(field))]


harmful_images_are_denied = object_rule(
    "harmful-images-are-denied", "No container runs a version that is known to be harmful.", _check, SCHEMA
)
