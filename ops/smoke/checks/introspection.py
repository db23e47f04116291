"""What the gateway says of itself: its backends' health, the models it offers, its metrics."""

import re

from ops.errors import WrongAnswerError
from ops.gateway.responses import Health, Models
from ops.smoke.check import Check, Figures, Talk
from ops.smoke.scope import public_names


def health(talk: Talk) -> Figures:
    """Every service of the plan is configured, and well."""
    found = talk.ask.json(Health, "GET", "/health")
    if missing := {service.name for service in talk.plan.routes.services} - found.backends.keys():
        raise WrongAnswerError(f"not configured: {', '.join(sorted(missing))}")
    ill = {name: state for name, state in found.backends.items() if state.status != "healthy"}
    if ill or found.status != "healthy":
        states = (f"{name} {state.status} ({state.code or state.error})" for name, state in ill.items())
        raise WrongAnswerError(f"{found.status}: {', '.join(states) or 'no backend is ill'}")
    return {"healthy": len(found.backends)}


def models(talk: Talk) -> Figures:
    """Every public name of a language model is listed; engines that speak or hear do not tell what they have."""
    listed = [model.id for model in talk.ask.json(Models, "GET", "/v1/models").data]
    public = [*public_names(talk.plan, "chat"), *public_names(talk.plan, "embeddings")]
    if missing := [name for name in public if name not in listed]:
        raise WrongAnswerError(f"not listed: {', '.join(missing)}")
    return {"models": len(listed)}


def metrics(talk: Talk) -> Figures:
    """Which version it is, and that it counts what it is asked."""
    text = talk.ask.content("GET", "/metrics").decode()
    version = re.search(r'^synapse_build_info\{.*?version="([^"]+)".*?\} 1', text, re.MULTILINE)
    counts = re.findall(r"^synapse_http_requests_total\{.*\} (\S+)$", text, re.MULTILINE)
    if version is None or not counts:
        raise WrongAnswerError(f"{len(text)} characters without synapse_build_info and synapse_http_requests_total")
    return {"version": version[1], "requests": int(sum(map(float, counts)))}


FIRST = (Check(name="health", ask=health), Check(name="models", ask=models, any_of=("chat", "embeddings")))
LAST = (Check(name="metrics", ask=metrics),)
