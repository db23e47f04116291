"""YAML that the program writes."""

import pytest
import yaml

from infra.yaml_text import yaml_text

DOCUMENT = {
    "receivers": [{"name": "people", "url": "http://é.test/a: b"}],
    "empty": {},
    "a": "x " * 60,
    "on": "yes",
    "n": 1,
}


def test_keys_keep_their_order_and_the_text_is_that_of_pyyaml() -> None:
    text = yaml_text(DOCUMENT)
    assert list(yaml.safe_load(text)) == list(DOCUMENT)
    assert text == yaml.safe_dump(DOCUMENT, sort_keys=False)


def test_other_types_are_refused() -> None:
    with pytest.raises(yaml.YAMLError):
        yaml_text({"a": object()})
