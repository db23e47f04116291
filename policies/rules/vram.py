"""The engines on a GPU fit its memory: one that does not fails on its first long request, not on its first start."""

from infra.sizing.budget import vram_violations
from policies.rule import stack_rule

vram_within_gpu = stack_rule("vram-within-gpu", "Weights, KV cache and overhead fit the GPU's memory.", vram_violations)
