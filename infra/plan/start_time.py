"""Time that a rollout may take: the download of its image and of its weights, and the longest start of each pod."""

import math
from dataclasses import dataclass
from typing import Final

from infra.catalog.spec import Probes

BITS_PER_MBIT: Final = 1_000_000
SETTLING_S: Final = 60
"""Time for the scheduler, the volumes and the Service's endpoints."""


@dataclass(frozen=True, kw_only=True)
class StartTime:
    """Parts of a workload's first start; sizes in bytes, times in seconds, the line in Mbit/s."""

    probes: Probes
    image_size: int
    download_mbit: int
    replicas: int = 1
    grace_s: int = 0

    @property
    def load_s(self) -> int:
        """Time after which the kubelet counts one start as failed."""
        startup = self.probes.startup
        return startup.delay_s + startup.period_s * startup.failures

    @property
    def progress_deadline_s(self) -> int:
        """Time without a new ready pod after which the rollout fails: everything that comes before the first one."""
        return download_s(self.image_size, self.download_mbit) + self.load_s + SETTLING_S

    @property
    def rollout_s(self) -> int:
        """Time for all pods, which start one after the other, and for old pods to finish their requests before."""
        return self.grace_s + self.progress_deadline_s + (self.replicas - 1) * (self.load_s + self.grace_s)


def download_s(size: int, download_mbit: int) -> int:
    """Return the seconds that *size* bytes take over a line of *download_mbit* Mbit/s."""
    return math.ceil(8 * size / (download_mbit * BITS_PER_MBIT))
