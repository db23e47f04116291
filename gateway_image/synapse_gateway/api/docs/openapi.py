"""The description of the API (OpenAPI 3.1), read off the table that dispatches."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from synapse_gateway import __version__
from synapse_gateway.errors import GatewayError
from synapse_gateway.server.endpoint import Doc, Endpoint

JSON = "application/json"
REF = "#/components/schemas/{name}"
SECURITY = {"key": {"type": "http", "scheme": "bearer", "description": "An API key, where keys are configured."}}
OF_BODIES = frozenset({408, 413, 415, 422})
NEVER = frozenset({405})  # what is described has its method
OF_KEYS = frozenset({401, 403})
ABOUT = (
    "One address for chat, embeddings, speech, speakers and audio. Clients of OpenAI's and of Ollama's API work "
    "unchanged. Every answer has an `X-Request-ID`."
)


class Fault(msgspec.Struct):
    """What went wrong; *param* names the field of the request that is meant."""

    message: str
    type: str
    code: str | None
    param: str | None


class Envelope(msgspec.Struct):
    """The body of every answer that is no success."""

    error: Fault


def document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The description of those of *endpoints* that have a Doc."""
    described = [(endpoint, endpoint.doc) for endpoint in endpoints if endpoint.doc is not None]
    schemas, components = _schemas(described)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint, doc in described:
        paths.setdefault(endpoint.template, {})[endpoint.method.lower()] = _operation(endpoint, doc, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Synapse gateway", "version": __version__, "description": ABOUT},
        "tags": [{"name": name} for name in dict.fromkeys(doc.tag for _, doc in described)],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {str(status): _error(status, schemas) for status in statuses()},
            "securitySchemes": SECURITY,
        },
    }


def statuses() -> list[int]:
    """Every status that a failure can have by itself; a backend's refusal may have any other below 500."""
    return sorted({kind.status for kind in GatewayError.__subclasses__()})


def _schemas(described: Iterable[tuple[Endpoint, Doc]]) -> tuple[Mapping[int, Any], dict[str, Any]]:
    """Types, by their identity -> their schema, and the components that the schemas refer to."""
    kinds = [kind for _, doc in described for kind in (doc.body, doc.answer) if kind is not None]
    kinds.append(Envelope)
    schemas, components = msgspec.json.schema_components(kinds, ref_template=REF)
    return {id(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}, components


def _operation(endpoint: Endpoint, doc: Doc, schemas: Mapping[int, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{endpoint.method.lower()}{endpoint.template}").strip("_"),
        "summary": doc.summary,
        "tags": [doc.tag],
        "security": [] if endpoint.access == "open" else [{"key": []}],
        "parameters": list(_parameters(endpoint, doc)),
        "responses": {str(doc.status): _success(doc, schemas), **_failures(endpoint, doc)},
    }
    if endpoint.access == "admin":
        found["description"] = "Needs a key of scope admin."
    if doc.body is not None or doc.form:
        found["requestBody"] = {"required": True, "content": _content(doc, schemas)}
    return found


def _parameters(endpoint: Endpoint, doc: Doc) -> Iterator[dict[str, Any]]:
    for name, many in re.findall(r"\{(\w+)(:path)?\}", endpoint.path):
        more = {"description": "May hold slashes, as they are or percent-encoded."} if many else {}
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}, **more}
    for name, schema in doc.query.items():
        yield {"name": name, "in": "query", "schema": schema}


def _content(doc: Doc, schemas: Mapping[int, Any]) -> dict[str, Any]:
    if doc.body is not None:
        return {JSON: {"schema": schemas[id(doc.body)]}}
    form = {"type": "object", "properties": doc.form, "required": list(doc.required), "additionalProperties": False}
    return {"multipart/form-data": {"schema": form}}


def _success(doc: Doc, schemas: Mapping[int, Any]) -> dict[str, Any]:
    whole = {} if doc.answer is None else schemas[id(doc.answer)]
    content = {doc.media: {"schema": whole if doc.media == JSON else {}}}
    return {"description": doc.summary, "content": content | {media: {"schema": {}} for media in doc.also}}


def _failures(endpoint: Endpoint, doc: Doc) -> dict[str, Any]:
    left_out = NEVER | (OF_KEYS if endpoint.access == "open" else frozenset())
    if doc.body is None and not doc.form:
        left_out |= OF_BODIES
    possible = [status for status in statuses() if status not in left_out]
    named = {str(status): {"$ref": f"#/components/responses/{status}"} for status in possible}
    return {**named, "4XX": {"$ref": "#/components/responses/400"}}


def _error(status: int, schemas: Mapping[int, Any]) -> dict[str, Any]:
    codes = sorted({kind.code for kind in GatewayError.__subclasses__() if kind.status == status})
    return {"description": ", ".join(codes), "content": {JSON: {"schema": schemas[id(Envelope)]}}}
