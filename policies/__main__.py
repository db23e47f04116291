"""Policy pack for the Pulumi engine: `pulumi preview --policy-pack policies`."""

from infra import fast_preview

fast_preview.stop_collecting()  # before the imports, which make most of the objects

from pulumi_policy import PolicyPack, policy

from policies.pack import NAME, RULES
from policies.reading import objects, stack_config

stack_config.listen()
fast_preview.share_conversions(policy, objects)
PolicyPack(name=NAME, policies=list(RULES))
