"""Search of the largest number that fits, where every smaller one fits as well."""

from collections.abc import Callable


def largest(limit: int, fits: Callable[[int], bool], step: int = 1) -> int:
    """Return the largest multiple of *step* up to *limit* that fits; 0 where *step* itself does not."""
    low, high = 0, limit // step + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle * step) else (low, middle)
    return low * step
