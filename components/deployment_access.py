"""ServiceAccount that may read and change one Deployment, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.account import Account, AccountArgs
from components.kubernetes import rbac
from components.namespace import Namespace


@dataclass(frozen=True, kw_only=True)
class DeploymentAccessArgs:
    """Deployment and namespace; *component* is the component label of the account."""

    account: str
    component: str
    deployment: str
    namespace: Namespace


class DeploymentAccess(Account):
    """A ServiceAccount and a Role that allows to get and patch its Deployment."""

    def __init__(self, name: str, args: DeploymentAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        rights = AccountArgs(
            account=args.account,
            component=args.component,
            namespace=args.namespace,
            rules=[_get_and_patch(args.deployment)],
        )
        super().__init__(name, rights, opts)


def _get_and_patch(deployment: str) -> rbac.v1.PolicyRuleArgsDict:
    return {
        "api_groups": ["apps"],
        "resources": ["deployments"],
        "resource_names": [deployment],
        "verbs": ["get", "patch"],
    }
