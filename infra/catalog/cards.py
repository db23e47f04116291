"""GPUs by name: the memory that CUDA can use, which is less than the name of a card says.

Figures are the total capacity in error messages and start logs of PyTorch, vLLM and llama.cpp (in GiB, rounded down to
two digits), the smallest of those that were published for a card.
"""

import re
from typing import Final

from infra.quantities import GI

USABLE_GIB: Final = {
    "rtx-3060": 11.62,
    "rtx-3090": 23.56,
    "rtx-4060-ti-16gb": 15.57,
    "rtx-4070-ti-super": 15.57,
    "rtx-4080": 15.57,
    "rtx-4090": 23.51,
    "rtx-5060-ti-16gb": 15.46,
    "rtx-5070-ti": 15.46,
    "rtx-5080": 15.46,
    "rtx-5090": 31.36,
    "rtx-5090-laptop": 22.36,
    "rtx-a4000": 15.58,
    "rtx-a5000": 23.54,
    "rtx-a6000": 47.40,
    "rtx-4000-ada": 19.55,
    "rtx-5000-ada": 31.48,
    "rtx-6000-ada": 47.37,
    "rtx-pro-6000": 94.97,
    "t4": 14.56,
    "v100-16gb": 15.77,
    "v100-32gb": 31.73,
    "a10": 21.99,
    "a10g": 21.98,
    "a30": 23.50,
    "a40": 44.34,
    "a100-40gb": 39.38,
    "a100-80gb": 79.14,
    "l4": 21.95,
    "l40s": 44.39,
    "h100": 79.10,
    "h200": 139.71,
    "b200": 178.35,
}
"""Card -> GiB."""
_NAMES: Final = re.compile(r"nvidia|geforce|quadro|tesla|generation|blackwell|workstation|server|edition|[^a-z0-9]+")

_FORMS: Final = re.compile(r"pcie|sxm\d?|hbm\d\w?|gpu")
"""Words of a name that say how a card is built."""
_SIZE: Final = re.compile(r"\d+gb")


def usable(card: str) -> int:
    """Return the bytes that CUDA can use. Raises KeyError for a card that is not listed."""
    return int(USABLE_GIB[card] * GI)


def named(text: str) -> str | None:
    """Return the card that *text* names, such as `NVIDIA GeForce RTX 5090`; None for one that is not listed."""
    parts = [part for part in _NAMES.sub(" ", text.lower()).split() if not _FORMS.fullmatch(part)]
    without_size = [part for part in parts if not _SIZE.fullmatch(part)]
    return next((name for name in ("-".join(parts), "-".join(without_size)) if name in USABLE_GIB), None)
