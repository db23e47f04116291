"""The rules of the pack, in the order they are listed to a person."""

from pulumi_policy import Policy

from policies.container_limits import containers_have_limits
from policies.cpu_budget import cpu_within_budget
from policies.gpu_claims import gpu_claimed_once
from policies.memory_budget import memory_within_budget
from policies.vram import vram_within_gpu

NAME = "synapse"
RULES: tuple[Policy, ...] = (
    memory_within_budget,
    cpu_within_budget,
    gpu_claimed_once,
    vram_within_gpu,
    containers_have_limits,
)
