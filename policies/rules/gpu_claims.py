"""A GPU, or a share of one, is claimed once: the second pod would wait for ever, or crash the first."""

from infra.sizing.budget import gpu_violations
from policies.rule import stack_rule

gpu_claimed_once = stack_rule("gpu-claimed-once", "No GPU and no share of one is claimed twice.", gpu_violations)
