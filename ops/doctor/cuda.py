"""Minimum NVIDIA driver of a CUDA image and of a GPU: the first number of the driver's version.

Sources: https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html, and for a GPU family the
first driver that supports it.
"""

from collections.abc import Mapping
from typing import Final

DRIVER_OF_CUDA: Final[Mapping[int, int]] = {11: 450, 12: 525, 13: 580}
"""Major version of CUDA -> the oldest driver that runs every image of it."""
DRIVER_OF_FAMILY: Final[Mapping[str, int]] = {"blackwell": 570}
"""GPU family, as GPU feature discovery names it -> its oldest driver; left out where every driver above will do."""
BLACKWELL: Final = "blackwell"
FAMILY_OF_COMPUTE: Final[Mapping[int, str]] = {7: "turing", 8: "ampere", 9: "hopper", 10: BLACKWELL, 12: BLACKWELL}
"""Major compute capability -> GPU family, for a GPU that no label describes."""
