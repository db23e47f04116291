"""LiteLLM, which the gateway is compared with: one version, installed into its own environment at first use."""

from pathlib import Path

from tools.errors import ToolchainError
from tools.offline.environment import PythonEnvironment

VERSION = "1.106.2"
LITELLM = PythonEnvironment(name="litellm", version=VERSION, packages=[f"litellm[proxy]=={VERSION}"], minutes=2)


def environment() -> Path:
    """Return the folder of the Python environment. Raises ToolchainError where it cannot be made."""
    try:
        return LITELLM.folder()
    except ToolchainError as error:
        raise ToolchainError(f"{error}\nLeave it out with --without litellm.") from error
