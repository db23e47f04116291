"""First start of a stack: the images and models that are downloaded, and the time that a given line takes."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from infra.errors import SynapseError
from infra.plan import device_plugin
from infra.plan.stack import Plan
from infra.quantities import BUILD
from infra.sizing.image_sizes import GB, disk_size, download_size
from ops.models.inventory import StackModel, models, weights

LINE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kMG])(?:bit|bps)(?:/s)?")
BITS: Final = {"k": 10**3, "M": 10**6, "G": 10**9}
MINUTE_S: Final = 60


@dataclass(frozen=True, kw_only=True)
class FirstStart:
    """Downloads of a first start in bytes, by name; *unknown*: models whose size is in no model spec."""

    images: Mapping[str, int]
    models: Mapping[str, int]
    unknown: tuple[str, ...] = ()

    @property
    def download(self) -> int:
        """Bytes that come over the line."""
        return sum(self.images.values()) + sum(self.models.values())

    @property
    def disk(self) -> int:
        """Bytes that they take on the node's disk."""
        return sum(map(disk_size, self.images)) + sum(self.models.values())

    def text(self, line: int | None = None) -> str:
        """Return the sizes in words and, for a *line* in bits per second, the time."""
        if not (self.download or self.unknown):
            return "nothing is downloaded"
        sizes = f"about {_gb(sum(self.images.values()))} of images and {_gb(sum(self.models.values()))} of models"
        rest = f"; unknown: {', '.join(self.unknown)}" if self.unknown else ""
        return f"{sizes}{rest}" + (f": {duration(self.seconds(line))} at {line_text(line)}" if line else "")

    def seconds(self, line: int) -> int:
        return -(-8 * self.download // line)


def first_start(plan: Plan, present: Collection[str] = (), claims: Collection[str] = ()) -> FirstStart:
    """Return the downloads; *present* images, and models on existing *claims*, are there already.

    An image that is built here, or on the node, is not downloaded, nor are the models that it holds.
    """
    names = {service.image for service in plan.services} - {BUILD, ""}
    if device_plugin.is_deployed(plan.settings.node, plan.settings.phase):
        names.add(device_plugin.IMAGE)
    digests = {_digest(name) for name in present}
    missing = [each for each in models(plan) if each.disk is None or each.disk.name not in claims]
    sizes = {each.name: weights(plan, each) for each in missing if _is_downloaded(each)}
    return FirstStart(
        images={name: download_size(name) for name in sorted(names) if _digest(name) not in digests},
        models={name: size for name, size in sizes.items() if size is not None},
        unknown=tuple(name for name, size in sizes.items() if size is None),
    )


def _is_downloaded(model: StackModel) -> bool:
    fetch = model.service.fetch
    is_fetched = fetch is not None and fetch.source is None
    return model.kind != "service" or model.service.backend.fetches or is_fetched


def parse_line(text: str) -> int:
    """Return bits per second of `100Mbit`. Raises SynapseError."""
    match = LINE.fullmatch(text.strip())
    if match is None or not Decimal(match[1]):
        raise SynapseError(f"--line: got {text!r}; accepted: a speed in bits a second, such as 100Mbit or 1Gbit")
    return int(Decimal(match[1]) * BITS[match[2]])


def line_text(line: int) -> str:
    unit = next(unit for unit in "GMk" if line >= BITS[unit] or unit == "k")
    return f"{line / BITS[unit]:g}{unit}bit"


def duration(seconds: int) -> str:
    """Return the time in hours and minutes, rounded up: `1 h 15 min`."""
    hours, minutes = divmod(-(-seconds // MINUTE_S), MINUTE_S)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _gb(size: int) -> str:
    return f"{size / GB:.1f} GB"


def _digest(image: str) -> str:
    """Return the digest of a reference, or the reference itself: a node lists images by several names."""
    return image.rpartition("@")[2]
