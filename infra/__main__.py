"""The Pulumi program: settings of the stack file -> plan -> resources."""

from infra import fast_preview

fast_preview.stop_collecting()  # before the imports, which make most of the objects

import pulumi
from pulumi.runtime import config

from infra.errors import SynapseError
from infra.plan.stack import plan
from infra.settings.loader import from_engine
from stacks import forge


def main() -> None:
    """Register all resources, or end with one message for the author of the stack file."""
    fast_preview.drop_debug_lines(pulumi.log)
    try:
        settings = from_engine(config.CONFIG.get(), pulumi.get_stack(), pulumi.runtime.is_config_secret)
        secrets = {key: pulumi.Config().require_secret(key) for key in settings.secrets}
        urls = forge.deploy(plan(settings), secrets)
    except SynapseError as error:
        raise pulumi.RunError(str(error)) from error
    pulumi.export("phase", settings.phase)
    pulumi.export("urls", urls)


main()
