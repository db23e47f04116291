"""Dashboards conform to Grafana's schema: a field that its types do not keep is a field that Grafana ignores."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from infra.monitoring import dashboards
from tests.infra.monitoring.all_kinds import one_of_each

DOCUMENTS: dict[str, Any] = {name: json.loads(text) for name, text in dashboards.files(one_of_each()).items()}


@pytest.fixture(scope="module", autouse=True)
def plugins() -> None:
    """Register the plugins that define the types of panels and queries."""
    register_default_plugins()


def read(document: Any) -> Any:
    """Return the document after a round trip through the types of the schema."""
    return json.loads(JSONEncoder().encode(Dashboard.from_json(copy.deepcopy(document))))


def lost(document: Any, parsed: Any, path: str = "") -> Iterator[str]:
    """Yield the parts of the document that are missing after the round trip."""
    if isinstance(document, dict) and isinstance(parsed, dict):
        for key, value in document.items():
            yield from lost(value, parsed.get(key), f"{path}.{key}")
    elif isinstance(document, list) and isinstance(parsed, list) and len(document) == len(parsed):
        for number, pair in enumerate(zip(document, parsed, strict=True)):
            yield from lost(*pair, f"{path}[{number}]")
    elif document != parsed:
        yield path


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_dashboard_conforms_to_the_schema(name: str) -> None:
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
def test_a_misspelt_field_is_detected(place: tuple[Any, ...], key: str) -> None:
    document = copy.deepcopy(DOCUMENTS["overview.json"])
    holder: Any = document
    for step in place:
        holder = holder[step]
    holder[key] = 1
    assert list(lost(document, read(document))) == [
        "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in (*place, key))
    ]
