"""All checks of the doctor; a check comes after those it builds on."""

from ops.doctor.check import NodeCheck
from ops.doctor.checks import cluster_services, gpu, node

CHECKS: tuple[NodeCheck, ...] = (*node.CHECKS, *gpu.CHECKS, *cluster_services.CHECKS)
