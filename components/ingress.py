"""Ingress from outside: the gateway under its public name, with TLS only, and Traefik's middlewares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import apiextensions

from components.kubernetes import meta, networking
from components.namespace import Namespace
from infra.annotations import SKIP_AWAIT
from infra.labels import part_of
from infra.plan import traefik
from infra.plan.service import ServicePlan
from infra.settings.schema import TRAEFIK, IngressSection

NAME = "synapse-gateway"


@dataclass(frozen=True, kw_only=True)
class IngressArgs:
    """The gateway and the ingress section of the settings."""

    namespace: Namespace
    namespace_name: str  # a plain value, since the policies read annotations with it
    gateway: ServicePlan
    section: IngressSection
    after: pulumi.Resource
    """Component of the gateway: its Service must exist before the Ingress, and is deleted after it."""


class Ingress(pulumi.ComponentResource):
    """One host with its certificate; the Ingress depends on its middlewares, as Traefik ignores it without them.

    Pulumi does not wait for its address, which depends on the cluster's load balancer.
    """

    def __init__(self, name: str, args: IngressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("synapse:components:Ingress", name, None, opts)
        self._name, self._args = name, args
        middlewares = list(self._middlewares())
        networking.v1.Ingress(
            f"{name}-router",
            metadata={
                **self._metadata(NAME),
                "annotations": {**traefik.annotations(args.section, args.namespace_name), SKIP_AWAIT: "true"},
            },
            spec=spec(args.section, args.gateway),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*middlewares, args.after],
                aliases=[former_urn()],
            ),
        )
        if args.section.helm_chart_config:
            self._limits()
        self.register_outputs({})

    def _middlewares(self) -> Iterator[pulumi.Resource]:
        for key, middleware in traefik.middlewares(self._args.section).items():
            yield apiextensions.CustomResource(
                f"{self._name}-{key}",
                api_version=traefik.API,
                kind="Middleware",
                metadata=self._metadata(key),
                spec=middleware,
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _limits(self) -> None:
        """Configure the limits of K3s' Traefik, whose only installation is outside the namespace of the stack."""
        apiextensions.CustomResource(
            f"{self._name}-limits",
            api_version=traefik.CHART_API,
            kind="HelmChartConfig",
            metadata={**self._metadata(TRAEFIK), "namespace": traefik.CHART_NAMESPACE},
            spec={"valuesContent": traefik.chart_values(self._args.section)},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _metadata(self, name: str) -> meta.v1.ObjectMetaArgsDict:
        return {"name": name, "namespace": self._args.namespace.name, "labels": part_of()}


def former_urn() -> pulumi.Output[str]:
    """Return the URN of the Ingress in stacks that were deployed when it belonged to the component of the policies."""
    security = pulumi.create_urn("security", "synapse:components:Security")
    return pulumi.create_urn("security-ingress", "kubernetes:networking.k8s.io/v1:Ingress", parent=security)


def spec(section: IngressSection, gateway: ServicePlan) -> networking.v1.IngressSpecArgsDict:
    """Return a rule that routes every path of the host to the Service of the gateway."""
    service: networking.v1.IngressServiceBackendArgsDict = {
        "name": gateway.service_name,
        "port": {"number": gateway.backend.port},
    }
    path: networking.v1.HTTPIngressPathArgsDict = {"path": "/", "path_type": "Prefix", "backend": {"service": service}}
    return {
        "ingress_class_name": section.class_name,
        "tls": [{"hosts": [section.host], "secret_name": section.tls_secret}],
        "rules": [{"host": section.host, "http": {"paths": [path]}}],
    }
