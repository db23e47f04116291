"""The picture of a stack is complete, and the same as in the documents."""

from xml.etree import ElementTree as ET

import pytest

from infra.plan.graph import svg
from infra.plan.stack import plan
from infra.settings.loader import load
from infra.settings.model import ROOT
from tests.conftest import planned
from tests.shipped import STACKS

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("stack", STACKS)
def test_the_pictures_in_the_documents_are_current(stack: str) -> None:
    assert (ROOT / f"docs/pictures/{stack}.svg").read_text(encoding="utf-8") == svg(plan(load(stack)), stack)


def test_every_service_and_route_is_drawn() -> None:
    forge = planned()
    root = ET.fromstring(svg(forge, "forge"))  # noqa: S314 - our own text
    texts = [element.text or "" for element in root.iter(f"{SVG}text")]
    for service in forge.services:
        assert any(service.service_name in text for text in texts)
    targets = sum(len(route.targets) for route in forge.routes.routes)
    assert len(list(root.iter(f"{SVG}path"))) == targets
    assert "RAM 48Gi, CPU 12, GPU 1 with 26.91Gi" in texts


def test_the_picture_names_its_stack_and_not_its_node() -> None:
    picture = svg(planned(), "mine")
    assert "<title>mine: " in picture
    assert ">forge: " not in picture


def test_the_routes_lead_through_the_gateway() -> None:
    root = ET.fromstring(svg(planned(), "forge"))  # noqa: S314 - our own text
    (name,) = [text for text in root.iter(f"{SVG}text") if text.text == "synapse-gateway"]
    assert "rotate" in name.attrib["transform"]
    bar = next(iter(root.iter(f"{SVG}rect")))
    left, right = int(bar.attrib["x"]), int(bar.attrib["x"]) + int(bar.attrib["width"])
    top, bottom = int(bar.attrib["y"]), int(bar.attrib["y"]) + int(bar.attrib["height"])
    for path in root.iter(f"{SVG}path"):
        _, start, height, _, edge, *_ = path.attrib["d"].split()
        assert int(start) < left < right <= int(edge)
        assert top < int(height) < bottom


def test_a_stack_without_a_gateway_has_no_bar() -> None:
    assert "rotate" not in svg(planned("phase", 2), "forge")


def test_nothing_is_drawn_outside_the_picture() -> None:
    root = ET.fromstring(svg(plan(load("forge-llamacpp")), "forge-llamacpp"))  # noqa: S314 - our own text
    width, height = int(root.attrib["width"]), int(root.attrib["height"])
    for box in root.iter(f"{SVG}rect"):
        assert int(box.attrib["x"]) + int(box.attrib["width"]) <= width
        assert int(box.attrib["y"]) + int(box.attrib["height"]) <= height


def test_markup_in_a_name_is_escaped() -> None:
    route = [{"service": "ollama", "model": "<script>alert(1)</script>"}]
    picture = svg(planned("routes.<b>", route), "forge")
    assert "<script>" not in picture
    assert "&lt;b&gt;" in picture
