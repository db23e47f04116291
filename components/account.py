"""ServiceAccount for pods that use the Kubernetes API, with only the given rights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.kubernetes import core, meta, rbac
from components.namespace import Namespace
from infra.labels import labels


@dataclass(frozen=True, kw_only=True)
class AccountArgs:
    """Name, component label, and rights in the stack's namespace."""

    account: str
    component: str
    namespace: Namespace
    rules: Sequence[rbac.v1.PolicyRuleArgsDict]


class Account(pulumi.ComponentResource):
    """A ServiceAccount with its own Role; only pods that name the account mount its token."""

    account: pulumi.Output[str]

    def __init__(self, name: str, args: AccountArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"synapse:components:{type(self).__name__}", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, depends_on=[args.namespace])
        metadata = _metadata(args)
        account = core.v1.ServiceAccount(name, metadata=metadata, automount_service_account_token=False, opts=child)
        role = rbac.v1.Role(name, metadata=metadata, rules=args.rules, opts=child)
        rbac.v1.RoleBinding(
            name,
            metadata=metadata,
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": role.metadata.name},
            subjects=[{"kind": "ServiceAccount", "name": account.metadata.name, "namespace": args.namespace.name}],
            opts=child,
        )
        self.account = account.metadata.name
        self.register_outputs({"account": self.account})


def _metadata(args: AccountArgs) -> meta.v1.ObjectMetaArgsDict:
    return {
        "name": args.account,
        "namespace": args.namespace.name,
        "labels": labels(args.account, args.component),
    }
