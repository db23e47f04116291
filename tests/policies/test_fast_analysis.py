"""Patches that save time of a policy pack: with and without them, rules give the same results."""

from functools import partialmethod
from itertools import count
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2 as messages
from pulumi_policy import EnforcementLevel, policy

from infra import fast_preview
from policies import fast_analysis
from policies.pack import NAME, RULES
from policies.reading import objects, stack_config
from policies.rule import ObjectRule
from tests.conftest import forge_config
from tests.policies.run_pack import container, workload


class Counter:
    """The SDK's conversion of a message to a dictionary, with a count of its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def MessageToDict(self, message: Struct) -> dict[str, Any]:  # noqa: N802 (the SDK's name)
        self.calls += 1
        return json_format.MessageToDict(message)


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Count conversions, and undo the patches after the test."""
    counter = Counter()
    monkeypatch.setattr(policy, "json_format", counter)
    servicer = policy._PolicyAnalyzerServicer
    methods = [(servicer, name) for name in (*fast_analysis.PARTS, "Remediate")]
    functions = [(policy, "deserialize_properties"), (policy, "unknown_checking_proxy"), (objects, "plain")]
    for owner, name in [*functions, *methods]:
        monkeypatch.setattr(owner, name, getattr(owner, name))
    monkeypatch.setattr(stack_config, "_RECEIVED", {"synapse:node": forge_config()["synapse:node"]})
    return counter


def servicer() -> policy._PolicyAnalyzerServicer:
    unset = (None,) * 6
    return policy._PolicyAnalyzerServicer(NAME, "0.0.1", list(RULES), EnforcementLevel.MANDATORY, None, *unset)


def request(image: str, **message: Any) -> Any:
    properties = Struct()
    kind, props = workload("Deployment", {"containers": [container(image=image)]})
    properties.update(props)
    urn = f"urn:pulumi:forge::synapse::{kind}::bad"
    return messages.AnalyzeRequest(type=kind, name="bad", urn=urn, properties=properties, **message)


def violations(image: str) -> list[str]:
    """Return the violations of a Deployment, from the call that the engine makes."""
    analyzer: Any = servicer()
    return [f"{each.policyName}: {each.message}" for each in analyzer.Analyze(request(image), None).diagnostics]


def test_all_rules_share_one_conversion(counter: Counter) -> None:
    without = violations("server:latest")
    calls_without, counter.calls = counter.calls, 0
    fast_analysis.patch()
    assert violations("server:latest") == without
    assert any("images-are-pinned" in message for message in without)
    assert (counter.calls, calls_without > 1) == (1, True)


def test_another_resource_is_another_conversion(counter: Counter) -> None:
    fast_analysis.patch()
    for number in range(fast_analysis.MAX_CONVERSIONS):
        assert any(f"server:{number}" in message for message in violations(f"server:{number}"))


def test_a_memo_is_limited() -> None:
    numbers = count(1)
    memo = fast_analysis.Memo(lambda _: next(numbers))
    values = [{"number": number} for number in range(fast_analysis.MAX_CONVERSIONS + 1)]
    assert [memo(value) for value in values] == list(range(1, fast_analysis.MAX_CONVERSIONS + 2))
    most = fast_analysis.MAX_CONVERSIONS
    assert (memo(values[-1]), memo(values[0])) == (most + 1, most + 2)


def test_options_and_provider_of_a_resource_are_read_once(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    for name in fast_analysis.PARTS:
        original = getattr(policy._PolicyAnalyzerServicer, name)
        monkeypatch.setattr(policy._PolicyAnalyzerServicer, name, partialmethod(_noting, original, read))
    fast_analysis.patch()
    assert any("images-are-pinned" in message for message in violations("server:latest"))
    assert read == ["bad", "bad"]


def _noting(servicer: Any, original: Any, read: list[str], request: Any) -> Any:
    read.append(request.name)
    return original(servicer, request)


def test_no_resource_is_converted_to_be_changed(counter: Counter) -> None:
    assert not any(rule.has_remediation() for rule in RULES if isinstance(rule, ObjectRule))
    fast_analysis.patch()
    analyzer: Any = servicer()
    assert analyzer.Remediate(request("server:latest"), None) == messages.RemediateResponse()
    assert counter.calls == 0


def test_the_switch_turns_them_off(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(fast_preview.SWITCH, "0")
    fast_analysis.patch()
    assert violations("server:latest")
    assert counter.calls > 1
