"""The description of the API as a page to read: plain HTML, nothing loaded from anywhere, no scripts."""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

Json = Mapping[str, Any]
STYLE = """
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:64rem;margin:0 auto;padding:1rem}
nav{columns:3 14rem;font-size:.9rem}
nav a{display:block}
section{border-top:1px solid #8886;margin-top:1.5rem}
summary,h3{cursor:default;font:600 1rem/1.6 ui-monospace,monospace;overflow-wrap:anywhere}
summary b,h3 b{display:inline-block;min-width:4.5rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
td,th{border-bottom:1px solid #8884;padding:.25rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
code{font:.85rem ui-monospace,monospace}
"""
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    + "'"
)
"""Nothing but the page's own style."""


def page(document: Json, *, is_open: bool) -> bytes:
    """All of *document*; each operation folded up unless *is_open*."""
    info = document["info"]
    title = escape(f"{info['title']} {info['version']}")
    body = "".join(
        [
            f"<h1>{title}</h1><p>{escape(info['description'])}</p>",
            '<p><a href="/openapi.json">openapi.json</a></p>',
            f"<nav>{''.join(_links(document))}</nav>",
            *_tags(document, is_open=is_open),
            "<section><h2>Schemas</h2>",
            *(_component(name, schema) for name, schema in document["components"]["schemas"].items()),
            "</section>",
        ]
    )
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    view = '<meta name="viewport" content="width=device-width,initial-scale=1">'
    return f"{head}{view}<style>{STYLE}</style></head><body>{body}</body></html>".encode()


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _links(document: Json) -> Iterator[str]:
    for method, path, operation in _operations(document):
        yield f'<a href="#{escape(operation["operationId"])}">{method} {escape(path)}</a>'


def _tags(document: Json, *, is_open: bool) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"<section><h2>{escape(tag['name'])}</h2>"
        for method, path, operation in _operations(document):
            if tag["name"] in operation["tags"]:
                yield _operation(method, path, operation, is_open=is_open)
        yield "</section>"


def _operation(method: str, path: str, operation: Json, *, is_open: bool) -> str:
    opened = " open" if is_open else ""
    parts = [
        f'<details id="{escape(operation["operationId"])}"{opened}><summary><b>{method}</b> {escape(path)}</summary>',
        f"<p>{escape(operation['summary'])}. {escape(_access(operation))}</p>",
        *_parameters(operation["parameters"]),
        *_body(operation),
        *_answers(operation["responses"]),
        "</details>",
    ]
    return "".join(parts)


def _access(operation: Json) -> str:
    return str(operation.get("description", "Needs a key." if operation["security"] else "Needs no key."))


def _parameters(parameters: Iterable[Json]) -> Iterator[str]:
    for found in parameters:
        name = f"<code>{escape(found['name'])}</code>"
        yield f"<p>{name} ({found['in']}): {kind(found['schema'])}. {escape(found.get('description', ''))}</p>"


def _body(operation: Json) -> Iterator[str]:
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body: <code>{escape(media)}</code> {kind(content['schema'])}</p>"
        yield _fields(content["schema"])


def _answers(responses: Json) -> Iterator[str]:
    for status, response in responses.items():
        for media, content in response.get("content", {}).items():
            yield f"<p>{status}: <code>{escape(media)}</code> {kind(content['schema'])}</p>"
    refused = ", ".join(status for status, response in responses.items() if "$ref" in response)
    yield f"<p>{escape(refused)}: {_link('Envelope')}</p>"


def _component(name: str, schema: Json) -> str:
    about = f"<p>{escape(schema.get('description', ''))}</p>"
    return f'<article id="{escape(name)}"><h3>{escape(name)}</h3>{about}{_fields(schema)}</article>'


def _fields(schema: Json) -> str:
    required = schema.get("required", ())
    rows = [
        f"<tr><td><code>{escape(name)}</code></td><td>{kind(found)}</td><td>{'required' if name in required else ''}"
        f"</td><td>{escape(found.get('description', ''))}</td></tr>"
        for name, found in schema.get("properties", {}).items()
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""


def kind(schema: Json) -> str:
    """What a value may be, in words, as HTML."""
    if reference := schema.get("$ref"):
        return _link(reference.rpartition("/")[2])
    if choices := schema.get("anyOf"):
        return " or ".join(kind(choice) for choice in choices)
    if values := schema.get("enum"):
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in values)
    if schema.get("type") == "array":
        return f"array of {kind(schema.get('items', {}))}"
    return escape(" ".join([str(schema.get("type", "anything")), *_bounds(schema)]))


def _link(name: str) -> str:
    return f'<a href="#{escape(name)}">{escape(name)}</a>'


BOUNDS: Mapping[str, str] = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "minLength": "at least this long:",
    "maxLength": "at most this long:",
    "pattern": "matching",
    "format": "in format",
}


def _bounds(schema: Json) -> Iterator[str]:
    for name, words in BOUNDS.items():
        if name in schema:
            yield f"{words} {schema[name]}"
