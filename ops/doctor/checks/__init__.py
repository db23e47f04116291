"""Every check there is, in the order of what they build on."""

from ops.doctor.check import Check
from ops.doctor.checks import gpu, node, surroundings

CHECKS: tuple[Check, ...] = (*node.CHECKS, *gpu.CHECKS, *surroundings.CHECKS)
