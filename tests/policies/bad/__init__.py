"""Bad programs that the pack must refuse, for each rule and each way to hide a fault; the engine checks them too."""

from tests.policies.bad.budget import SUMS
from tests.policies.bad.content import CONTENT
from tests.policies.bad.gpu import GPUS
from tests.policies.bad.gpu_exemptions import GPU_EXEMPTIONS
from tests.policies.bad.hardening import HARDENING
from tests.policies.bad.lifecycle import LIFECYCLE
from tests.policies.bad.network import NETWORK

EACH = (*GPUS, *GPU_EXEMPTIONS, *HARDENING, *CONTENT, *NETWORK, *LIFECYCLE)
"""Programs that do not affect a sum or each other, except for the timeouts, which are compared with each other."""
ALL = (*SUMS, *EACH)

__all__ = ["ALL", "EACH", "SUMS"]
