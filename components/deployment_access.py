"""An account that may read and change one named Deployment, and nothing else."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core, meta, rbac

from components.namespace import Namespace
from components.naming import labels


@dataclass(frozen=True, kw_only=True)
class DeploymentAccessArgs:
    """Which Deployment, in which namespace; *component* is what the account belongs to."""

    account: str
    component: str
    deployment: str
    namespace: Namespace


class DeploymentAccess(pulumi.ComponentResource):
    """A ServiceAccount and the Role that lets it get and patch its Deployment."""

    account: pulumi.Output[str]

    def __init__(self, name: str, args: DeploymentAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("synapse:components:DeploymentAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, depends_on=[args.namespace])
        metadata = _metadata(args)
        account = core.v1.ServiceAccount(name, metadata=metadata, automount_service_account_token=False, opts=child)
        role = rbac.v1.Role(
            name,
            metadata=metadata,
            rules=[
                {
                    "api_groups": ["apps"],
                    "resources": ["deployments"],
                    "resource_names": [args.deployment],
                    "verbs": ["get", "patch"],
                }
            ],
            opts=child,
        )
        rbac.v1.RoleBinding(
            name,
            metadata=metadata,
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": role.metadata.name},
            subjects=[{"kind": "ServiceAccount", "name": account.metadata.name, "namespace": args.namespace.name}],
            opts=child,
        )
        self.account = account.metadata.name
        self.register_outputs({"account": self.account})


def _metadata(args: DeploymentAccessArgs) -> meta.v1.ObjectMetaArgsDict:
    return {
        "name": args.account,
        "namespace": args.namespace.name,
        "labels": labels(args.account, args.component),
    }
