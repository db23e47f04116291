"""Pauses in which the provider only waits: for endpoints to settle, and between attempts."""

import os
from typing import Final

PACE: Final = "SYNAPSE_STAND_IN_PACE"
"""Variable that divides these pauses; tests set it. Time limits are not divided."""
SETTLE_S: Final = 10.0
RETRY_PAUSES_S: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Pauses after each attempt to create an object whose namespace or kind is not there; 63 s in all."""


def settle_s() -> float:
    return SETTLE_S / _pace()


def retry_pauses_s() -> tuple[float, ...]:
    return tuple(pause_s / _pace() for pause_s in RETRY_PAUSES_S)


def _pace() -> float:
    return float(os.environ.get(PACE) or 1)
