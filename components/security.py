"""NetworkPolicies of phase 5: a default deny, and one policy for each allowed connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.kubernetes import meta, networking
from components.namespace import Namespace
from infra.labels import part_of, selector
from infra.plan.egress_rules import HTTPS, EgressRule
from infra.plan.ingress_rules import IngressRule

NAME = "kubernetes.io/metadata.name"
"""Label that Kubernetes sets on every namespace."""
DNS_NAMESPACE = "kube-system"
DNS_PODS: meta.v1.LabelSelectorArgsDict = {"match_labels": {"k8s-app": "kube-dns"}}
DNS: list[networking.v1.NetworkPolicyPortArgsDict] = [
    {"port": 53, "protocol": "UDP"},
    {"port": 53, "protocol": "TCP"},
]
API_SERVER = (443, 6443)
"""Ports of its Service and of K3s itself, since a policy may be applied after address translation."""
INTERNET: tuple[networking.v1.IPBlockArgsDict, ...] = (
    {
        "cidr": "0.0.0.0/0",
        "except_": ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"],
    },
    {"cidr": "::/0", "except_": ["fc00::/7", "fe80::/10"]},
)
"""All addresses except private networks, which include the cluster."""


@dataclass(frozen=True, kw_only=True)
class SecurityArgs:
    """Ingress and egress rules of the services."""

    namespace: Namespace
    access: Sequence[IngressRule]
    exits: Sequence[EgressRule]


class Security(pulumi.ComponentResource):
    """A default deny of ingress and egress, and a NetworkPolicy for the allowed connections of each service.

    It is deployed last, because it stops consumers that still call a backend directly.
    """

    def __init__(self, name: str, args: SecurityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("synapse:components:Security", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        networking.v1.NetworkPolicy(
            f"{name}-default-deny",
            metadata=_metadata("default-deny", args.namespace),
            spec={"pod_selector": {}, "policy_types": ["Ingress", "Egress"]},
            opts=child,
        )
        for access in args.access:
            networking.v1.NetworkPolicy(
                f"{name}-{access.service.service_name}",
                metadata=_metadata(f"allow-{access.service.service_name}", args.namespace),
                spec=ingress_policy(access),
                opts=child,
            )
        for exits in args.exits:
            networking.v1.NetworkPolicy(
                f"{name}-{exits.name}-egress",
                metadata=_metadata(f"allow-{exits.name}-egress", args.namespace),
                spec=egress_policy(exits),
                opts=child,
            )
        self.register_outputs({})


def ingress_policy(access: IngressRule) -> networking.v1.NetworkPolicySpecArgsDict:
    """Return the ingress policy: callers and the pods of a Job, or every namespace; without callers it denies all."""
    peers: list[networking.v1.NetworkPolicyPeerArgsDict] = [
        {"pod_selector": {"match_labels": selector(caller.service_name)}} for caller in access.callers
    ]
    peers += [{"pod_selector": {"match_labels": selector(name)}} for name in access.pods]
    peers += [{"namespace_selector": {"match_labels": {NAME: name}}} for name in access.namespaces]
    if access.is_open:
        peers = [{"namespace_selector": {}}]
    ports = [_tcp(access.service.backend.container_port)]
    return {
        "pod_selector": {"match_labels": selector(access.service.service_name)},
        "policy_types": ["Ingress"],
        "ingress": [{"from_": peers, "ports": ports}] if peers else [],  # an empty `from` would allow everybody
    }


def egress_policy(exits: EgressRule) -> networking.v1.NetworkPolicySpecArgsDict:
    """Return the egress policy of a service: the cluster's DNS, its callees, and external ports."""
    rules: list[networking.v1.NetworkPolicyEgressRuleArgsDict] = [
        {
            "to": [{"namespace_selector": {"match_labels": {NAME: DNS_NAMESPACE}}, "pod_selector": DNS_PODS}],
            "ports": DNS,
        }
    ]
    for callee in exits.callees:
        to: networking.v1.NetworkPolicyPeerArgsDict = {"pod_selector": {"match_labels": selector(callee.service_name)}}
        rules.append({"to": [to], "ports": [_tcp(callee.backend.container_port)]})
    if exits.internet:
        rules.append({"to": [{"ip_block": block} for block in INTERNET], "ports": [_tcp(HTTPS)]})
    ports = (*exits.anywhere, *(API_SERVER if exits.api_server else ()))
    if ports:
        rules.append({"ports": [_tcp(port) for port in ports]})  # no selector can name these addresses
    return {
        "pod_selector": {"match_labels": selector(exits.name)},
        "policy_types": ["Egress"],
        "egress": rules,
    }


def _tcp(port: int) -> networking.v1.NetworkPolicyPortArgsDict:
    return {"port": port, "protocol": "TCP"}


def _metadata(name: str, namespace: Namespace) -> meta.v1.ObjectMetaArgsDict:
    return {"name": name, "namespace": namespace.name, "labels": part_of()}
