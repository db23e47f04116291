"""The gateway keeps what its description says, whatever Schemathesis makes up from it."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import negative_data_rejection, positive_data_acceptance

from synapse_gateway.api.docs.openapi import document
from synapse_gateway.api.table import table
from synapse_gateway.server.multipart import MEDIA
from tests.gateway.everything import KEY, in_another_thread
from tests.gateway.router import GENERAL
from tests.gateway.running import Running

API = schemathesis.openapi.from_dict(document(table().endpoints))
EXAMPLES = 10
NEEDS_MORE = {
    "POST /voices",
    "POST /voices/{voice_id}/references",
    "DELETE /voices/{voice_id}",
    "POST /tts/interpolate",
    "PUT /models/{model}/profile",
    "POST /models/load",
}
"""Operations that succeed with a real recording, a voice, or fields that only another operation names."""
LEFT_OUT = [positive_data_acceptance]  # a schema cannot say that weights add up, or what a WAV is
FORMS = [negative_data_rejection]  # all that a form has is text: a number in it is a good name for a model
Answered = defaultdict[str, set[int]]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with in_another_thread(tmp_path_factory.mktemp("gateway")) as found:
        yield found


@pytest.fixture(scope="module")
def answered() -> Iterator[Answered]:
    """The statuses of each operation: a run in which all is refused would prove nothing."""
    found: Answered = defaultdict(set)
    yield found
    assert {label for label, statuses in found.items() if min(statuses) >= 300} <= NEEDS_MORE


def known(path: str, model: Any) -> Any:
    """A model that there is, in place of every other one that was made up."""
    return (
        ("stub" if not path.startswith("/models") else GENERAL) if isinstance(model, str) and len(model) % 2 else model
    )


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as found:
        found.headers["Authorization"] = f"Bearer {KEY}"
        yield found


@API.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    if isinstance(body, dict) and "model" in body and context.operation is not None:
        return {**body, "model": known(context.operation.path, body["model"])}
    return body


@API.hook
def map_path_parameters(context: schemathesis.HookContext, path_parameters: Any) -> Any:
    if path_parameters and "model" in path_parameters:
        return {**path_parameters, "model": known("/models", path_parameters["model"])}
    return path_parameters


@API.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_it_keeps_what_is_said_of_it(
    case: schemathesis.Case[Any], gateway: Running, session: requests.Session, answered: Answered
) -> None:
    response = case.call(base_url=gateway.url, session=session)
    answered[case.operation.label].add(response.status_code)
    case.validate_response(response, excluded_checks=[*LEFT_OUT, *(FORMS if case.media_type == MEDIA else [])])
