"""Configuration files of a node's components, with paths inside the node."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tools.control_plane.networks import PODS
from tools.node import layout
from tools.node.layout import HOME, SYSTEM

CONTAINERD: Final = SYSTEM / "containerd.toml"
KUBELET: Final = SYSTEM / "kubelet.yaml"
KUBE_PROXY: Final = SYSTEM / "kube-proxy.yaml"
RESOLVER: Final = SYSTEM / "resolv.conf"
CNI_CONFIGURATIONS: Final = SYSTEM / "cni/net.d"
CNI_PROGRAMS: Final = SYSTEM / "cni/bin"
POLICY_GATE: Final = "enforced"  # name of the CNI plugin on disk; renaming it would restart existing clusters

EVICTION_BYTES: Final = 100 << 20  # memory that must stay free on the machine, a kubelet's default


@dataclass(frozen=True, kw_only=True)
class ReservedResources:
    """Resources that pods do not get."""

    memory: int  # bytes, besides EVICTION_BYTES
    cpu: int  # millicores


def containerd(runc: Path, pause: str) -> str:
    """Return containerd's configuration in version 2, which containerd 1.6 to 2 read."""
    return f"""\
version = 2
root = "{HOME}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper"]

[grpc]
address = "{layout.CONTAINERD_SOCKET}"

[plugins."io.containerd.internal.v1.opt"]
path = "{SYSTEM}/opt"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
restrict_oom_score_adj = true
enable_unprivileged_ports = true
enable_unprivileged_icmp = true
stream_server_address = "127.0.0.1"

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{CNI_PROGRAMS}"
conf_dir = "{CNI_CONFIGURATIONS}"

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "{runc}"
SystemdCgroup = false
"""


def kubelet(cgroup: str, reserved: ReservedResources) -> str:
    """Return the kubelet's configuration: no anonymous access; pod logs and volumes in the cluster's folder."""
    memory = f"{EVICTION_BYTES}"
    return yaml.safe_dump(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": layout.ADDRESS,
            "port": layout.KUBELET_PORT,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(HOME / "ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(HOME / "kubelet.crt"),
            "tlsPrivateKeyFile": str(HOME / "kubelet.key"),
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": cgroup,
            "containerRuntimeEndpoint": f"unix://{layout.CONTAINERD_SOCKET}",
            "clusterDNS": [layout.DNS_SERVICE],
            "clusterDomain": layout.DOMAIN,
            "resolvConf": str(RESOLVER),  # an empty one: CoreDNS must not forward to itself
            "podLogsDir": str(HOME / "logs/pods"),
            "volumePluginDir": str(SYSTEM / "volume-plugins"),
            "failSwapOn": False,
            "imageGCHighThresholdPercent": 100,  # no garbage collection: the images cannot be pulled again
            # Other programs may fill the disk beyond a kubelet's defaults, and pods must not be evicted for that.
            "evictionHard": {"memory.available": memory, "nodefs.available": "1%", "imagefs.available": "1%"},
            "systemReserved": {"memory": str(reserved.memory), "cpu": f"{reserved.cpu}m"},
            "enforceNodeAllocatable": ["pods"],
            "nodeStatusUpdateFrequency": "5s",
            "serializeImagePulls": False,
        }
    )


def kube_proxy(name: str) -> str:
    """Return kube-proxy's configuration, with iptables; the machine's limits of connection tracking are kept."""
    untouched = {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"}
    return yaml.safe_dump(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "iptables",
            "clusterCIDR": PODS,
            "hostnameOverride": name,
            "bindAddress": layout.ADDRESS,
            "metricsBindAddress": "127.0.0.1:10249",
            "clientConnection": {"kubeconfig": str(HOME / "kube-proxy.kubeconfig")},
            "conntrack": untouched,
            "iptables": {"minSyncPeriod": "100ms"},
        }
    )


def network() -> str:
    """Return the CNI configuration: the bridge, then the policy gate, which delays a pod until its policies hold."""
    bridge = {
        "type": "bridge",
        "bridge": layout.BRIDGE,
        "isDefaultGateway": True,
        "hairpinMode": True,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": layout.NODE_PODS}]], "dataDir": "/run/cni"},
    }
    plugins: list[Mapping[str, Any]] = [
        bridge,
        {"type": "portmap", "capabilities": {"portMappings": True}},
        {"type": POLICY_GATE, "kubeconfig": str(HOME / "kubelet.kubeconfig")},
    ]
    return json.dumps({"cniVersion": "1.0.0", "name": "synapse", "plugins": plugins}, indent=2)
