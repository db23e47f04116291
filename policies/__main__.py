"""Serve the pack to the Pulumi engine: `pulumi preview --policy-pack policies`."""

import gc

gc.disable()  # it ends with the preview or the update: collecting would take a tenth of its time until then

from pulumi_policy import PolicyPack

from policies import once, stack_config
from policies.pack import NAME, RULES

stack_config.listen()
once.remember()
PolicyPack(name=NAME, policies=list(RULES))
