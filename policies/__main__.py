"""Policy pack for the Pulumi engine: `pulumi preview --policy-pack policies`."""

from infra import fast_preview

fast_preview.stop_collecting()  # before the imports, which make most of the objects

from pulumi_policy import PolicyPack

from policies import fast_analysis
from policies.pack import NAME, RULES
from policies.reading import node, stack_config

stack_config.listen(then=node.load_checks)
fast_analysis.patch()
PolicyPack(name=NAME, policies=list(RULES))
