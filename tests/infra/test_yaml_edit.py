"""Edits of YAML by position: what changes, what stays, and what is refused."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from infra.errors import SettingsError
from infra.settings.model import ROOT
from infra.yaml_edit import prepended, removed, replaced
from tests.shipped import STACKS

SECRET = "v1:" + 40 * "abcdefgh"
TEXT = f"""# first comment
config:
  synapse:phase: 6 # of six

  # services
  synapse:services:
    vllm:
      model: a/b # a comment stays
      sequences: 2
    empty: {{}}
    null_one:
    flow: {{ kind: vllm, memory: {{ request: 1Gi, limit: 2Gi }} }} # flow comment
  synapse:routes:
    chat:
      - {{ service: vllm, model: a/b }} # first choice
      - {{ service: ollama, model: "a:b" }}
    short: [{{ service: vllm }}]
    indentless:
    - service: vllm
      model: a/b
    - service: flow
  # end of routes

  synapse:hfToken:
    secure: {SECRET}
  synapse:text: |
    line one

    line two

  other:key: last
"""


def at(*path: str | int) -> tuple[str | int, ...]:
    return ("config", *path)


def lines(text: str, edited: str) -> tuple[list[str], list[str]]:
    """The lines that went, and those that came."""
    before, after = text.splitlines(), edited.splitlines()
    return [line for line in before if line not in after], [line for line in after if line not in before]


@pytest.mark.parametrize(
    ("path", "value", "gone", "new"),
    [
        (
            ("synapse:services", "vllm", "model"),
            "c/d",
            ["      model: a/b # a comment stays"],
            ["      model: c/d # a comment stays"],
        ),
        (("synapse:services", "vllm", "contextTokens"), 4096, [], ["      contextTokens: 4096"]),
        (("synapse:services", "empty", "eager"), False, ["    empty: {}"], ["    empty: { eager: false }"]),
        (("synapse:services", "null_one", "disk"), "1Gi", ["    null_one:"], ["    null_one: { disk: 1Gi }"]),
        (
            ("synapse:services", "flow", "model"),
            "x: y, z",
            ["    flow: { kind: vllm, memory: { request: 1Gi, limit: 2Gi } } # flow comment"],
            ["    flow: { kind: vllm, memory: { request: 1Gi, limit: 2Gi }, model: 'x: y, z' } # flow comment"],
        ),
        (
            ("synapse:routes", "chat", 0, "model"),
            "c/d",
            ["      - { service: vllm, model: a/b } # first choice"],
            ["      - { service: vllm, model: c/d } # first choice"],
        ),
        (("synapse:routes", "chat", 2), {"service": "three"}, [], ["      - { service: three }"]),
        (("synapse:routes", "indentless", 2), {"service": "three"}, [], ["    - { service: three }"]),
        (
            ("synapse:routes", "short", 1),
            {"service": "two"},
            ["    short: [{ service: vllm }]"],
            ["    short: [{ service: vllm }, { service: two }]"],
        ),
        (
            ("synapse:routes", "1.5"),
            [{"service": "vllm", "model": "a/b"}],
            [],
            ["    '1.5':", "      - { service: vllm, model: a/b }"],
        ),
        (("synapse:text",), "short", ["  synapse:text: |", "    line one", "    line two"], ["  synapse:text: short"]),
        (("synapse:models", "a/b", "layers"), 3, [], ["  synapse:models:", "    a/b: { layers: 3 }"]),
    ],
)
def test_a_value_changes_alone(path: Any, value: object, gone: list[str], new: list[str]) -> None:
    edited = replaced(TEXT, at(*path), value)
    assert lines(TEXT, edited) == (gone, [line for line in new if line not in TEXT.splitlines()])
    assert SECRET in edited


@pytest.mark.parametrize(
    ("path", "gone", "new"),
    [
        (("synapse:services", "vllm", "sequences"), ["      sequences: 2"], []),
        (
            ("synapse:services", "flow", "kind"),
            ["    flow: { kind: vllm, memory: { request: 1Gi, limit: 2Gi } } # flow comment"],
            ["    flow: { memory: { request: 1Gi, limit: 2Gi } } # flow comment"],
        ),
        (("synapse:routes", "chat", 0), ["      - { service: vllm, model: a/b } # first choice"], []),
        (("synapse:routes", "indentless", 1), ["    - service: flow"], []),
        (("synapse:routes", "short", 0), ["    short: [{ service: vllm }]"], ["    short: []"]),
        (("other:key",), ["  other:key: last"], []),
        (("synapse:services", "nobody"), [], []),
    ],
)
def test_an_entry_goes_alone(path: Any, gone: list[str], new: list[str]) -> None:
    assert lines(TEXT, removed(TEXT, at(*path))) == (gone, new)


def leaves(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], object]]:
    if path:
        yield path, value
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, (*path, key))
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from leaves(each, (*path, number))


@pytest.mark.parametrize("stack", STACKS)
def test_every_value_of_the_shipped_files_can_be_replaced_and_removed(stack: str) -> None:
    text = (ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    for path, value in leaves(yaml.safe_load(text)["config"], ("config",)):
        if path == ("config",) or path[-2:] in {(0, "name"), (0, "card")}:  # the second is refused, as below
            continue
        edited = removed(text, path)
        assert len(edited) < len(text)
        if not isinstance(value, dict | list):
            assert len(lines(text, replaced(text, path, "other value"))[1]) <= 1


@pytest.mark.parametrize("text", [TEXT.replace("\n", "\r\n"), TEXT.rstrip("\n"), "\ufeff" + TEXT])
def test_line_breaks_and_the_end_of_the_file_stay(text: str) -> None:
    edited = replaced(text, at("synapse:models", "c/d"), {"groups": [{"kind": "none", "layers": 1}]})
    assert edited.count("\r\n") == (edited.count("\n") if "\r\n" in text else 0)
    assert edited.startswith(text[:40])
    assert removed(edited, at("synapse:models")).rstrip() == text.rstrip()


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("config:\n  a: &x { b: 1 }\n  c: *x\n", ("config", "a", "b"), "an anchor or alias"),
        ("config:\n  a: &x { b: 1 }\n  c: *x\n", ("config", "c", "b"), "an anchor or alias"),
        ("config:\n  a: 5\n", ("config", "a", "b"), "config.a: is '5', not a mapping; change it by hand"),
        ("config: [\n", ("config",), "not valid YAML"),
        ("a: 1\na: 2\n", ("a",), "stands twice"),
        ("- 1\n", ("a",), "0 to 1"),
        ("", ("a",), "the file: is None, not a mapping"),
    ],
)
def test_what_cannot_be_edited_safely_is_refused(text: str, path: tuple[str, ...], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        replaced(text, path, 7)


def test_an_entry_behind_an_alias_is_added_in_its_own_line() -> None:
    text = "config:\n  a: &x { b: 1 }\n  c: *x\n"
    assert replaced(text, ("config", "d"), 1) == text + "  d: 1\n"


def test_the_first_line_of_a_list_entry_is_not_removed() -> None:
    with pytest.raises(SettingsError, match="stands on one line with another entry; remove it by hand"):
        removed(TEXT, at("synapse:routes", "indentless", 0, "service"))


@pytest.mark.parametrize(
    ("route", "new"),
    [
        ("chat", ["      - { service: new }"]),
        ("short", ["    short: [{ service: new }, { service: vllm }]"]),
        ("indentless", ["    - { service: new }"]),
    ],
)
def test_an_entry_is_put_before_the_others(route: str, new: list[str]) -> None:
    edited = prepended(TEXT, at("synapse:routes", route), {"service": "new"})
    assert lines(TEXT, edited)[1] == new
    assert yaml.safe_load(edited)["config"]["synapse:routes"][route][0] == {"service": "new"}


def test_an_entry_is_put_into_a_list_alone() -> None:
    with pytest.raises(SettingsError, match="is no list with an entry; change it by hand"):
        prepended(TEXT, at("synapse:services"), 1)
