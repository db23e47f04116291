"""A stand-in for the program `k3s`, with the parts of `server` and `ctr` that a node needs.

It takes only flags of K3s, and has its files at K3s' paths; it runs Kubernetes' own programs.
`tests/cluster/test_k3s.py` runs K3s itself where that is on PATH.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from tools.cluster.credentials import KUBE_PROXY, KUBE_ROUTER, KUBELET, KUBELET_CLIENT, credentials
from tools.control_plane.components import API_SERVER, ETCD, ControlPlane
from tools.control_plane.credentials import CONTROLLER_MANAGER, SCHEDULER
from tools.node import layout
from tools.node.supervisor import is_there
from tools.offline.toolchain import tool

SOCKET = "/run/k3s/containerd/containerd.sock"
ONCE = (
    *("data-dir", "write-kubeconfig", "https-listen-port", "node-name", "node-ip", "advertise-address"),
    *("cluster-cidr", "service-cidr", "cluster-dns", "resolv-conf", "pause-image", "flannel-backend", "disable"),
)
OFTEN = ("kube-apiserver-arg", "kube-proxy-arg", "kubelet-arg")
TOKENS = "token-auth-file="
POLL_S = 0.1


def main(arguments: Sequence[str]) -> int:
    if arguments[0] == "ctr":
        os.execvp("ctr", ["ctr", "-a", SOCKET, "-n", "k8s.io", *arguments[1:]])  # noqa: S606, S607
    return K3sServer(_parser().parse_args(arguments[1:])).run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("k3s server", allow_abbrev=False)
    for name in ONCE:
        parser.add_argument(f"--{name}", required=True)
    for name in OFTEN:
        parser.add_argument(f"--{name}", action="append", default=[])
    parser.add_argument("--disable-cloud-controller", action="store_true")
    return parser


class K3sServer:
    """Processes of the server; when one ends, all end."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.server, self.agent = (Path(options.data_dir) / name for name in ("server", "agent"))
        self.credentials = credentials(self.server / "tls", options.node_name)
        self.plane = ControlPlane(
            folder=self.server,
            bind="0.0.0.0",  # noqa: S104 - the node has its own network
            port=int(options.https_listen_port),
            advertised=options.advertise_address,
            credentials=self.credentials,
        )

    def run(self) -> int:
        self._write()
        running = []
        for needs, command in self._parts():
            while not _accepts(needs):
                time.sleep(POLL_S)
            running.append(subprocess.Popen(command, cwd=self.server))
        while all(part.poll() is None for part in running):
            time.sleep(POLL_S)
        for part in running:
            part.kill()
        return 1

    def _write(self) -> None:
        for folder in (self.credentials.folder, self.agent, Path(SOCKET).parent):
            folder.mkdir(parents=True, exist_ok=True)
        self.credentials.ensure()
        self.credentials.write_kubeconfigs(
            dict.fromkeys(self.credentials.users, f"{self.options.node_ip}:{self.plane.port}")
        )
        (self.agent / "containerd.toml").write_text(self._containerd())
        (self.agent / "kubelet.yaml").write_text(self._kubelet())
        shutil.copy(self.credentials.authority, self.credentials.folder / "server-ca.crt")

    def _parts(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each process: the socket or address it needs, and its command."""
        api = f"{self.options.node_ip}:{self.plane.port}"
        yield "", [str(tool(ETCD)), *self.plane.etcd()]
        yield "", ["containerd", f"--config={self.agent / 'containerd.toml'}"]
        yield str(self.server / "client"), [str(tool(API_SERVER)), *self.plane.api_server(), *self._api_server()]
        pods = ("--allocate-node-cidrs=true", f"--cluster-cidr={self.options.cluster_cidr}")
        yield api, [str(tool(CONTROLLER_MANAGER)), *self.plane.controller_manager(), *pods]
        yield api, [str(tool(SCHEDULER)), *self.plane.scheduler()]
        yield SOCKET, [str(tool(KUBELET)), *self._client(KUBELET), *_flags(self.options.kubelet_arg)]
        proxy = ("--proxy-mode=iptables", f"--cluster-cidr={self.options.cluster_cidr}")
        yield api, [str(tool(KUBE_PROXY)), *self._client(KUBE_PROXY), *proxy, *_flags(self.options.kube_proxy_arg)]
        yield layout.SERVICE_RULES, [str(tool(KUBE_ROUTER)), *self._client(KUBE_ROUTER), *self._router()]

    def _api_server(self) -> list[str]:
        """Return the API server's own flags; its token file also has the given users."""
        (given,) = [flag.removeprefix(TOKENS) for flag in self.options.kube_apiserver_arg if flag.startswith(TOKENS)]
        tokens = self.server / "tokens.csv"
        tokens.write_text(self.credentials.tokens.read_text() + Path(given).read_text())
        others = [flag for flag in self.options.kube_apiserver_arg if not flag.startswith(TOKENS)]
        return [
            *_flags([*others, f"{TOKENS}{tokens}"]),
            "--enable-admission-plugins=NodeRestriction",
            f"--kubelet-certificate-authority={self.credentials.authority}",
            f"--kubelet-client-certificate={self.credentials.certificate(KUBELET_CLIENT)}",
            f"--kubelet-client-key={self.credentials.key(KUBELET_CLIENT)}",
            "--kubelet-preferred-address-types=InternalIP",
        ]

    def _client(self, user: str) -> list[str]:
        flags = [f"--kubeconfig={self.credentials.kubeconfig(user)}", f"--hostname-override={self.options.node_name}"]
        if user == KUBELET:
            flags += [f"--node-ip={self.options.node_ip}", f"--config={self.agent / 'kubelet.yaml'}"]
        return flags

    def _router(self) -> list[str]:
        off = ("run-router", "run-service-proxy", "enable-cni")
        return [f"--service-cluster-ip-range={self.options.service_cidr}", *(f"--{name}=false" for name in off)]

    def _containerd(self) -> str:
        """Return containerd's configuration; without flannel K3s sets no CNI folders, so the defaults apply."""
        return f"""\
version = 2
root = "{self.agent}/containerd"
state = "{Path(SOCKET).parent}"

[grpc]
address = "{SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{self.options.pause_image}"
restrict_oom_score_adj = true
enable_unprivileged_ports = true
enable_unprivileged_icmp = true
"""

    def _kubelet(self) -> str:
        return yaml.safe_dump(
            {
                "apiVersion": "kubelet.config.k8s.io/v1beta1",
                "kind": "KubeletConfiguration",
                "address": self.options.node_ip,
                "authentication": {
                    "anonymous": {"enabled": False},
                    "webhook": {"enabled": True},
                    "x509": {"clientCAFile": str(self.credentials.authority)},
                },
                "authorization": {"mode": "Webhook"},
                "tlsCertFile": str(self.credentials.certificate(KUBELET)),
                "tlsPrivateKeyFile": str(self.credentials.key(KUBELET)),
                "cgroupDriver": "cgroupfs",
                "containerRuntimeEndpoint": f"unix://{SOCKET}",
                "clusterDNS": [self.options.cluster_dns],
                "clusterDomain": "cluster.local",
                "resolvConf": self.options.resolv_conf,
                "volumePluginDir": str(self.agent / "volume-plugins"),
                "failSwapOn": False,
                "serializeImagePulls": False,
            }
        )


def _flags(values: Sequence[str]) -> list[str]:
    return [f"--{value}" for value in values]


def _accepts(needed: str) -> bool:
    """Return whether a need of a component is met; an empty one always is."""
    return not needed or is_there(needed, os.environ)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
