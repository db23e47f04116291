"""OpenAPI 3.1 document of the API, generated from the endpoint table."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from synapse_gateway import __version__
from synapse_gateway.errors import GatewayError
from synapse_gateway.server.endpoint import Doc, Endpoint

JSON = "application/json"
REF = "#/components/schemas/{name}"
SECURITY = {"key": {"type": "http", "scheme": "bearer", "description": "An API key, if keys are configured."}}
BODY_STATUSES = frozenset({408, 413, 415, 422})
UNLISTED = frozenset({405})  # every described operation has its method
KEY_STATUSES = frozenset({401, 403})
DESCRIPTION = (
    "One address for chat, embeddings, speech, speakers and audio. Clients of the OpenAI and Ollama APIs work "
    "unchanged. Every response has an `X-Request-ID`."
)


class ErrorDetail(msgspec.Struct):
    """Description of an error; *param* names the field of the request that it is about."""

    message: str
    type: str
    code: str | None
    param: str | None


class ErrorResponse(msgspec.Struct):
    """Body of every response that is not a success."""

    error: ErrorDetail


def document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """Return the OpenAPI document of those of *endpoints* that have a Doc."""
    described = [(endpoint, endpoint.doc) for endpoint in endpoints if endpoint.doc is not None]
    schemas, components = _schemas(described)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint, doc in described:
        paths.setdefault(endpoint.template, {})[endpoint.method.lower()] = _operation(endpoint, doc, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Synapse gateway", "version": __version__, "description": DESCRIPTION},
        "tags": [{"name": name} for name in dict.fromkeys(doc.tag for _, doc in described)],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {str(status): _error(status, schemas) for status in statuses()},
            "securitySchemes": SECURITY,
        },
    }


def statuses() -> list[int]:
    """Return every status of an error of the gateway; a backend may give any other below 500."""
    return sorted({kind.status for kind in GatewayError.__subclasses__()})


def _schemas(described: Iterable[tuple[Endpoint, Doc]]) -> tuple[Mapping[int, Any], dict[str, Any]]:
    """Return the schema of each type, by the identity of the type, and the components that the schemas refer to."""
    kinds = [kind for _, doc in described for kind in (doc.body, doc.answer) if kind is not None]
    kinds.append(ErrorResponse)
    schemas, components = msgspec.json.schema_components(kinds, ref_template=REF)
    return {id(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}, components


def _operation(endpoint: Endpoint, doc: Doc, schemas: Mapping[int, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{endpoint.method.lower()}{endpoint.template}").strip("_"),
        "summary": doc.summary,
        "tags": [doc.tag],
        "security": [] if endpoint.access == "open" else [{"key": []}],
        "parameters": list(_parameters(endpoint, doc)),
        "responses": {str(doc.status): _success(doc, schemas), **_failures(endpoint, doc)},
    }
    if endpoint.access == "admin":
        operation["description"] = "Requires a key of scope admin."
    if doc.body is not None or doc.form:
        operation["requestBody"] = {"required": True, "content": _content(doc, schemas)}
    return operation


def _parameters(endpoint: Endpoint, doc: Doc) -> Iterator[dict[str, Any]]:
    for name, many in re.findall(r"\{(\w+)(:path)?\}", endpoint.path):
        more = {"description": "May contain slashes, plain or percent-encoded."} if many else {}
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}, **more}
    for name, schema in doc.query.items():
        yield {"name": name, "in": "query", "schema": schema}


def _content(doc: Doc, schemas: Mapping[int, Any]) -> dict[str, Any]:
    if doc.body is not None:
        return {JSON: {"schema": schemas[id(doc.body)]}}
    form = {"type": "object", "properties": doc.form, "required": list(doc.required), "additionalProperties": False}
    return {"multipart/form-data": {"schema": form}}


def _success(doc: Doc, schemas: Mapping[int, Any]) -> dict[str, Any]:
    schema = {} if doc.answer is None else schemas[id(doc.answer)]
    content = {doc.media: {"schema": schema if doc.media == JSON else {}}}
    return {"description": doc.summary, "content": content | {media: {"schema": {}} for media in doc.also}}


def _failures(endpoint: Endpoint, doc: Doc) -> dict[str, Any]:
    unlisted = UNLISTED | (KEY_STATUSES if endpoint.access == "open" else frozenset())
    if doc.body is None and not doc.form:
        unlisted |= BODY_STATUSES
    possible = [status for status in statuses() if status not in unlisted]
    responses = {str(status): {"$ref": f"#/components/responses/{status}"} for status in possible}
    return {**responses, "4XX": {"$ref": "#/components/responses/400"}}


def _error(status: int, schemas: Mapping[int, Any]) -> dict[str, Any]:
    codes = sorted({kind.code for kind in GatewayError.__subclasses__() if kind.status == status})
    return {"description": ", ".join(codes), "content": {JSON: {"schema": schemas[id(ErrorResponse)]}}}
