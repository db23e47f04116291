"""Rules by kind; every other kind is ready as soon as it exists."""

from collections.abc import Mapping
from typing import Final

from tools.offline.plugins.kubernetes.awaiting.deployment import DeploymentRule
from tools.offline.plugins.kubernetes.awaiting.expressions import WAIT_FOR, ExpressionRule
from tools.offline.plugins.kubernetes.awaiting.network import IngressRule, ServiceRule
from tools.offline.plugins.kubernetes.awaiting.pods import PodRule
from tools.offline.plugins.kubernetes.awaiting.polled import ClaimRule, QuotaRule, SecretRule, VolumeRule
from tools.offline.plugins.kubernetes.awaiting.rule import Rule, Wait
from tools.offline.plugins.kubernetes.awaiting.workloads import DaemonSetRule, JobRule, StatefulSetRule
from tools.offline.plugins.kubernetes.objects import annotation
from tools.offline.plugins.values import Object

RULES: Final[Mapping[tuple[str, str], type[Rule]]] = {
    ("apps/v1", "DaemonSet"): DaemonSetRule,
    ("apps/v1", "Deployment"): DeploymentRule,
    ("apps/v1", "StatefulSet"): StatefulSetRule,
    ("batch/v1", "Job"): JobRule,
    ("networking.k8s.io/v1", "Ingress"): IngressRule,
    ("v1", "PersistentVolume"): VolumeRule,
    ("v1", "PersistentVolumeClaim"): ClaimRule,
    ("v1", "Pod"): PodRule,
    ("v1", "ResourceQuota"): QuotaRule,
    ("v1", "Secret"): SecretRule,
    ("v1", "Service"): ServiceRule,
}


def rule(wait: Wait) -> Rule | None:
    """Return the rule of a wait: the annotation's expressions, else the kind's; None where there is none."""
    if annotation(wait.applied, WAIT_FOR) and not wait.is_read:
        return ExpressionRule(wait)
    kind = _rule(wait.applied)
    return kind(wait) if kind and (kind.is_read or not wait.is_read) else None


def _rule(item: Object) -> type[Rule] | None:
    return RULES.get((item["apiVersion"], item["kind"]))
