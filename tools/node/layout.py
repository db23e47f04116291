"""Paths and addresses inside a node: the same in every cluster, since each has its own namespaces."""

from pathlib import Path
from typing import Final

HOME: Final = Path("/run/node")  # the cluster's folder; short, because a Unix socket's path must fit in 107 bytes
SYSTEM: Final = Path("/run/system")  # links to programs and configurations; goes with the node

BRIDGE: Final = "cni0"
ADDRESS: Final = "10.42.0.1"  # the node's address on the bridge: kubelet and kube-router refuse loopback
PREFIX: Final = 24
NODE_PODS: Final = "10.42.0.0/24"
KUBERNETES_SERVICE: Final = "10.43.0.1"  # the first address of the services' range, always
DNS_SERVICE: Final = "10.43.0.10"  # as in K3s
DOMAIN: Final = "cluster.local"
API_PORT: Final = 6443
KUBELET_PORT: Final = 10250

CHAIN: Final = "chain "  # prefix of a component's need: a table and a chain of iptables
SERVICE_RULES: Final = f"{CHAIN}nat KUBE-MARK-MASQ"
"""Chain that exists once kube-proxy has written the rules of the services.

kube-router replaces the whole table `filter`, and with it chains that kube-proxy is just making. The first attempt of
kube-proxy then fails, and it is not repeated before a Service changes (`OnServiceSynced` of Kubernetes 1.34).
"""

CONTROL: Final = "control"  # the socket in HOME on which process 1 accepts forwards

CONTAINERD_SOCKET: Final = HOME / "containerd.sock"
VOLUMES: Final = HOME / "volumes"  # folder of the local-path provisioner
