"""Configuration file: rendered stacks load, and violations are reported with their line."""

import pytest

from infra.plan.stack import plan
from infra.settings.loader import load
from synapse_gateway.routing.config import Config, ConfigError, parse
from synapse_gateway.upstream.adapters import ADAPTERS

GOOD = """
backends:
  stub: { url: "http://stub:8000", type: openai }
routes:
  - model: public
    targets:
      - { backend: stub, model: own }
"""


@pytest.mark.parametrize("stack", ["forge", "forge-llamacpp"])
def test_the_gateway_reads_the_rendered_configuration(stack: str) -> None:
    planned = plan(load(stack))
    config = parse(planned.routes.gateway_config(), "backends.yaml")
    assert set(config.backends) == {service.name for service in planned.routes.services}
    assert [route.model for route in config.routes] == [route.model for route in planned.routes.routes]


def test_a_file_is_parsed_with_defaults() -> None:
    config = parse(GOOD, "x")
    assert isinstance(config, Config)
    assert config.backends["stub"].health_path == "/health"
    assert set(config.backends["stub"].served_tasks) == set(ADAPTERS["openai"].tasks)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("type: openai", "type: opnai", 3, "got type 'opnai'; accepted: openai, llama-router"),
        ("http://stub:8000", "stub:8000", 3, "not an http(s) address; accepted: http://host:port"),
        ("http://stub:8000", "http://stub:800000", 3, "accepted: http://host:port"),
        ("http://stub:8000", "http://user:pw@stub", 3, "more than host, port and path"),
        ("http://stub:8000", "http://stub:8000?x=1", 3, "more than host, port and path"),
        ("type: openai", "type: openai, health: nope", 3, "got 'nope'; accepted: a path that begins with /"),
        ("type: openai", "type: whisper, tasks: [chat]", 3, "got 'chat' for type whisper; accepted: transcription"),
        ("type: openai", "type: openai, tasks: [sing]", 3, "Invalid enum value 'sing'"),
        ("type: openai", "type: openai, sleep_idle_s: 60", 3, "got 60; accepted: 0, or seconds for a vllm"),
        ("type: openai", "type: vllm, sleep_idle_s: -1", 3, "got -1; accepted: 0, or seconds for a vllm"),
        ("type: openai", "type: openai, concurrency: 0", 3, "accepted: concurrency at least 1"),
        ("type: openai", "typo: openai", 3, "unknown field `typo`"),
        ("backend: stub,", "backend: stud,", 7, "got backend 'stud'; accepted: one of stub"),
        ("targets:\n      - { backend: stub, model: own }", "targets: []", 5, "'public' has no targets"),
        ("model: own }", "model: own }\n      - { backend: stub }", 8, "duplicate target 'stub' of 'public'"),
        (
            "model: own }",
            "model: own }\n  - model: public\n    targets: [{ backend: stub }]",
            8,
            "duplicate route for 'public'",
        ),
        ("routes:", "  stub: { url: 'http://b' }\nroutes:", 4, "duplicate key 'stub'; keep one"),
        ("routes:", "rotes:", 2, "unknown field `rotes`"),
        ("backends:", "- x", 3, "mapping values are not allowed"),
    ],
)
def test_a_violation_names_its_line_and_the_accepted_values(old: str, new: str, line: int, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as refused:
        parse(GOOD.replace(old, new, 1), "backends.yaml")
    assert message in str(refused.value)
    assert f"backends.yaml:{line}" in str(refused.value) or f"line {line}" in str(refused.value)


@pytest.mark.parametrize("text", ["", "- a", "1", "backends: 1", "backends: {x: 1}", "backends: {x: {}}", "{[1]: 2}"])
def test_other_documents_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^x:"):
        parse(text, "x")
