"""Rules for images: pinned by digest, of an image that exists, and no version that is known to be harmful."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.quantities import BUILD, PLACEHOLDER
from policies.reading.claims import Container, containers
from policies.reading.objects import Object
from policies.reading.pods import Pods, pods
from policies.reading.unknowns import UNKNOWN, values
from policies.rule import Config, object_rule, pod_rule
from policies.rules.denied_versions import DENIED, DeniedVersion

DIGEST = re.compile(r".@sha256:[0-9a-f]{64}")
SCHEMA: Mapping[str, dict[str, Any]] = {
    "denied": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
        "description": "Further denied versions: part of an image's or package's name -> versions, tags or digests.",
    }
}


def _pinned(pods: Pods) -> Iterator[str]:
    for container in containers(pods.spec):
        image = container.get("image", "" if not pods.owner.is_patch else UNKNOWN)
        if image is not UNKNOWN and not DIGEST.search(str(image)):
            yield f"container {container.get('name')} has image {image!r} without a digest; add @sha256:<digest>"


def _placeholders(pods: Pods) -> Iterator[str]:
    for container in containers(pods.spec):
        image = container.get("image")
        if image is not UNKNOWN and str(image).endswith(PLACEHOLDER):
            yield (
                f"container {container.get('name')} has image {image!r}, and no image has a digest of zeros; write the "
                f"digest that your registry reports, or let the stack build the image: services.<name>.image: {BUILD}"
            )


def _harmful(item: Object, config: Config) -> Iterator[str]:
    denied = _denied(config.get("denied", {}))
    for pod in pods(item):
        for container in containers(pod.spec):
            for entry in denied:
                if _runs(container, entry.name, entry.version):
                    yield (
                        f"container {container.get('name')} runs {entry.name} {entry.version}, which is denied "
                        f"({entry.reason}); use another version"
                    )


def _denied(more: Mapping[str, Sequence[str]]) -> list[DeniedVersion]:
    """Return the built-in versions and those of the pack's configuration."""
    listed = {(entry.name, entry.version) for entry in DENIED}
    configured = dict.fromkeys((name, version) for name, versions in more.items() for version in versions)
    return [
        *DENIED,
        *(
            DeniedVersion(name=name, version=version, reason="by the pack's configuration")
            for name, version in configured
            if (name, version) not in listed
        ),
    ]


def _runs(container: Container, name: str, version: str) -> bool:
    """Return True if the image has that version, or the command or environment installs it."""
    whole = rf"(?<![\d.]){re.escape(version)}(?!\.?\d)"
    image = str(container.get("image", "")).rpartition("/")[2]
    in_image = name in image and re.search(whole, image)
    installed = re.search(rf"{re.escape(name)}(\[[\w,-]*\])?\s*={{2,3}}\s*{whole}", " ".join(_words(container)))
    return bool(in_image or installed)


def _words(container: Container) -> list[str]:
    return [str(entry) for field in ("command", "args", "env") for entry in values(container.get(field))]


images_are_pinned = pod_rule(
    "images-are-pinned",
    "Container images are pinned by digest.",
    _pinned,
    reason="The image that was tested is the image that runs, even when somebody pushes to the same tag.",
)
placeholder_images_are_refused = pod_rule(
    "placeholder-images-are-refused",
    "No container has an image with a digest of zeros.",
    _placeholders,
    reason="Somebody wrote the digest down before the image was built: its pods would wait for it without end.",
)
harmful_images_are_denied = object_rule(
    "harmful-images-are-denied",
    "No container runs a version that is known to be harmful.",
    _harmful,
    SCHEMA,
    reason="Some published versions are malicious: "
    + ", ".join(f"{entry.name} {entry.version}" for entry in DENIED)
    + " (`policies/rules/denied_versions.py`).",
)
