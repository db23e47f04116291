"""The SDK's own lines of debug: several for each resource, each a call that waits for the engine to take it."""

import os

import pulumi

KEEP = "SYNAPSE_DEBUG"
"""Set, it keeps them: a program is not told of `pulumi --debug`."""


def leave_out() -> None:
    """Say nothing of what only who looks into the SDK reads; it costs a tenth of a preview."""
    if KEEP not in os.environ:
        pulumi.log.debug = lambda *_, **__: None
