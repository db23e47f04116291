"""State of each pin: current, or behind the newest tag of the same form."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from components.fetch import CURL
from infra.catalog.kinds import CATALOG
from infra.plan import device_plugin
from infra.quantities import BUILD
from ops.errors import UnreachableError
from ops.pins.image_reference import ImageReference
from ops.pins.registry import Registry
from policies.rules.denied_versions import DENIED

State = Literal["current", "stale", "denied", "untagged", "unknown"]
BAD: Final[frozenset[State]] = frozenset({"stale", "denied", "unknown"})
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, kw_only=True)
class PinState:
    """State of the image of one kind; *newest* is a tag, empty where it is not known, *fault* says why."""

    kind: str
    image: ImageReference
    state: State
    newest: str = ""
    fault: str = ""


def pinned() -> dict[str, str]:
    """Return the images that are pulled: kind -> reference."""
    images = {kind: backend.image or BUILD for kind, backend in CATALOG.items()}
    images |= {backend.restart.name: backend.restart.image for backend in CATALOG.values() if backend.restart}
    images |= {device_plugin.NAME: device_plugin.IMAGE, "downloads": CURL}
    return {kind: image for kind, image in images.items() if image != BUILD}


def states(images: Mapping[str, str], registry: Registry) -> Iterator[PinState]:
    """Yield the state of each pin; a registry that cannot be reached makes it unknown."""
    for kind, text in images.items():
        yield _state(kind, ImageReference.parse(text), registry)


def newest(tag: str, tags: Iterable[str]) -> str:
    """Return the highest of *tags* with the form of *tag*: the same text around its numbers.

    So a pre-release, another variant of the image and a moving tag are no newer release.
    """
    form = re.compile(r"\d+".join(map(re.escape, _NUMBER.split(tag))))
    return max((each for each in {*tags, tag} if form.fullmatch(each)), key=_numbers)


def is_denied(image: ImageReference, tag: str) -> bool:
    """Return True for a version that the policy pack refuses."""
    version = ".".join(map(str, _numbers(tag)))
    return any(entry.name in image.repository and entry.version == version for entry in DENIED)


def _state(kind: str, image: ImageReference, registry: Registry) -> PinState:
    if not image.tag:
        return PinState(kind=kind, image=image, state="untagged")
    if is_denied(image, image.tag):
        return PinState(kind=kind, image=image, state="denied")
    try:
        tags = [tag for tag in registry.tags(image) if not is_denied(image, tag)]
    except UnreachableError as error:
        return PinState(kind=kind, image=image, state="unknown", fault=str(error))
    highest = newest(image.tag, tags)
    return PinState(kind=kind, image=image, state="current" if highest == image.tag else "stale", newest=highest)


def _numbers(tag: str) -> tuple[int, ...]:
    return tuple(map(int, _NUMBER.findall(tag)))
