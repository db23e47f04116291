"""The description says all there is, and nothing else."""

import base64
import hashlib
import re
from typing import Any

import pytest

from synapse_gateway.api.docs.openapi import document, statuses
from synapse_gateway.api.table import table
from synapse_gateway.server.endpoint import Doc, Endpoint

pytestmark = pytest.mark.anyio
ENDPOINTS = table().endpoints
DOCUMENT = document(ENDPOINTS)
LEFT_OUT = {
    "/",
    "/ui",
    "/ui/{name}",
    "/dashboard",
    "/dashboard/login",
    "/dashboard/logout",
    "/events/terminal",
    "/livez",
    "/readyz",
    "/metrics",
    "/api/backend-routes",
    "/openapi.json",
    "/docs",
    "/redoc",
}
"""Pages, feed, probes and metrics are not part of the API."""


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        inner = {found for each in value.values() for found in references(each)}
        return inner | ({value["$ref"]} if isinstance(value.get("$ref"), str) else set())
    return {found for each in value for found in references(each)} if isinstance(value, list) else set()


def resolved(reference: str) -> Any:
    found: Any = DOCUMENT
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def test_every_endpoint_is_described_or_left_out_on_purpose() -> None:
    described = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    offered = {(endpoint.method, endpoint.template) for endpoint in ENDPOINTS if endpoint.template not in LEFT_OUT}
    assert described == offered


def test_the_operations_of_the_contract_are_there() -> None:
    paths = DOCUMENT["paths"]
    speech = {"/stt/transcribe", "/stt/detect-language", "/stt/stream", "/speakers/diarize", "/speakers/verify"}
    assert {*speech, "/audio/denoise", "/audio/convert", "/v1/embeddings", "/v1/chat/completions"} <= paths.keys()


@pytest.mark.parametrize("endpoint", [found for found in ENDPOINTS if found.doc], ids=lambda found: found.template)
def test_an_operation_says_what_it_takes_and_gives(endpoint: Any) -> None:
    operation = DOCUMENT["paths"][endpoint.template][endpoint.method.lower()]
    names = [found["name"] for found in operation["parameters"] if found["in"] == "path"]
    assert names == re.findall(r"\{(\w+)", endpoint.path)
    assert str(endpoint.doc.status) in operation["responses"]
    assert ("requestBody" in operation) == bool(endpoint.doc.body is not None or endpoint.doc.form)
    assert (endpoint.method in {"POST", "PUT"}) == ("requestBody" in operation)
    assert (operation["security"] == []) == (endpoint.access == "open")


def test_every_failure_has_the_one_shape() -> None:
    for status in statuses():
        content = DOCUMENT["components"]["responses"][str(status)]["content"]
        assert content == {"application/json": {"schema": {"$ref": "#/components/schemas/Envelope"}}}


def test_references_lead_somewhere_and_names_are_plain() -> None:
    assert all(resolved(reference) for reference in references(DOCUMENT))
    assert all(name.isalnum() for name in DOCUMENT["components"]["schemas"])
    ids = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))


async def test_programs_get_the_document(start: Any, fake: Any) -> None:
    gateway = await start({"stub": await fake()})
    assert (await gateway.http.get("/openapi.json")).json() == DOCUMENT


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_people_get_a_page_that_loads_nothing(start: Any, fake: Any, path: str) -> None:
    answer = await (await start({"stub": await fake()})).http.get(path)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    style = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.search(r"<script|<link|<img|\bsrc=|https?://", answer.text)
    assert ("<details open" in answer.text or " open><summary>" in answer.text) is (path == "/redoc")
    for found in DOCUMENT["paths"]:
        assert f"</b> {found}</summary>" in answer.text
    targets = set(re.findall(r'href="#([^"]+)"', answer.text))
    assert targets <= set(re.findall(r'id="([^"]+)"', answer.text))


async def test_one_who_has_logged_in_may_read_it_too(start: Any, fake: Any) -> None:
    backend = await fake()
    gateway = await start({"stub": backend}, SYNAPSE_API_KEYS="k", SYNAPSE_DASHBOARD_ACCESS_TOKEN="t")  # noqa: S106
    assert (await gateway.http.get("/docs")).status_code == 401
    await gateway.http.get("/dashboard/login", params={"access_token": "t"})
    assert (await gateway.http.get("/docs")).status_code == 200
    assert (await gateway.http.get("/openapi.json")).status_code == 200


def test_a_query_is_described() -> None:
    async def handler(call: Any) -> Any:
        raise AssertionError

    doc = Doc(summary="s", tag="t", query={"q": {"type": "integer"}})
    found = document([Endpoint(method="GET", path="/x", handler=handler, doc=doc)])
    parameters = found["paths"]["/x"]["get"]["parameters"]
    assert parameters == [{"name": "q", "in": "query", "schema": {"type": "integer"}}]
