"""Check of a llama.cpp router: a model is unloaded and loaded again, and stays loaded."""

from time import monotonic, sleep

from ops.errors import WrongAnswerError
from ops.gateway.responses import ListedModel, ModelList, SuccessResponse
from ops.smoke.check import CheckContext, Figures, SmokeCheck

LOADED = frozenset({"loaded", "sleeping"})
IN_USE = "model_busy"
PAUSE_S = 0.1


def load(context: CheckContext) -> Figures:
    """Unload and load a model; one that is in use is left alone. A gateway with keys needs an administrator's."""
    name = _first(context)
    try:
        _unload(context, name)
    except WrongAnswerError as error:
        if error.code != IN_USE:
            raise
        return {"in_use": name}
    _command(context, "load", name)
    _wait_for(context, name, LOADED)
    return {"loaded": name}


def _first(context: CheckContext) -> str:
    """Return the router's name of its first loaded model, or else of its first."""
    models = context.client.json(ModelList, "GET", "/models").data
    if not models:
        raise WrongAnswerError("the router has no model")
    loaded = [model for model in models if model.status.value in LOADED]
    return (loaded or models)[0].id


def _unload(context: CheckContext, name: str) -> None:
    if _model(context, name).status.value in LOADED:
        _command(context, "unload", name)
        _wait_for(context, name, frozenset({"unloaded"}))


def _command(context: CheckContext, command: str, name: str) -> None:
    if not context.client.json(SuccessResponse, "POST", f"/models/{command}", json={"model": name}).success:
        raise WrongAnswerError(f"the router did not {command} {name}")


def _wait_for(context: CheckContext, name: str, states: frozenset[str]) -> None:
    deadline = monotonic() + context.client.within_s
    while (status := _model(context, name).status).value not in states:
        if status.failed or monotonic() > deadline:
            state = "failed" if status.failed else f"is {status.value} after {context.client.within_s:g} s"
            raise WrongAnswerError(f"{name} {state}; {' or '.join(sorted(states))} expected")
        sleep(PAUSE_S)


def _model(context: CheckContext, name: str) -> ListedModel:
    for model in context.client.json(ModelList, "GET", "/models").data:
        if model.id == name:
            return model
    raise WrongAnswerError(f"{name} is no longer in the router's list")


CHECKS = (SmokeCheck(name="load and unload", run=load, adapter="llama-router"),)
