"""Versions that are known to be harmful, with the reason of each."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class DeniedVersion:
    """A version of an image or a package; *name* is a part of the image's or package's name."""

    name: str
    version: str
    reason: str


STOLEN: Final = "published with a stolen account on PyPI; it sends credentials away (BerriAI/litellm#24518)"
DENIED: Final = (
    DeniedVersion(name="litellm", version="1.82.7", reason=STOLEN),
    DeniedVersion(name="litellm", version="1.82.8", reason=STOLEN),
    DeniedVersion(name="litellm", version="1.107.0", reason="withdrawn from PyPI as those were; use 1.108.0 or newer"),
)
