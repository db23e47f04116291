"""Serve the pack to the Pulumi engine: `pulumi preview --policy-pack policies`."""

import gc

gc.disable()  # it ends with the preview or the update: collecting would take a tenth of its time until then

from pulumi_policy import PolicyPack

from policies import memo
from policies.pack import NAME, RULES
from policies.reading import stack_config

stack_config.listen()
memo.remember()
PolicyPack(name=NAME, policies=list(RULES))
