"""Rules that share a conversion say the same as rules that each make their own."""

from itertools import count
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2 as messages
from pulumi_policy import EnforcementLevel, policy

from policies import memo
from policies.pack import NAME, RULES
from policies.reading import objects, stack_config
from tests.conftest import forge_config
from tests.policies.run_pack import container, workload


class Counted:
    """The SDK's way from a message to a dictionary, and how often it was gone."""

    def __init__(self) -> None:
        self.calls = 0

    def MessageToDict(self, message: Struct) -> dict[str, Any]:  # noqa: N802 (the SDK's name)
        self.calls += 1
        return json_format.MessageToDict(message)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """What `once` changes is put back after the test."""
    found = Counted()
    monkeypatch.setattr(policy, "json_format", found)
    for owner, name in ((policy, "deserialize_properties"), (policy, "unknown_checking_proxy"), (objects, "plain")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    monkeypatch.setattr(stack_config, "_RECEIVED", {"synapse:node": forge_config()["synapse:node"]})
    return found


def servicer() -> policy._PolicyAnalyzerServicer:
    said = (None,) * 6
    return policy._PolicyAnalyzerServicer(NAME, "0.0.1", list(RULES), EnforcementLevel.MANDATORY, None, *said)


def request(image: str, **message: Any) -> Any:
    properties = Struct()
    kind, props = workload("Deployment", {"containers": [container(image=image)]})
    properties.update(props)
    urn = f"urn:pulumi:forge::synapse::{kind}::bad"
    return messages.AnalyzeRequest(type=kind, name="bad", urn=urn, properties=properties, **message)


def judged(image: str) -> list[str]:
    """What the rules of objects say of a Deployment, asked by the engine's own call."""
    asked: Any = servicer()
    return [f"{each.policyName}: {each.message}" for each in asked.Analyze(request(image), None).diagnostics]


def test_all_rules_share_one_conversion(counted: Counted) -> None:
    alone = judged("server:latest")
    apart, counted.calls = counted.calls, 0
    memo.remember()
    assert judged("server:latest") == alone
    assert any("images-are-pinned" in said for said in alone)
    assert (counted.calls, apart > 1) == (1, True)


def test_another_resource_is_another_conversion(counted: Counted) -> None:
    memo.remember()
    for number in range(memo.REMEMBERED):
        assert any(f"server:{number}" in said for said in judged(f"server:{number}"))


def test_what_is_remembered_has_an_end() -> None:
    numbers = count(1)
    known = memo.Once(lambda _: next(numbers))
    values = [{"number": number} for number in range(memo.REMEMBERED + 1)]
    assert [known(value) for value in values] == list(range(1, memo.REMEMBERED + 2))
    assert (known(values[-1]), known(values[0])) == (memo.REMEMBERED + 1, memo.REMEMBERED + 2)
