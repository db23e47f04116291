"""A Kubernetes of one's own on loopback: the real API server and scheduler, and one simulated node of any size."""

from tools.twin.node import Node
from tools.twin.twin import Status, Twin

__all__ = ["Node", "Status", "Twin"]
