"""Everything that the pack must refuse, once for each rule and each way of hiding it; judged here and by the engine."""

from tests.policies.bad.budget import SUMS
from tests.policies.bad.content import CONTENT
from tests.policies.bad.gpu import GPUS
from tests.policies.bad.hardening import HARDENING
from tests.policies.bad.infrastructure import INFRASTRUCTURE
from tests.policies.bad.lifecycle import LIFECYCLE
from tests.policies.bad.network import NETWORK

EACH = (*GPUS, *INFRASTRUCTURE, *HARDENING, *CONTENT, *NETWORK, *LIFECYCLE)
"""None of these changes a sum or is changed by another, but for the timeouts, which are compared with each other."""
ALL = (*SUMS, *EACH)

__all__ = ["ALL", "EACH", "SUMS"]
