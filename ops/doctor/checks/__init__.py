"""All checks of the doctor; a check comes after those it builds on."""

from ops.doctor.check import NodeCheck
from ops.doctor.checks import certificate, cluster_services, gpu, node, registry

CHECKS: tuple[NodeCheck, ...] = (
    *node.CHECKS,
    *registry.CHECKS,
    *gpu.CHECKS,
    *cluster_services.CHECKS,
    *certificate.CHECKS,
)
