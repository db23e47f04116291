"""OpenAPI document: it describes all endpoints, and Swagger UI shows it."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from synapse_gateway.api.docs.openapi import document, statuses
from synapse_gateway.api.endpoint_table import table
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
    "/docs/{name}",
    "/redoc",
}
"""Pages, feed, probes and metrics are not part of the API."""


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        inner = {reference for item in value.values() for reference in references(item)}
        return inner | ({value["$ref"]} if isinstance(value.get("$ref"), str) else set())
    return {reference for item in value for reference in references(item)} if isinstance(value, list) else set()


def resolved(reference: str) -> Any:
    value: Any = DOCUMENT
    for name in reference.removeprefix("#/").split("/"):
        value = value[name]
    return value


def test_every_endpoint_is_described_or_listed_as_left_out() -> None:
    described = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    offered = {(endpoint.method, endpoint.template) for endpoint in ENDPOINTS if endpoint.template not in LEFT_OUT}
    assert described == offered


def test_the_document_has_the_operations_of_the_contract() -> None:
    paths = DOCUMENT["paths"]
    speech = {"/stt/transcribe", "/stt/detect-language", "/stt/stream", "/speakers/diarize", "/speakers/verify"}
    assert {*speech, "/audio/denoise", "/audio/convert", "/v1/embeddings", "/v1/chat/completions"} <= paths.keys()


@pytest.mark.parametrize(
    "endpoint", [endpoint for endpoint in ENDPOINTS if endpoint.doc], ids=lambda endpoint: endpoint.template
)
def test_an_operation_describes_its_request_and_response(endpoint: Any) -> None:
    operation = DOCUMENT["paths"][endpoint.template][endpoint.method.lower()]
    names = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"]
    assert names == re.findall(r"\{(\w+)", endpoint.path)
    assert str(endpoint.doc.status) in operation["responses"]
    assert ("requestBody" in operation) == bool(endpoint.doc.body is not None or endpoint.doc.form)
    assert (endpoint.method in {"POST", "PUT"}) == ("requestBody" in operation)
    assert (operation["security"] == []) == (endpoint.access == "open")


def test_every_error_has_the_error_format() -> None:
    for status in statuses():
        content = DOCUMENT["components"]["responses"][str(status)]["content"]
        assert content == {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}}


def test_references_resolve_and_names_are_alphanumeric() -> None:
    assert all(resolved(reference) for reference in references(DOCUMENT))
    assert all(name.isalnum() for name in DOCUMENT["components"]["schemas"])
    ids = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))


async def test_the_document_is_served_as_json(start: Any, fake: Any) -> None:
    gateway = await start({"stub": await fake()})
    assert (await gateway.http.get("/openapi.json")).json() == DOCUMENT


class Page(HTMLParser):
    """Elements of a page: addresses that it loads, the OpenAPI document that it names, and inline code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.document: str | None = None
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        address = values.get("href") if tag == "link" else values.get("src")
        self.loaded += [address] if address else []
        self.document = values.get("data-document", self.document)
        if tag == "style" or (tag == "script" and not address) or any(name.startswith("on") for name in values):
            self.inline.append(tag)


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_page_loads_swagger_ui_from_the_gateway_and_names_the_document(
    start: Any, fake: Any, path: str
) -> None:
    gateway = await start({"stub": await fake()})
    response = await gateway.http.get(path)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'"} <= set(
        response.headers["content-security-policy"].split("; ")
    )
    page = Page(response.text)
    assert page.inline == []
    assert page.document == "/openapi.json"
    assert {"/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/ui/docs.js"} <= set(page.loaded)
    for address in page.loaded:
        assert address.startswith("/")
        assert (await gateway.http.get(address)).status_code == 200


async def test_swagger_ui_is_of_a_version_that_reads_openapi_3_1(start: Any, fake: Any) -> None:
    gateway = await start({"stub": await fake()})
    script = (await gateway.http.get("/docs/swagger-ui-bundle.js")).text
    version = re.search(r'PACKAGE_VERSION:"(\d+)\.', script)
    assert DOCUMENT["openapi"] == "3.1.0"
    assert version is not None
    assert int(version[1]) >= 5


async def test_a_file_that_swagger_ui_does_not_have_is_not_found(start: Any, fake: Any) -> None:
    gateway = await start({"stub": await fake()})
    assert (await gateway.http.get("/docs/index.html")).status_code == 404


async def test_a_session_of_the_dashboard_may_read_the_documentation(start: Any, fake: Any) -> None:
    backend = await fake()
    gateway = await start({"stub": backend}, SYNAPSE_API_KEYS="k", SYNAPSE_DASHBOARD_ACCESS_TOKEN="t")  # noqa: S106
    paths = ("/docs", "/redoc", "/docs/swagger-ui-bundle.js", "/openapi.json")
    for path in paths:
        assert (await gateway.http.get(path)).status_code == 401
        assert (await gateway.http.get(path, headers={"Authorization": "Bearer k"})).status_code == 200
    await gateway.http.get("/dashboard/login", params={"access_token": "t"})
    for path in paths:
        assert (await gateway.http.get(path)).status_code == 200


def test_query_parameters_are_described() -> None:
    async def handler(call: Any) -> Any:
        raise AssertionError

    doc = Doc(summary="s", tag="t", query={"q": {"type": "integer"}})
    described = document([Endpoint(method="GET", path="/x", handler=handler, doc=doc)])
    parameters = described["paths"]["/x"]["get"]["parameters"]
    assert parameters == [{"name": "q", "in": "query", "schema": {"type": "integer"}}]
