"""Phase 5: nothing reaches a pod that is not named here, and the world reaches the gateway by TLS alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import meta, networking

from components.namespace import Namespace
from components.naming import PART_OF, selector
from infra.access import Access
from infra.placement import Placed
from infra.sections import IngressSection
from infra.timeouts import annotations

NAME = "kubernetes.io/metadata.name"
"""The label that Kubernetes itself puts on every namespace."""
REDIRECT = "traefik.ingress.kubernetes.io/router.entrypoints"


@dataclass(frozen=True, kw_only=True)
class SecurityArgs:
    """Who may call whom, and the public name of the gateway; without one there is no ingress."""

    namespace: Namespace
    access: Sequence[Access]
    gateway: Placed | None = None
    ingress: IngressSection | None = None


class Security(pulumi.ComponentResource):
    """A default-deny of all ingress, an exception for each pair that talks, and the way in from outside.

    It comes last: a consumer that still calls a backend directly is cut off by it.
    """

    def __init__(self, name: str, args: SecurityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("synapse:components:Security", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        networking.v1.NetworkPolicy(
            f"{name}-default-deny",
            metadata=_metadata("default-deny-ingress", args.namespace),
            spec={"pod_selector": {}, "policy_types": ["Ingress"]},
            opts=child,
        )
        for access in args.access:
            networking.v1.NetworkPolicy(
                f"{name}-{access.service.service_name}",
                metadata=_metadata(f"allow-{access.service.service_name}", args.namespace),
                spec=allow(access),
                opts=child,
            )
        if args.ingress and args.gateway:
            networking.v1.Ingress(
                f"{name}-ingress",
                metadata={
                    **_metadata("synapse-gateway", args.namespace),
                    "annotations": {REDIRECT: "websecure", **annotations("ingress", args.ingress.timeout_s)},
                },
                spec=ingress(args.ingress, args.gateway),
                opts=child,
            )
        self.register_outputs({})


def allow(access: Access) -> networking.v1.NetworkPolicySpecArgsDict:
    """One service's port, for the pods that may call it, or for everybody; with neither it stays shut."""
    peers: list[networking.v1.NetworkPolicyPeerArgsDict] = [
        {"pod_selector": {"match_labels": selector(caller.service_name)}} for caller in access.callers
    ]
    peers += [{"namespace_selector": {"match_labels": {NAME: name}}} for name in access.namespaces]
    if access.is_open:
        peers = [{"namespace_selector": {}}]
    port: networking.v1.NetworkPolicyPortArgsDict = {"port": access.service.backend.container_port, "protocol": "TCP"}
    return {
        "pod_selector": {"match_labels": selector(access.service.service_name)},
        "policy_types": ["Ingress"],
        "ingress": [{"from_": peers, "ports": [port]}] if peers else [],  # an empty `from` would let everybody in
    }


def ingress(section: IngressSection, gateway: Placed) -> networking.v1.IngressSpecArgsDict:
    """The gateway under its public name, by TLS only; its certificate is a Secret that is there already."""
    return {
        "ingress_class_name": section.class_name,
        "tls": [{"hosts": [section.host], "secret_name": section.tls_secret}],
        "rules": [
            {
                "host": section.host,
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "path_type": "Prefix",
                            "backend": {
                                "service": {"name": gateway.service_name, "port": {"number": gateway.backend.port}}
                            },
                        }
                    ]
                },
            }
        ],
    }


def _metadata(name: str, namespace: Namespace) -> meta.v1.ObjectMetaArgsDict:
    return {"name": name, "namespace": namespace.name, "labels": {"app.kubernetes.io/part-of": PART_OF}}
