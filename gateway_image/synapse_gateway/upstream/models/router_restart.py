"""What only a restart of the router changes: its context size, as the profile of a model asks for it.

The change is made in the router's Deployment: it holds for all models, and until the manifests are applied again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from synapse_gateway.errors import BackendTimeoutError, ConflictError, GatewayError, UnavailableError
from synapse_gateway.settings import ModelTimes, Router
from synapse_gateway.upstream.models.deployments import Deployments
from synapse_gateway.upstream.models.listing import Entry, context_tokens

if TYPE_CHECKING:
    from synapse_gateway.upstream.models.router_api import RouterApi

FLAG = "--ctx-size"
SHORT = "-c"
log = logging.getLogger("synapse_gateway.upstream.models.router_restart")


class Runtime:
    """The runtime that models ask for. *wanted*: a model's context size in tokens, or None where any will do."""

    def __init__(self, settings: Router, times: ModelTimes, wanted: Callable[[str], int | None]) -> None:
        self._settings = settings
        self._times = times
        self._wanted = wanted
        self._deployments = Deployments(settings)
        self._is_rolling_out = False

    def due(self, model: str, entries: Sequence[Entry]) -> int | None:
        """The context size that *model* asks for, where the router runs with another."""
        wanted = self._wanted(model)
        return None if wanted == context_tokens(entries) else wanted

    def check(self, model: str) -> None:
        """Raise ConflictError while another change is rolling out, where *model* asks for one."""
        if self._is_rolling_out and self._wanted(model) is not None:
            raise ConflictError("the router is being restarted for another change", code="reconfigure_in_progress")

    async def roll_out(self, tokens: int, router: "RouterApi") -> None:
        """Restart the router with a context of *tokens*, and wait until it is back.

        Raises UnavailableError (Kubernetes), ConflictError (another change) and BackendTimeoutError.
        """
        self._is_rolling_out = True
        try:
            await self._change(tokens)
            await self._settled(tokens, router)
        finally:
            self._is_rolling_out = False

    def log_refusal(self, error: GatewayError) -> None:
        log.warning("a model is loaded with the context size that the router has: %s", error.message)

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

    async def _settled(self, tokens: int, router: "RouterApi") -> None:
        try:
            async with asyncio.timeout(self._settings.reconfigure_s):
                is_back = False
                while not is_back:
                    await asyncio.sleep(self._times.pause_s)
                    is_back = await _current(router) == tokens
        except TimeoutError as error:
            raise BackendTimeoutError(
                f"the router was not back within {self._settings.reconfigure_s:g} s", code="reconfigure_timeout"
            ) from error


async def _current(router: "RouterApi") -> int | None:
    try:
        return context_tokens(await router.listing())
    except GatewayError:
        return None  # it restarts


def with_option(args: Sequence[str], tokens: int) -> list[str]:
    """*args* with the context size, wherever and however it was given before."""
    kept: list[str] = []
    words = iter(args)
    for word in words:
        if word in {FLAG, SHORT}:
            next(words, None)
        elif not word.startswith(f"{FLAG}="):
            kept.append(word)
    if len(kept) == len(args):
        return [*args, FLAG, str(tokens)]
    place = next(i for i, word in enumerate(args) if word in {FLAG, SHORT} or word.startswith(f"{FLAG}="))
    return [*kept[:place], FLAG, str(tokens), *kept[place:]]
