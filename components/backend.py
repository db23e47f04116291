"""Component of a service; a kind that needs more than catalog data overrides one method."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pulumi

from components.kubernetes import core, meta
from components.namespace import Namespace
from components.pod import volume_name
from components.restart import RestartArgs, ScheduledRestart
from components.workload import Workload
from components.workload_args import WorkloadArgs
from infra.annotations import FILES, SECRETS
from infra.catalog.spec import SecretEnv
from infra.labels import labels
from infra.plan import timeouts
from infra.plan.routes import RouteTable
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.settings.model import Node
from infra.settings.registry import host


@dataclass(frozen=True, kw_only=True)
class BackendArgs:
    """A service of the plan and its surroundings. *secrets*: config key -> value, for secrets that are set."""

    service: ServicePlan
    namespace: Namespace
    plan: Plan
    secrets: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    built: Mapping[str | None, pulumi.Output[str]] = field(default_factory=dict)  # source -> reference of its image
    login: pulumi.Output[str] | None = None  # Secret with the login of the stack's registry

    @property
    def image(self) -> pulumi.Input[str]:
        return self.built.get(self.service.source, self.service.image)

    @property
    def fetch_image(self) -> pulumi.Output[str] | None:
        """Image of the Job that fetches its models, where the stack builds it."""
        fetch = self.service.fetch
        return self.built.get(fetch.source) if fetch else None

    @property
    def pull_secret(self) -> pulumi.Output[str] | None:
        """Secret for its image; None for an image of another registry."""
        registry = self.plan.settings.registry
        is_ours = self.service.source in self.built or (
            registry and self.service.image.startswith(f"{host(registry)}/")
        )
        return self.login if is_ours else None

    @property
    def node(self) -> Node:
        return self.plan.settings.node

    @property
    def routes(self) -> RouteTable:
        return self.plan.routes


@dataclass(frozen=True, kw_only=True)
class Extras:
    """Additions of a kind to its catalog entry.

    *fields*: variable -> field of the pod; *files*: mount path -> file name -> content.
    """

    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    watches_files: bool = False  # it reloads changed files; without this a change restarts its pods

    @property
    def annotations(self) -> Mapping[str, str]:
        """Annotation with a digest of the files, which restarts the pods after a change."""
        if self.watches_files or not self.files:
            return {}
        text = json.dumps({mount: dict(files) for mount, files in self.files.items()}, sort_keys=True)
        return {FILES: hashlib.sha256(text.encode()).hexdigest()[:16]}


class BackendComponent(pulumi.ComponentResource):
    """One service of the plan: its workload, its Secrets and its files.

    *pulumi_type* is the type token; it is part of every URN in the state, so it stays the same when a class is renamed.
    """

    pulumi_type: ClassVar[str] = "synapse:components:Backend"

    url: pulumi.Output[str]

    def __init__(self, name: str, args: BackendArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self.pulumi_type, name, None, opts)
        self._name, self.args = name, args
        workload = Workload(
            name,
            self._workload(self.extras()),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[args.namespace]),
        )
        if restart := args.service.backend.restart:
            restart_args = RestartArgs(deployment=args.service.service_name, restart=restart, namespace=args.namespace)
            ScheduledRestart(restart.name, restart_args, pulumi.ResourceOptions(parent=self))
        self.url = workload.url
        self.register_outputs({"url": self.url})

    def extras(self) -> Extras:
        """Return the additions of this kind to its catalog entry."""
        return Extras()

    def secrets(self) -> Mapping[str, pulumi.Output[str]]:
        """Return the secrets that are set: config key -> content of its Secret."""
        return self.args.secrets

    def account(self) -> pulumi.Input[str] | None:
        """Return the ServiceAccount whose token the pods mount; None where they need no token."""
        return None

    def _workload(self, extras: Extras) -> WorkloadArgs:
        service, kind, node = self.args.service, self.args.service.backend, self.args.node
        secrets, fetch_secrets = (self._secrets(is_for_fetch=each) for each in (False, True))
        return WorkloadArgs(
            name=service.service_name,
            component=kind.kind,
            namespace=self.args.namespace.name,
            image=self.args.image,
            port=kind.port,
            container_port=kind.container_port,
            claim=service.claim,
            start=service.start,
            strategy=kind.strategy,
            command=kind.command,
            arguments=extras.arguments or service.arguments,
            environment={**service.environment, **extras.environment},
            field_environment=extras.fields,
            secret_environment=_references(secrets),
            volumes=service.volumes,
            shared_claims=service.shared_claims,
            fetch=service.fetch,
            fetch_timeout_s=service.fetch.timeout_s(node.download_mbit) if service.fetch else 0,
            fetch_image=self.args.fetch_image,
            fetch_secrets=_references(fetch_secrets),
            fetch_pull_secret=self.args.login if self.args.fetch_image else None,
            scratch=kind.scratch,
            files={mount: self._config_map(mount, files) for mount, files in extras.files.items()},
            storage_class=node.storage_class,
            runtime_class=node.runtime_class if service.claim.gpus or kind.observes_gpu else None,
            user=kind.user,
            account=self.account(),
            pull_secret=self.args.pull_secret,
            annotations={**extras.annotations, **_versions([holder for holder, _ in secrets.values()])},
            waits=timeouts.annotations(kind.tier, service.timeout_s),
            pods_service=service.pods_service,
        )

    def _secrets(self, *, is_for_fetch: bool) -> dict[str, tuple[core.v1.Secret, str]]:
        """Return the Secrets of the server, or of the Job that fetches: variable -> Secret, and the key in it."""
        return {
            secret.variable: (self._secret(secret), secret.key)
            for secret in self.args.service.backend.secrets
            if secret.config_key in self.secrets() and secret.is_for_fetch == is_for_fetch
        }

    def _secret(self, secret: SecretEnv) -> core.v1.Secret:
        return core.v1.Secret(
            f"{self._name}-{secret.secret}",
            metadata=self._metadata(f"{self.args.service.service_name}-{secret.secret}"),
            string_data={secret.key: self.secrets()[secret.config_key]},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _config_map(self, mount: str, files: Mapping[str, str]) -> pulumi.Input[str]:
        name = f"{self.args.service.service_name}-{volume_name(mount)}"
        config_map = core.v1.ConfigMap(
            f"{self._name}-{volume_name(mount)}",
            metadata=self._metadata(name),
            data=dict(files),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return config_map.metadata.name

    def _metadata(self, name: str) -> meta.v1.ObjectMetaArgsDict:
        service = self.args.service
        return {
            "name": name,
            "namespace": self.args.namespace.name,
            "labels": labels(service.service_name, service.backend.kind),
        }


def _references(secrets: Mapping[str, tuple[core.v1.Secret, str]]) -> dict[str, tuple[pulumi.Input[str], str]]:
    return {variable: (holder.metadata.name, key) for variable, (holder, key) in secrets.items()}


def _versions(secrets: Sequence[core.v1.Secret]) -> dict[str, pulumi.Output[str]]:
    """Return the annotation of a pod that reads Secrets; the versions are empty in a rendering."""
    if not secrets:
        return {}
    versions = pulumi.Output.all(*(secret.metadata.resource_version for secret in secrets))
    return {SECRETS: versions.apply(lambda items: "-".join(version or "" for version in items))}
