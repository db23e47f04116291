"""Pulumi program: turn the settings of the stack into a plan, and the plan into resources."""

import gc

gc.disable()  # the program runs for seconds; garbage collection would take a tenth of a preview

import pulumi
from pulumi.runtime import config

from infra.errors import SynapseError
from infra.plan.stack import plan
from infra.settings.loader import from_engine
from stacks import debug, forge


def main() -> None:
    """Register all resources, or end with one message for the author of the stack file."""
    debug.leave_out()
    try:
        settings = from_engine(config.CONFIG.get(), pulumi.get_stack(), pulumi.runtime.is_config_secret)
        secrets = {key: pulumi.Config().require_secret(key) for key in settings.secrets}
        urls = forge.deploy(plan(settings), secrets)
    except SynapseError as error:
        raise pulumi.RunError(str(error)) from error
    pulumi.export("phase", settings.phase)
    pulumi.export("urls", urls)


main()
