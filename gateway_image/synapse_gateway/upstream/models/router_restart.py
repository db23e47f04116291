"""Restart of the router with another context size, as the profile of a model requires.

The Deployment of the router is changed: that applies to all its models, until the manifests are applied again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from synapse_gateway.errors import BackendTimeoutError, ConflictError, GatewayError, UnavailableError
from synapse_gateway.settings import ModelTimes, RouterSettings
from synapse_gateway.upstream.models.deployments import Deployments
from synapse_gateway.upstream.models.listing import ModelEntry, context_tokens
from synapse_gateway.upstream.models.router_api import RouterApi

FLAG = "--ctx-size"
SHORT = "-c"
log = logging.getLogger("synapse_gateway.upstream.models.router_restart")


class RouterRestart:
    """Changes of the router's context size. *required*: the tokens that a model needs, None where any size will do."""

    def __init__(self, settings: RouterSettings, times: ModelTimes, required: Callable[[str], int | None]) -> None:
        self._settings = settings
        self._times = times
        self._required = required
        self._deployments = Deployments(settings)
        self._is_rolling_out = False

    def due(self, model: str, entries: Sequence[ModelEntry]) -> int | None:
        """Return the context size that *model* requires, if the router runs with another."""
        tokens = self._required(model)
        return None if tokens == context_tokens(entries) else tokens

    def check(self, model: str) -> None:
        """Raise ConflictError if *model* requires a context size while another restart is in progress."""
        if self._is_rolling_out and self._required(model) is not None:
            raise ConflictError("the router is restarting for another change; retry", code="reconfigure_in_progress")

    async def roll_out(self, tokens: int, router: RouterApi) -> None:
        """Restart the router with a context of *tokens*, and wait until it is back.

        Raises UnavailableError (Kubernetes), ConflictError (another change) and BackendTimeoutError.
        """
        self._is_rolling_out = True
        try:
            await self._change(tokens)
            await self._wait_until_restarted(tokens, router)
        finally:
            self._is_rolling_out = False

    def log_refusal(self, error: GatewayError) -> None:
        log.warning("model loaded with the router's present context size: %s", error.message)

    async def _change(self, tokens: int) -> None:
        deployment = await self._deployments.read()
        container = deployment.container(self._settings.container)
        if container is None:
            raise UnavailableError(
                f"the router's Deployment has no container {self._settings.container!r}", code="reconfigure_unavailable"
            )
        args = with_option(container.args, tokens)
        if args != container.args:
            await self._deployments.change(deployment, container.name, args)

    async def _wait_until_restarted(self, tokens: int, router: RouterApi) -> None:
        try:
            async with asyncio.timeout(self._settings.reconfigure_s):
                is_restarted = False
                while not is_restarted:
                    await asyncio.sleep(self._times.pause_s)
                    is_restarted = await _current_tokens(router) == tokens
        except TimeoutError as error:
            raise BackendTimeoutError(
                f"the router did not restart within {self._settings.reconfigure_s:g} s", code="reconfigure_timeout"
            ) from error


async def _current_tokens(router: RouterApi) -> int | None:
    try:
        return context_tokens(await router.models())
    except GatewayError:
        return None  # still restarting


def with_option(args: Sequence[str], tokens: int) -> list[str]:
    """Return *args* with the context size set to *tokens*, in place of every earlier form of the option."""
    kept: list[str] = []
    words = iter(args)
    for word in words:
        if word in {FLAG, SHORT}:
            next(words, None)
        elif not word.startswith(f"{FLAG}="):
            kept.append(word)
    if len(kept) == len(args):
        return [*args, FLAG, str(tokens)]
    index = next(i for i, word in enumerate(args) if word in {FLAG, SHORT} or word.startswith(f"{FLAG}="))
    return [*kept[:index], FLAG, str(tokens), *kept[index:]]
