"""Serve the pack to the Pulumi engine: `pulumi preview --policy-pack policies`."""

from pulumi_policy import PolicyPack

from policies.pack import NAME, RULES

PolicyPack(name=NAME, policies=list(RULES))
