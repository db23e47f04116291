"""The Pulumi program: settings of the stack file -> plan -> resources."""

from infra import fast_preview

fast_preview.stop_collecting()  # before the imports, which make most of the objects

from typing import Any

import pulumi
from pulumi.runtime import config

from infra.errors import SynapseError
from infra.plan.stack import plan
from infra.settings.loader import from_engine
from stacks import fast_registration, forge


async def program() -> dict[str, Any]:
    """Register all resources and return the stack's outputs; end with one message for the author of the stack file."""
    fast_registration.patch()
    try:
        settings = from_engine(config.CONFIG.get(), pulumi.get_stack(), pulumi.runtime.is_config_secret)
        secrets = {key: pulumi.Config().require_secret(key) for key in settings.secrets}
        urls = await forge.deploy(plan(settings), secrets)
    except SynapseError as error:
        raise pulumi.RunError(str(error)) from error
    return {"phase": settings.phase, "urls": urls}


pulumi.run(program)
