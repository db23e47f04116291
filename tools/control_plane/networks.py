"""Address ranges of pods and services, as in K3s."""

from typing import Final

PODS: Final = "10.42.0.0/16"
SERVICES: Final = "10.43.0.0/16"
