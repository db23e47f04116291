"""Login to a registry, for the kubelet that pulls images from it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.kubernetes import core
from components.namespace import Namespace
from infra.labels import part_of
from infra.settings.registry import docker_config

NAME = "registry-login"
KEY = ".dockerconfigjson"


@dataclass(frozen=True, kw_only=True)
class RegistryLoginArgs:
    """A registry (host and path), and the user that may pull from it."""

    namespace: Namespace
    registry: str
    user: str
    password: pulumi.Output[str]


class RegistryLogin(pulumi.ComponentResource):
    """A Secret with the login; pods name `secret` in their `imagePullSecrets`."""

    secret: pulumi.Output[str]

    def __init__(self, name: str, args: RegistryLoginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("synapse:components:RegistryLogin", name, None, opts)
        secret = core.v1.Secret(
            f"{name}-secret",
            metadata={"name": NAME, "namespace": args.namespace.name, "labels": part_of()},
            type="kubernetes.io/dockerconfigjson",
            string_data={KEY: args.password.apply(lambda text: docker_config(args.registry, args.user, text))},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.secret = secret.metadata.name
        self.register_outputs({"secret": self.secret})
