"""The router's models: one is unloaded and loaded again, and stays loaded."""

from time import monotonic, sleep

from ops.errors import WrongAnswerError
from ops.gateway.responses import Done, Model, Models
from ops.smoke.check import Check, Figures, Talk

LOADED = frozenset({"loaded", "sleeping"})
IN_USE = "model_busy"
PAUSE_S = 0.1


def load(talk: Talk) -> Figures:
    """An administrator's key is needed where the gateway has keys. What others use is rightly not taken from them."""
    name = _first(talk)
    try:
        _unload(talk, name)
    except WrongAnswerError as error:
        if error.code != IN_USE:
            raise
        return {"in_use": name}
    _order(talk, "load", name)
    _wait(talk, name, LOADED)
    return {"loaded": name}


def _first(talk: Talk) -> str:
    """The router's own name of the first model that it has."""
    found = talk.ask.json(Models, "GET", "/models").data
    if not found:
        raise WrongAnswerError("the router has no model")
    loaded = [model for model in found if model.status.value in LOADED]
    return (loaded or found)[0].id


def _unload(talk: Talk, name: str) -> None:
    if _state(talk, name).status.value in LOADED:
        _order(talk, "unload", name)
        _wait(talk, name, frozenset({"unloaded"}))


def _order(talk: Talk, order: str, name: str) -> None:
    if not talk.ask.json(Done, "POST", f"/models/{order}", json={"model": name}).success:
        raise WrongAnswerError(f"the router did not {order} {name}")


def _wait(talk: Talk, name: str, states: frozenset[str]) -> None:
    until = monotonic() + talk.ask.within_s
    while (found := _state(talk, name).status).value not in states:
        if found.failed or monotonic() > until:
            told = "failed" if found.failed else f"is {found.value} after {talk.ask.within_s:g} s"
            raise WrongAnswerError(f"{name} {told}; {' or '.join(sorted(states))} expected")
        sleep(PAUSE_S)


def _state(talk: Talk, name: str) -> Model:
    for model in talk.ask.json(Models, "GET", "/models").data:
        if model.id == name:
            return model
    raise WrongAnswerError(f"{name} is no longer in the router's list")


CHECKS = (Check(name="load and unload", ask=load, adapter="llama-router"),)
