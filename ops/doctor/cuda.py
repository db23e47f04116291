"""Which NVIDIA driver a CUDA image and a card need: the first number of its version.

Sources: https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html, and for a family of cards
the first driver that knows it.
"""

from collections.abc import Mapping
from typing import Final

DRIVER_OF_CUDA: Final[Mapping[int, int]] = {11: 450, 12: 525, 13: 580}
"""Major version of CUDA -> the oldest driver that runs every image of it."""
DRIVER_OF_FAMILY: Final[Mapping[str, int]] = {"blackwell": 570}
"""Family of cards, as GPU feature discovery calls it -> its oldest driver; left out where any of the above will do."""
BLACKWELL: Final = "blackwell"
FAMILY_OF_COMPUTE: Final[Mapping[int, str]] = {7: "turing", 8: "ampere", 9: "hopper", 10: BLACKWELL, 12: BLACKWELL}
"""Major compute capability -> family, for a card that no label describes."""
