"""A Kubernetes of one's own with real pods: one node in namespaces of this machine, gone when it ends."""

from tools.cluster.cluster import Cluster, ClusterStatus
from tools.cluster.record import Forward, Size

__all__ = ["Cluster", "ClusterStatus", "Forward", "Size"]
