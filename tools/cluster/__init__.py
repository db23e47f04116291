"""A private Kubernetes cluster with real pods: one node in Linux namespaces of this machine."""

from tools.cluster.cluster import Cluster, ClusterStatus
from tools.cluster.record import Forward, Size

__all__ = ["Cluster", "ClusterStatus", "Forward", "Size"]
