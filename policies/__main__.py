"""Serve the pack to the Pulumi engine: `pulumi preview --policy-pack policies`."""

from pulumi_policy import PolicyPack

from policies import stack_config
from policies.pack import NAME, RULES

stack_config.listen()
PolicyPack(name=NAME, policies=list(RULES))
