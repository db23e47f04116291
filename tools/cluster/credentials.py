"""Credentials of a cluster: the control plane's users, and one user for each component of the node."""

from pathlib import Path
from typing import Final

from tools.control_plane.credentials import LOOPBACK, SERVER, CertificateIdentity, Credentials, User
from tools.control_plane.credentials import USERS as CONTROL_PLANE
from tools.node.layout import ADDRESS, DOMAIN, KUBERNETES_SERVICE

KUBELET: Final = "kubelet"
KUBE_PROXY: Final = "kube-proxy"
KUBE_ROUTER: Final = "kube-router"
KUBELET_CLIENT: Final = "kubelet-client"
_SERVICE: Final = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{DOMAIN}")


def credentials(folder: Path, node: str) -> Credentials:
    """Return the credentials of the cluster in this folder, with a node of this name."""
    users = CONTROL_PLANE | {
        KUBELET: User(f"system:node:{node}", "system:nodes"),
        KUBE_PROXY: User("system:kube-proxy"),
        KUBE_ROUTER: User("synapse:kube-router"),
    }
    identities = {
        SERVER: CertificateIdentity("kube-apiserver", (LOOPBACK, "localhost", ADDRESS, KUBERNETES_SERVICE, *_SERVICE)),
        KUBELET: CertificateIdentity(f"system:node:{node}", (ADDRESS, node)),
        KUBELET_CLIENT: CertificateIdentity("kube-apiserver"),  # the API server's client certificate for the kubelet
    }
    return Credentials(folder, users, identities)
