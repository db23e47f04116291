"""A private Kubernetes on loopback: the real API server and scheduler, and one simulated node of any size."""

from tools.twin.node import SimulatedNode
from tools.twin.twin import Twin, TwinStatus

__all__ = ["SimulatedNode", "Twin", "TwinStatus"]
