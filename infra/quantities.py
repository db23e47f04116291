"""Quantities in the notation of Kubernetes (64Gi, 500m): bytes and thousandths of a core."""

import re
from decimal import ROUND_CEILING, Decimal

KI, MI, GI = 2**10, 2**20, 2**30
BUILD = "build"
"""Value for an image that is built from a folder of this repository."""
PLACEHOLDER = f"@sha256:{64 * '0'}"
"""End of an image that somebody wrote down without its digest."""
SLOW_LINE = 25
"""Speed in Mbit/s of an internet line that a stack file does not describe."""

_SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{suffix: Decimal(10) ** (3 * power) for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{letter}i": Decimal(2) ** (10 * power) for power, letter in enumerate("KMGTPE", start=1)},
}
_QUANTITY = re.compile(
    r"\+?(?P<number>\d+\.?\d*|\.\d+)(?:(?P<suffix>[KMGTPE]i|[numkMGTPE])|[eE](?P<power>[+-]?\d{1,2}))?"
)


def parse(quantity: str | float) -> Decimal:
    """Return the number that a Kubernetes quantity stands for.

    Raises ValueError when *quantity* is not a quantity, or negative.
    """
    match = _QUANTITY.fullmatch(str(quantity).strip())
    if match is None:
        raise ValueError(f"{quantity!r} is not a quantity such as 64Gi, 500m or 2")
    return Decimal(match["number"]) * _SUFFIXES[match["suffix"] or ""] * Decimal(10) ** int(match["power"] or 0)


def as_bytes(quantity: str | float) -> int:
    """Return the bytes of a memory quantity, rounded up: `as_bytes("1Gi") == 2**30`."""
    return int(parse(quantity).to_integral_value(ROUND_CEILING))


def as_millicores(quantity: str | float) -> int:
    """Return the thousandths of a core of a CPU quantity, rounded up: `as_millicores("2") == 2000`."""
    return int((parse(quantity) * 1000).to_integral_value(ROUND_CEILING))


def memory_text(size: int) -> str:
    """Return *size* bytes as the shortest exact quantity: `memory_text(2**30) == "1Gi"`."""
    for unit, suffix in ((GI, "Gi"), (MI, "Mi"), (KI, "Ki")):
        if size and size % unit == 0:
            return f"{size // unit}{suffix}"
    return str(size)


def cpu_text(millicores: int) -> str:
    """Return *millicores* as a quantity: `cpu_text(2000) == "2"`, `cpu_text(500) == "500m"`."""
    return f"{millicores}m" if millicores % 1000 else str(millicores // 1000)


def gib(size: int) -> str:
    """Return *size* bytes for a message, in GiB with at most two decimals: `gib(256 * MI) == "0.25Gi"`."""
    return f"{size / GI:.2f}".rstrip("0").rstrip(".") + "Gi"


def cores(millicores: int) -> str:
    """Return *millicores* for a message: `cores(51200) == "51.2"`."""
    return f"{millicores / 1000:.2f}".rstrip("0").rstrip(".")
