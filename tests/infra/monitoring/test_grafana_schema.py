"""The dashboards are what Grafana's own schema knows: what its types do not carry is a field that it would not read."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from infra.monitoring import dashboards
from tests.infra.monitoring.everything import one_of_each

DOCUMENTS: dict[str, Any] = {name: json.loads(text) for name, text in dashboards.files(one_of_each()).items()}


@pytest.fixture(scope="module", autouse=True)
def plugins() -> None:
    """Panels and queries are of plugins, which have types of their own."""
    register_default_plugins()


def read(document: Any) -> Any:
    """The document once it has been through the types of the schema."""
    return json.loads(JSONEncoder().encode(Dashboard.from_json(copy.deepcopy(document))))


def lost(document: Any, known: Any, path: str = "") -> Iterator[str]:
    """What is in the document, and not in what was read of it."""
    if isinstance(document, dict) and isinstance(known, dict):
        for key, value in document.items():
            yield from lost(value, known.get(key), f"{path}.{key}")
    elif isinstance(document, list) and isinstance(known, list) and len(document) == len(known):
        for number, pair in enumerate(zip(document, known, strict=True)):
            yield from lost(*pair, f"{path}[{number}]")
    elif document != known:
        yield path


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_dashboard_is_of_the_schema(name: str) -> None:
    assert list(lost(DOCUMENTS[name], read(DOCUMENTS[name]))) == []


@pytest.mark.parametrize(
    ("place", "key"),
    [
        ((), "schemaVersoin"),
        (("time",), "until"),
        (("panels", 2), "titel"),
        (("panels", 2, "gridPos"), "width"),
        (("panels", 2, "targets", 0), "expression"),
        (("panels", 2, "options", "legend"), "position"),
        (("panels", 2, "fieldConfig", "defaults"), "units"),
        (("panels", 2, "fieldConfig", "defaults", "custom"), "line_width"),
        (("panels", 0, "options", "reduceOptions"), "calc"),
    ],
)
def test_a_field_that_is_misspelt_is_seen(place: tuple[Any, ...], key: str) -> None:
    document = copy.deepcopy(DOCUMENTS["overview.json"])
    holder: Any = document
    for step in place:
        holder = holder[step]
    holder[key] = 1
    assert list(lost(document, read(document))) == [
        "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in (*place, key))
    ]
