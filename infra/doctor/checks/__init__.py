"""Every check there is, in the order of what they build on."""

from infra.doctor.check import Check
from infra.doctor.checks import around, gpu, node

CHECKS: tuple[Check, ...] = (*node.CHECKS, *gpu.CHECKS, *around.CHECKS)
