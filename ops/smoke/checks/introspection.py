"""Checks of the gateway's own endpoints: the health of its backends, its list of models, its metrics."""

import re

from ops.errors import WrongAnswerError
from ops.gateway.health import HEALTHY
from ops.gateway.responses import GatewayHealth, ModelList
from ops.smoke.check import CheckContext, Figures, SmokeCheck
from ops.smoke.scope import public_names


def health(context: CheckContext) -> Figures:
    """Check that every service of the plan is configured and healthy."""
    response = context.client.json(GatewayHealth, "GET", "/health")
    if missing := {service.name for service in context.plan.routes.services} - response.backends.keys():
        raise WrongAnswerError(f"not configured: {', '.join(sorted(missing))}")
    unhealthy = {name: state for name, state in response.backends.items() if state.status != HEALTHY}
    if unhealthy or response.status != HEALTHY:
        states = (f"{name} {state.status} ({state.code or state.error})" for name, state in unhealthy.items())
        raise WrongAnswerError(f"{response.status}: {', '.join(states) or 'every backend is healthy'}")
    return {"healthy": len(response.backends)}


def models(context: CheckContext) -> Figures:
    """Check that every public name of a language model is listed; speech and transcription engines list none."""
    listed = [model.id for model in context.client.json(ModelList, "GET", "/v1/models").data]
    public = [*public_names(context.plan, "chat"), *public_names(context.plan, "embeddings")]
    if missing := [name for name in public if name not in listed]:
        raise WrongAnswerError(f"not listed: {', '.join(missing)}")
    return {"models": len(listed)}


def metrics(context: CheckContext) -> Figures:
    """Check that the metrics have the version, and count requests."""
    text = context.client.content("GET", "/metrics").decode()
    version = re.search(r'^synapse_build_info\{.*?version="([^"]+)".*?\} 1', text, re.MULTILINE)
    counts = re.findall(r"^synapse_http_requests_total\{.*\} (\S+)$", text, re.MULTILINE)
    if version is None or not counts:
        raise WrongAnswerError(f"{len(text)} characters without synapse_build_info and synapse_http_requests_total")
    return {"version": version[1], "requests": int(sum(map(float, counts)))}


FIRST = (SmokeCheck(name="health", run=health), SmokeCheck(name="models", run=models, any_of=("chat", "embeddings")))
LAST = (SmokeCheck(name="metrics", run=metrics),)
