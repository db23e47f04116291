"""Malformed bodies to every JSON endpoint: refused with the error envelope, never a 500."""

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_gateway.api.docs.openapi import document
from synapse_gateway.api.endpoint_table import table
from tests.gateway.all_backends import KEY, in_another_thread

DOCUMENT = document(table().endpoints)
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
DEEP = 100_000
NO_JSON = [
    b"",
    b"{",
    b"[" * DEEP,
    b'{"messages":' + b'[{"a":' * DEEP,
    b"[" * DEEP + b"]" * DEEP,
    b'{"model":"\xff"}',
    b'{"model":"stub","messages":[{"content":"\xed\xa0\x80"}]}',
    b'{"temperature":NaN}',
    b'{"temperature":-Infinity}',
    b'{"model":"stub"}{"model":"stub"}',
    b"\x00",
    b"\xef\xbb\xbf{}",
    b"{'model':1}",
]


def taking_json() -> Iterator[tuple[str, str, Any]]:
    """Yield method, path and schema of every operation with a JSON body."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            if content := operation.get("requestBody", {}).get("content", {}).get("application/json"):
                yield method, path.replace("{model}", "stub"), content["schema"]


OPERATIONS = list(taking_json())
NAMES = [f"{method} {path}" for method, path, _ in OPERATIONS]


def bounded() -> Iterator[tuple[str, str, str, Any]]:
    """Yield method, path, field and schema of every number with bounds."""
    for method, path, schema in OPERATIONS:
        properties = SCHEMAS.get(schema.get("$ref", "").rpartition("/")[2], {}).get("properties", {})
        for name, field in properties.items():
            for choice in field.get("anyOf", [field]):
                if "maximum" in choice and "minimum" in choice:
                    yield method, path, name, choice


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    with (
        in_another_thread(tmp_path_factory.mktemp("gateway")) as gateway,
        httpx.Client(base_url=gateway.url, headers=headers) as http,
    ):
        yield http


def refused(answer: httpx.Response) -> Any:
    assert 400 <= answer.status_code < 500
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    return error


@pytest.mark.parametrize(("method", "path", "schema"), OPERATIONS, ids=NAMES)
def test_invalid_json_is_refused(client: httpx.Client, method: str, path: str, schema: Any) -> None:
    for body in NO_JSON:
        refused(client.request(method, path, content=body))


@settings(deadline=None, max_examples=200)
@given(operation=st.sampled_from(OPERATIONS), body=st.binary(max_size=200))
def test_arbitrary_bytes_are_refused(client: httpx.Client, operation: Any, body: bytes) -> None:
    refused(client.request(operation[0], operation[1], content=body))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)


@settings(deadline=None, max_examples=200)
@given(operation=st.sampled_from(OPERATIONS), name=st.text(max_size=9), value=JSON)
def test_any_value_in_any_field_gets_a_response(client: httpx.Client, operation: Any, name: str, value: Any) -> None:
    method, path, schema = operation
    fields = list(SCHEMAS.get(schema.get("$ref", "").rpartition("/")[2], {}).get("properties", {}))
    for field in (name, *fields):
        body = msgspec.json.encode({field: value})
        assert client.request(method, path, content=body).status_code < 500


@pytest.mark.parametrize(("method", "path", "field", "schema"), list(bounded()))
def test_numbers_out_of_bounds_are_refused_by_name(
    client: httpx.Client, method: str, path: str, field: str, schema: Any
) -> None:
    for value in (schema["minimum"] - 1, schema["maximum"] + 1, 10**30, -(10**30)):
        error = refused(client.request(method, path, content=msgspec.json.encode({field: float(value)})))
        assert error["param"] == field


@pytest.mark.parametrize("field", ["n_discard", "id_slot", "api_base", "extra_body", "prompt_logprobs", "lora"])
def test_fields_of_a_single_backend_type_are_refused(client: httpx.Client, field: str) -> None:
    for path in ("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", "/api/chat"):
        error = refused(client.post(path, json={field: -1}))
        assert (error["code"], error["param"]) == ("validation_error", field)


def test_a_million_choices_are_refused(client: httpx.Client) -> None:
    assert refused(client.post("/v1/chat/completions", json={"n": 1_000_000, "messages": []}))["param"] == "n"
