"""The configuration files of a node's components, as they lie inside it."""

import json
import sys
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
ENFORCED: Final = "enforced"

EVICTION_BYTES: Final = 100 << 20  # what must stay free on the whole machine, a kubelet's default


@dataclass(frozen=True, kw_only=True)
class ReservedResources:
    """What of the machine the pods do not get, so that they get what the caller wants."""

    memory: int  # bytes, besides EVICTION_BYTES
    cpu: int  # millicores


def containerd(runc: Path, pause: str) -> str:
    """For containerd 1.6 and newer, of which 2 still reads this version of the file."""
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
    """Nobody without a certificate or a token; the pods' logs and volumes below the cluster's folder."""
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
            "resolvConf": str(RESOLVER),  # of its own: CoreDNS must not be told to ask itself
            "podLogsDir": str(HOME / "logs/pods"),
            "volumePluginDir": str(SYSTEM / "volume-plugins"),
            "failSwapOn": False,
            "imageGCHighThresholdPercent": 100,  # never: the images cannot be pulled again
            # A disk that is used by others as well may be fuller than a kubelet likes, and that is no fault of a pod.
            "evictionHard": {"memory.available": memory, "nodefs.available": "1%", "imagefs.available": "1%"},
            "systemReserved": {"memory": str(reserved.memory), "cpu": f"{reserved.cpu}m"},
            "enforceNodeAllocatable": ["pods"],
            "nodeStatusUpdateFrequency": "5s",
            "serializeImagePulls": False,
        }
    )


def kube_proxy(name: str) -> str:
    """With iptables; the limits of connection tracking are the whole machine's, and stay as they are."""
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


def enforced() -> str:
    """The program of the plugin `enforced`, for CNI's folder of programs."""
    return f"#!/bin/sh\nexec {sys.executable} -m tools.node.policy_gate\n"


def network() -> str:
    """The pods' network: the bridge, then `enforced`, which holds a pod back until its policies are in force."""
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
        {"type": ENFORCED, "kubeconfig": str(HOME / "kubelet.kubeconfig")},
    ]
    return json.dumps({"cniVersion": "1.0.0", "name": "synapse", "plugins": plugins}, indent=2)
