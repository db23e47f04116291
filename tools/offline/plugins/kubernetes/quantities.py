"""Quantities in Kubernetes' canonical notation, as `resource.Quantity` of apimachinery writes them."""

import re
from fractions import Fraction
from typing import Final

NOTATION: Final = re.compile(r"([+-]?\d+\.?\d*|[+-]?\.\d+)([numkMGTPE]|[KMGTPE]i)?")
BINARY: Final = {
    suffix: Fraction(1024) ** power for power, suffix in enumerate(("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))
}
DECIMAL: Final = {
    suffix: Fraction(1000) ** power
    for power, suffix in enumerate(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), start=-3)
}


def canonical(value: object) -> object:
    """Return the quantity with the largest suffix that leaves a whole number; other values stay as they are."""
    match = NOTATION.fullmatch(str(value))
    if isinstance(value, bool) or match is None:
        return value
    suffix = match[2] or ""
    amount = Fraction(match[1]) * (BINARY if suffix in BINARY else DECIMAL)[suffix]
    scales = BINARY if suffix.endswith("i") else DECIMAL
    fitting = [name for name, scale in scales.items() if (amount / scale).denominator == 1]
    if not amount:
        return "0"
    if not fitting:
        return value
    return f"{amount / scales[fitting[-1]]}{fitting[-1]}"
